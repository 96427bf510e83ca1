"""What changed contracts, policies and consents have left behind: versions, releases, models, rows set aside.

Reads the registry, the vault and the consents, no other table. Bronze is as received: what its contract set
aside `quarantine --retry` reads again.
"""

from dataclasses import dataclass

from lakehouse.adapters.sql_registry import Row
from lakehouse.core.contract import DatasetContract, Layer
from lakehouse.pipeline.lapsed_consents import training_lapsed, withdrawn_since
from lakehouse.pipeline.made_under import earlier_rules, judged_write, reads_outdated
from lakehouse.pipeline.model_registry import ACTIVE, model_rows
from lakehouse.pipeline.publish_records import current_release
from lakehouse.pipeline.retry import count_waiting
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleVersion:
    """The version that readers have of a table, made under other rules or consents than there are now.

    because: "contract", "policy", "consent" or "input", the first of them that changed; consent: it counts
    people who no longer permit its purpose; input: it was made from rows that an earlier contract or policy
    made.
    """

    table: str
    version: int
    because: str = "contract"

    def as_json(self) -> dict[str, object]:
        """Return the entry of `stale[]`."""
        return {"table": self.table, "version": self.version, "because": self.because}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleModel:
    """A model in use that is to be trained anew; because: "consent" or "input", as of `StaleVersion`.

    One that is stale by consent answers nothing; one by its input goes on until there is another.
    """

    name: str
    digest: str
    because: str

    def as_json(self) -> dict[str, object]:
        """Return the entry of `stale_models[]`."""
        return {"name": self.name, "digest": self.digest, "because": self.because}


def stale_versions(site: Site) -> list[StaleVersion]:
    """Return the silver versions and releases of an earlier contract or policy, and releases of people who
    have withdrawn.
    """
    found = []
    for layer in (Layer.SILVER, Layer.GOLD):
        for contract in site.contracts.of_layer(layer):
            row = judged_write(site, contract)
            because = None if row is None else _what_changed(site, contract, row)
            if row is not None and because:
                found.append(StaleVersion(table=contract.table, version=row["version"], because=because))
    return found


def stale_models(site: Site) -> list[StaleModel]:
    """Return the models in use whose people have withdrawn, or whose input was made under earlier rules.

    A changed recipe is no reason: whoever changes it trains the model (`models train`).
    """
    named = set(site.models.recipe_names())
    rows = [row for row in model_rows(site) if row["state"] == ACTIVE and row["name"] in named]
    judged = [(row, _why_stale(site, row)) for row in rows]
    return [
        StaleModel(name=row["name"], digest=row["digest"], because=because)
        for row, because in judged
        if because
    ]


def _what_changed(site: Site, contract: DatasetContract, row: Row) -> str | None:
    because = earlier_rules(site, contract, row)
    if contract.layer is not Layer.GOLD or because in ("contract", "policy"):
        return because
    release = current_release(site, contract.name)
    return "consent" if release is not None and withdrawn_since(site, contract, release) else because


def _why_stale(site: Site, model: Row) -> str | None:
    recipe = site.models.recipe(model["name"])
    if training_lapsed(site, model["digest"], recipe.purpose):
        return "consent"
    with site.registry.reading() as tx:
        record = tx.one("records", leaf_index=model["leaf_index"])
    read = record["inputs"] if record else []
    return "input" if reads_outdated(site, (recipe.table, recipe.people_table), read) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRetry:
    """A data set whose contract changed since it last landed: how many input rows a retry would try."""

    dataset: str
    rows: int


def waiting_retries(site: Site) -> list[WaitingRetry]:
    """Return the data sets of which `quarantine --retry` may take in what an earlier contract set aside."""
    waiting = []
    for contract in site.contracts.of_layer(Layer.BRONZE):
        row = judged_write(site, contract)
        if row is not None and (row["details"] or {}).get("contract") not in (None, contract.digest):
            rows = count_waiting(site, contract)
            waiting += [WaitingRetry(dataset=contract.name, rows=rows)] if rows else []
    return waiting
