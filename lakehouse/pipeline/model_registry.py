"""Which models a site has: their state, their files, their leaf in the log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.adapters.model_store import ModelCheck, ModelStore, StoredModel
from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.lineage import parse_record
from lakehouse.core.linear_model import LinearModel
from lakehouse.errors import LivingLabError, NotReady, NotVerified, Refused, WrongUse
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site

ACTIVE, SUPERSEDED, RETIRED = "active", "superseded", "retired"
TRAINING_CELL = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteModel:
    """A model in use: its registry row, its checked files, its numbers, its card."""

    row: Row
    stored: StoredModel
    model: LinearModel
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVerification:
    """Every check of one model."""

    name: str
    digest: str
    state: str
    checks: tuple[ModelCheck, ...]

    @property
    def verified(self) -> bool:
        """Whether all checks hold."""
        return all(check.ok for check in self.checks)

    def as_json(self) -> dict[str, object]:
        """Return the fields of `models verify`."""
        checks = [{"name": check.name, "ok": check.ok, "why": check.why} for check in self.checks]
        return {
            "name": self.name,
            "digest": self.digest,
            "state": self.state,
            "checks": checks,
            "verified": self.verified,
        }


def model_store(site: Site) -> ModelStore:
    """Return the models of the site's home."""
    signer = Signer(site.home.origin, site.keys.signing_key())
    return ModelStore(site.models.artefacts, signer)


def model_rows(site: Site, name: str | None = None) -> list[Row]:
    """Return the registry rows of all models, or of one name, in the order in which they were logged."""
    with site.registry.reading() as tx:
        found = tx.many("models", order="leaf_index")
    return [row for row in found if name in (None, row["name"])]


def latest_row(site: Site, name: str) -> Row:
    """Return the newest model of a name, whatever its state.

    Raises:
        WrongUse: no model can have this name.
        NotReady: none was trained.
    """
    rows = model_rows(site, name)
    if rows:
        return rows[-1]
    if name not in site.models.recipe_names():
        raise WrongUse(
            "there is no model of this name", remedy=f"models: {', '.join(site.models.recipe_names())}"
        )
    raise NotReady(f"no model {name} was trained here", remedy=f"livinglab models train {name}")


def open_active(site: Site, name: str) -> SiteModel:
    """Return the model in use; its signature, its digests and its leaf are checked first.

    Raises:
        Refused: the newest model of this name is retired.
        NotVerified: a check does not hold; nothing was opened.
    """
    row = latest_row(site, name)
    if row["state"] != ACTIVE:
        raise Refused(
            f"the model {name} is retired",
            remedy="a new model is made when data, consents or the recipe change",
            digest=row["digest"],
        )
    return open_row(site, row)


def open_row(site: Site, row: Row) -> SiteModel:
    """Return the model of a registry row, whatever its state, after all checks."""
    check_leaf(site, row)
    try:
        stored = model_store(site).open(row["name"], row["digest"])
    except NotVerified as problem:
        raise NotVerified(problem.message, remedy=f"livinglab models train {row['name']}") from problem
    return SiteModel(
        row=row,
        stored=stored,
        model=LinearModel.from_document(json.loads(stored.files["model.json"])),
        card=json.loads(stored.files["card.json"]),
    )


def check_leaf(site: Site, row: Row) -> None:
    """Raise NotVerified unless the log holds the model's digest under the leaf that the row names."""
    index = int(row["leaf_index"])
    if index >= site.log.size():
        raise NotVerified(
            f"the log has no leaf {index}, under which the model stands", remedy="livinglab fsck"
        )
    record = parse_record(site.log.entry(index))
    if record.kind != "model" or record.digests.get("model") != row["digest"]:
        raise NotVerified(f"leaf {index} of the log speaks of something else", remedy="livinglab fsck")


def verify_model(site: Site, name: str) -> ModelVerification:
    """Check the newest model of a name: log, signature, manifest, every file."""
    site.actor.require("models")
    row = latest_row(site, name)
    checks = (_leaf_check(site, row), *model_store(site).checks(name, row["digest"]))
    return ModelVerification(name=name, digest=row["digest"], state=row["state"], checks=checks)


def _leaf_check(site: Site, row: Row) -> ModelCheck:
    try:
        check_leaf(site, row)
    except LivingLabError as problem:
        return ModelCheck(name="leaf", ok=False, why=problem.message)
    return ModelCheck(name="leaf", ok=True)


def retire_model(site: Site, name: str, reason: str) -> Row:
    """End the use of a model, log the decision, destroy its secret key; return its row.

    Its files stay: they prove what was in use. Retiring it again changes nothing.
    """
    site.actor.require("retire")
    if not reason.strip():
        raise WrongUse("retiring a model needs a reason", remedy="--reason TEXT")
    with site.locks.hold([lock_name(name)]):
        row = latest_row(site, name)
        if row["state"] == ACTIVE:
            log_record(
                site,
                draft_record(
                    site,
                    kind="decision",
                    digests={"model": row["digest"]},
                    details={"decision": "retire", "model": name, "reason": reason},
                    ref=f"model/{row['digest']}",
                    inputs=(row["leaf_index"],),
                ),
                changes=[("models", {"name": name, "digest": row["digest"]}, {"state": RETIRED})],
            )
        site.models.forget_keys(row["digest"])
    return latest_row(site, name)


def lock_name(name: str) -> str:
    """Return the lock that training and retiring of a model hold."""
    return f"model-{name}"


def membership_name(digest: str) -> str:
    """Return under what name the vault keeps who a model was trained on."""
    return f"model/{digest}"
