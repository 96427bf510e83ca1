"""Make anew what changed contracts, policies and consents have left behind: silver, releases, models.

Run keys decide: whatever the change does not touch is returned as it stands, never doubled. What a rule, a
budget or a missing models environment forbids to one release or model is told of it, and the rest goes on.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from lakehouse.core.contract import Layer
from lakehouse.core.release import ReleaseResult
from lakehouse.errors import (
    BudgetExhausted,
    ContractError,
    LivingLabError,
    NotReady,
    Refused,
    Unavailable,
)
from lakehouse.pipeline.left_behind import way_out_of_budget
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.publish_records import current_release
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.results import TableResult
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import StaleModel, StaleVersion, stale_models, stale_versions
from lakehouse.pipeline.train import TrainedModel, train

NOT_NOW = (Refused, NotReady, Unavailable, ContractError)
"""What ends one release or model and not the others; damage and unverified proofs end the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRenewed:
    """A release or model that could not be made anew; what readers had of it is as it was, refused or not."""

    kind: Literal["release", "model"]
    name: str
    error: LivingLabError
    way_out: str

    def as_json(self) -> dict[str, object]:
        """Return the entry of `not_renewed[]`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "error": self.error.as_json(),
            "way_out": self.way_out,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What was stale, and what came of it: silver versions, releases and models, those that stood repeated.

    A model without a digest was not trained, and says why: too few people are left.
    """

    stale: tuple[StaleVersion, ...]
    stale_models: tuple[StaleModel, ...]
    silver: tuple[TableResult, ...]
    releases: tuple[ReleaseResult, ...]
    models: tuple[TrainedModel, ...]
    not_renewed: tuple[NotRenewed, ...]

    @property
    def error(self) -> LivingLabError | None:
        """The first reason why something was not made anew, or None."""
        return self.not_renewed[0].error if self.not_renewed else None

    def as_json(self) -> dict[str, object]:
        """Return the fields of `refine --stale`."""
        return {
            "stale": [own.as_json() for own in self.stale],
            "stale_models": [own.as_json() for own in self.stale_models],
            "silver": [own.as_json() for own in self.silver],
            "releases": [own.as_json() for own in self.releases],
            "models": [own.outline() for own in self.models],
            "not_renewed": [own.as_json() for own in self.not_renewed],
            "error": self.error.as_json() if self.error else None,
        }


def refine_stale(site: Site) -> Renewal:
    """Refine what is stale, publish what is stale or reads what was refined, train what is stale then.

    Done again, a no-op. Raises what `refine` raises, and damage; what was made until then stands, and the
    next call goes on.
    """
    require_renewal(site)
    stale, models = stale_versions(site), stale_models(site)
    silver = renew_silver(site, stale)
    products = products_to_renew(site, stale, {own.table for own in silver})
    releases, unpublished = _republish(site, products)
    trained, untrained = _retrain(site, [own.name for own in stale_models(site)])
    return Renewal(
        stale=tuple(stale),
        stale_models=tuple(models),
        silver=tuple(silver),
        releases=tuple(releases),
        models=tuple(trained),
        not_renewed=(*unpublished, *untrained),
    )


def require_renewal(site: Site) -> None:
    """Raise NotAllowed unless the actor may do every part of it."""
    for verb in ("refine", "publish", "train"):
        site.actor.require(verb)


def renew_silver(site: Site, stale: Iterable[StaleVersion]) -> list[TableResult]:
    """Refine the data sets whose silver tables are stale, each once; those that stood are repeated."""
    tables = {own.table for own in stale}
    sources = {
        str(contract.source).partition(".")[2]: None
        for contract in site.contracts.of_layer(Layer.SILVER)
        if contract.table in tables and str(contract.source).startswith(f"{Layer.BRONZE}.")
    }
    made = {own.table: own for dataset in sources for own in refine(site, dataset)}
    return list(made.values())


def products_to_renew(site: Site, stale: Iterable[StaleVersion], refined: Collection[str]) -> list[str]:
    """Return the products that readers have a release of, and that are stale or read a table `refined`."""
    tables = {own.table for own in stale}
    return [
        contract.name
        for contract in site.contracts.of_layer(Layer.GOLD)
        if current_release(site, contract.name) is not None
        and (contract.table in tables or set(refined).intersection(contract.reads))
    ]


def _republish(site: Site, products: Collection[str]) -> tuple[list[ReleaseResult], list[NotRenewed]]:
    """Publish products one by one; one that is refused (consent, budget) leaves its earlier release."""
    made: list[ReleaseResult] = []
    refused: list[NotRenewed] = []
    for product in products:
        try:
            made.append(publish(site, product))
        except NOT_NOW as error:
            spent = isinstance(error, BudgetExhausted)
            refused.append(
                NotRenewed(
                    kind="release",
                    name=f"{Layer.GOLD}.{product}",
                    error=error,
                    way_out=way_out_of_budget(site, product) if spent else error.remedy,
                )
            )
    return made, refused


def _retrain(site: Site, names: Collection[str]) -> tuple[list[TrainedModel], list[NotRenewed]]:
    """Train models one by one, from the newest versions of their tables and today's consents."""
    made: list[TrainedModel] = []
    refused: list[NotRenewed] = []
    for name in names:
        try:
            made.append(train(site, name))
        except NOT_NOW as error:
            refused.append(NotRenewed(kind="model", name=name, error=error, way_out=error.remedy))
    return made, refused
