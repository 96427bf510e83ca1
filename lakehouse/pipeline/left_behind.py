"""What `status` and `contracts lint` say of stale versions, releases and models, and the way out of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lakehouse.adapters.budget_ledger import BudgetLedger
from lakehouse.core.budget import decimal_text, epsilon_of
from lakehouse.core.contract import Layer
from lakehouse.core.release import ReleaseState
from lakehouse.core.release_rules import ReleaseRules, parse_release_rules
from lakehouse.errors import LivingLabError
from lakehouse.pipeline.publish_inputs import gather_inputs
from lakehouse.pipeline.publish_records import current_release, release_of_run
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import (
    StaleModel,
    StaleVersion,
    stale_models,
    stale_versions,
    waiting_retries,
)
from lakehouse.pipeline.train import too_few_left

RENEW = "livinglab refine --stale"
LEFT_BEHIND = {
    "contract": "was made under an earlier contract",
    "policy": "was made under an earlier policy",
    "consent": "counts people who no longer permit its purpose",
    "input": "was made from rows of an earlier contract or policy",
}
"""What is said of a version that is stale because of this."""
MODELS_LEFT_BEHIND = {
    "consent": "learnt from people who no longer permit it, and answers nothing",
    "input": "learnt from rows of an earlier contract or policy",
}
"""What is said of a model that is stale because of this."""

Told = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """The versions and models that contracts and a policy make stale."""

    versions: tuple[StaleVersion, ...]
    models: tuple[StaleModel, ...]

    def as_json(self) -> dict[str, object]:
        """Return the fields of `contracts lint`."""
        return {
            "stale": [own.as_json() for own in self.versions],
            "stale_models": [own.as_json() for own in self.models],
        }

    def sentences(self) -> list[str]:
        """Return one sentence each, and the way out."""
        told = [*map(tell_version, self.versions), *map(tell_model, self.models)]
        return [*told, f"to make them anew: {RENEW}"] if told else []


def left_by_rules(site: Site) -> LeftBehind:
    """Return what the site's contracts and policy leave behind; withdrawn consents are no part of it."""
    return LeftBehind(
        versions=tuple(own for own in stale_versions(site) if own.because != "consent"),
        models=tuple(own for own in stale_models(site) if own.because != "consent"),
    )


def tell_left_behind(site: Site) -> list[Told]:
    """Return what is stale or may now pass {what, remedy}."""
    with site.registry.reading() as tx:
        drafts = tx.many("releases", state=str(ReleaseState.SUBMITTED))
    waiting = [
        {
            "what": f"{own.rows} input rows of {own.dataset} were set aside under an earlier contract",
            "remedy": f"livinglab quarantine {own.dataset} --retry",
        }
        for own in waiting_retries(site)
    ]
    decisions = {
        f"{Layer.GOLD}.{row['product']}": f"a release waits: livinglab approve {row['release_id']}, or reject"
        for row in drafts
    }
    stale = [
        {"what": tell_version(own), "remedy": decisions.get(own.table) or _way_out(site, own)}
        for own in stale_versions(site)
    ]
    models = [{"what": tell_model(own), "remedy": _model_way_out(site, own)} for own in stale_models(site)]
    return [*waiting, *stale, *models]


def tell_version(stale: StaleVersion) -> str:
    """Return the sentence about a stale version."""
    return f"{stale.table}@{stale.version} {LEFT_BEHIND[stale.because]}"


def tell_model(stale: StaleModel) -> str:
    """Return the sentence about a stale model."""
    return f"the model {stale.name} {MODELS_LEFT_BEHIND[stale.because]}"


def _way_out(site: Site, stale: StaleVersion) -> str:
    """Return the command that renews a version; of a release that no budget pays for, what else there is."""
    contract = site.contracts.by_table[stale.table]
    if contract.layer is not Layer.GOLD or stale.because not in ("consent", "input"):
        return RENEW
    short = list(_unpaid(site, parse_release_rules(contract, site.policy.floor)))
    if short:
        return f"{'; '.join(short)}: {way_out_of_budget(site, contract.name)}"
    return _rejected_already(site, contract.name) or RENEW


def _rejected_already(site: Site, product: str) -> str | None:
    """Return what to do where the release of today's inputs was rejected or cannot be made, or None."""
    try:
        made = release_of_run(site, gather_inputs(site, product).run_key)
    except LivingLabError as error:
        return f"{error.message}: {error.remedy}, then {RENEW}"
    if made is None or made["state"] != ReleaseState.REJECTED:
        return None
    return f"release {made['release_id']}, made of today's inputs, is rejected: {_readers_end(site, product)}"


def way_out_of_budget(site: Site, product: str) -> str:
    """Return what can be done about a product whose noisy figures no longer fit what is left."""
    return f"raise the cap in the policy, or {_readers_end(site, product)}"


def _readers_end(site: Site, product: str) -> str:
    """Return the command that takes a product's release from readers."""
    release = current_release(site, product)
    return f"livinglab withdraw {release['release_id'] if release else 'RELEASE'} --reason TEXT"


def _unpaid(site: Site, rules: ReleaseRules) -> Iterator[str]:
    """Say of each population how much its private statistics would cost and what is left, where that is less.

    People or rows that changed make their questions new ones, which are charged again.
    """
    ledger = BudgetLedger(site.registry)
    for population, asked in _asked(site, rules).items():
        balance = ledger.balance(site.policy.budget(population), rules.purpose, site.actor.name)
        left = epsilon_of(balance.left)
        if asked > left:
            yield (
                f"its private statistics cost up to epsilon {decimal_text(asked)} of {population}, "
                f"{decimal_text(left)} is left"
            )


def _asked(site: Site, rules: ReleaseRules) -> Mapping[str, Decimal]:
    asked: dict[str, Decimal] = {}
    for statistic in rules.private:
        population = site.contracts.require(statistic.on).population
        asked[population] = asked.get(population, Decimal(0)) + statistic.epsilon
    return asked


def _model_way_out(site: Site, stale: StaleModel) -> str:
    """Return the command that trains a model anew, after what must be mended first; or why it cannot be."""
    try:
        why = too_few_left(site, stale.name)
        if why is None:
            site.models.require()
    except LivingLabError as error:
        return f"{error.message}: {error.remedy}, then {RENEW}"
    return f"{why}: livinglab models retire {stale.name} --reason TEXT, or land more people" if why else RENEW
