"""Tables as Airflow assets: one a table, grouped by layer; events carry facts, never values of people."""

from collections.abc import Mapping

from airflow.sdk import Asset, AssetAlias, AssetWatcher

from lakehouse.core.contract import DatasetContract
from livinglab_airflow.landing_trigger import LandingTrigger

EVENT_FACTS = ("version", "rows", "leaf", "state", "findings", "k", "l", "t", "repeated")


RENEWED = AssetAlias(name="renewed", group="maintenance")
"""Stands for whichever tables a run of `refine_stale` makes anew."""

ASKED_BESIDE = AssetAlias(name="asked_beside", group="approval")
"""Stands for the drafts that a run of an approval leaves to another run."""

RELEASE = "release"
"""What an event of a draft's asset calls the release that newly waits."""

RETRIED = AssetAlias(name="retried", group="maintenance")
"""Stands for the tables that a run of `retry_quarantine` adds rows to."""


def table_asset(contract: DatasetContract) -> Asset:
    """Return the asset of a table; an event of it means that a version was written or confirmed."""
    return Asset(
        name=contract.table,
        uri=f"livinglab://lake/{contract.layer}/{contract.name}",
        group=str(contract.layer),
        extra={"title": contract.title, "population": contract.population, "grain": contract.grain},
    )


def draft_asset(contract: DatasetContract) -> Asset:
    """Return the asset of a product's drafts; an event of it means that one waits for the DPO."""
    return Asset(name=f"draft.{contract.name}", uri=f"livinglab://lake/draft/{contract.name}", group="draft")


def waiting_event(release_id: object) -> dict[str, str]:
    """Return what an event of a draft's asset says: which release newly waits."""
    return {RELEASE: str(release_id)}


def landing_asset(contract: DatasetContract) -> Asset:
    """Return the asset of a data set's files in the drop zone; an event of it means that some have come."""
    watcher = LandingTrigger(dataset=contract.name, folders=contract.folders, patterns=contract.files)
    return Asset(
        name=f"landing.{contract.name}",
        uri=f"livinglab://landing/{contract.name}",
        group="landing",
        extra={"title": contract.title},
        watchers=[AssetWatcher(name=f"files of {contract.name}", trigger=watcher)],
    )


def event_facts(result: Mapping[str, object]) -> dict[str, object]:
    """Return what an asset event says of a verb's result: figures of the table, nothing of its rows."""
    return {name: result[name] for name in EVENT_FACTS if name in result}
