"""predict: one person's features -> a score; encrypted, the computing process never sees them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.errors import ConsentRefused
from lakehouse.pipeline.lapsed_consents import training_lapsed
from lakehouse.pipeline.model_registry import SiteModel, open_active
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A probability. `agreement` (encrypted only): it equals the score of the same integers in clear.

    `milliseconds` is the scoring itself: encryption, run and decryption, processes already started.
    """

    name: str
    digest: str
    leaf: int
    score: float
    encrypted: bool
    agreement: bool | None
    milliseconds: float

    def as_json(self) -> dict[str, object]:
        """Return the fields of INTERFACE. A model is opened only after its checks, so they held."""
        return {
            "score": self.score,
            "encrypted": self.encrypted,
            "agreement": self.agreement,
            "milliseconds": self.milliseconds,
            "model": {
                "name": self.name,
                "digest": self.digest,
                "leaf": self.leaf,
                "signature_checked": True,
            },
        }


def predict(site: Site, name: str, features: object, *, encrypted: bool = True) -> Prediction:
    """Score one input, an object feature -> number (`models show` lists them).

    Raises:
        UnreadableInput: a feature is missing, unknown, not a finite number; names it, not its value.
        ConsentRefused: someone the model was trained on no longer permits the purpose.
        NotVerified: signature, digest or leaf of the model does not hold; nothing was opened.
        NotReady: no model, or encrypted without the models environment.
        Refused: the model is retired.
    """
    site.actor.require("predict")
    opened = open_active(site, name)
    values = opened.model.check_input(features)
    require_consents(site, opened)
    return _encrypted_score(site, opened, values) if encrypted else _clear_score(opened, values)


def require_consents(site: Site, opened: SiteModel) -> None:
    """Raise ConsentRefused where a person of the training set has withdrawn since."""
    if training_lapsed(site, opened.row["digest"], str(opened.card["purpose"])):
        name = opened.row["name"]
        raise ConsentRefused(
            f"consents have changed since the model {name} was trained: it may not be used",
            remedy=f"livinglab models train {name}",
        )


def example_features(site: Site, name: str) -> dict[str, float]:
    """Return an invented input: the middle of each feature's typical range; nobody's values."""
    site.actor.require("models")
    recipe = site.models.recipe(name)
    return {feature.name: round((feature.low + feature.high) / 2, 6) for feature in recipe.features}


def _clear_score(opened: SiteModel, values: Mapping[str, float]) -> Prediction:
    started = time.perf_counter()
    score = opened.model.score(values)
    return _prediction(opened, score, 1000 * (time.perf_counter() - started), agreement=None)


def _encrypted_score(site: Site, opened: SiteModel, values: Mapping[str, float]) -> Prediction:
    answer = site.models.predict(opened.row["digest"], opened.stored.files, values)
    return _prediction(opened, answer.score, answer.milliseconds, agreement=answer.agreement)


def _prediction(
    opened: SiteModel, score: float, milliseconds: float, *, agreement: bool | None
) -> Prediction:
    return Prediction(
        name=opened.row["name"],
        digest=opened.row["digest"],
        leaf=opened.row["leaf_index"],
        score=score,
        encrypted=agreement is not None,
        agreement=agreement,
        milliseconds=round(milliseconds, 3),
    )
