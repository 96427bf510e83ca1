"""The drawing of a report: sources and versions, and what was made from what."""

from collections.abc import Iterable, Mapping

from lakehouse.core.contract import Contracts, Layer
from lakehouse.core.report import Flow, FlowNode
from lakehouse.core.report_sources import VersionFacts


def version_flow(
    versions: Iterable[VersionFacts],
    contracts: Contracts,
    focus: frozenset[int] = frozenset(),
    *,
    hide_rows: bool = False,
) -> Flow:
    """Return the flow between versions; bronze ones stand behind the folder they were read from.

    `focus`: the leaves that the report is about; `hide_rows`: say how many rows only of those.
    """
    by_leaf = {own.leaf: own for own in versions}
    stages = _stages(by_leaf)
    nodes = [
        FlowNode(
            key=str(leaf),
            stage=stages[leaf],
            title=own.table,
            note=_note(own, hide_rows and leaf not in focus),
            focus=leaf in focus,
        )
        for leaf, own in by_leaf.items()
    ]
    edges = [
        (str(source), str(leaf))
        for leaf, own in by_leaf.items()
        for source in own.inputs
        if source in by_leaf
    ]
    folders = {str(leaf): folder for leaf, own in by_leaf.items() if (folder := _folder_of(own, contracts))}
    sources = [
        FlowNode(key=f"folder {name}", stage=0, title=name, note="source")
        for name in sorted(set(folders.values()))
    ]
    edges += [(f"folder {folder}", key) for key, folder in folders.items()]
    return Flow(nodes=(*sources, *nodes), edges=tuple(edges))


def _note(version: VersionFacts, hide_rows: bool) -> str:
    number = f"version {version.row['version']}"
    return number if hide_rows else f"{number} · {version.rows:,} rows"


def _stages(by_leaf: Mapping[int, VersionFacts]) -> dict[int, int]:
    """Return the column of each version: one further right than everything it was made from."""
    stages: dict[int, int] = {}
    for leaf in sorted(by_leaf):
        inputs = [stages[source] for source in by_leaf[leaf].inputs if source in stages]
        stages[leaf] = max(inputs, default=0) + 1
    return stages


def _folder_of(version: VersionFacts, contracts: Contracts) -> str | None:
    contract = contracts.find(version.table)
    return contract.folder if contract is not None and contract.layer is Layer.BRONZE else None
