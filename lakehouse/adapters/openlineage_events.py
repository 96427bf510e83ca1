"""OpenLineage: what made which table version from what, with facets of our own on privacy and proof.

Spec 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json; our facets: docs/lineage.md and the schemas
beside it. An event is made from the registry and the contracts alone: it holds digests, names of tables and
columns, and rounded counts; no value, pseudonym, actor, file name, free text or run name. The same write
gives the same events, byte for byte, however often they are replayed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lakehouse.adapters.openlineage_facets import DatasetFacets
from lakehouse.adapters.openlineage_runs import EndedRun, Event, LineageSources, run_id
from lakehouse.adapters.openlineage_statements import statement_run
from lakehouse.core.contract import DatasetContract, Layer
from lakehouse.core.report_sources import VersionFacts


def lineage_events(sources: LineageSources, leaves: range | None = None) -> Iterator[Event]:
    """Yield START and COMPLETE of each write, answer and model, in the order of the log.

    leaves: only of those that end within them.
    """
    by_leaf = {version.leaf: version for version in sources.versions}
    runs = [
        *(_write_run(sources, intent, made, by_leaf) for intent, made in _writes(sources.versions).items()),
        *((own.leaf, statement_run(sources, own, by_leaf)) for own in sources.statements),
    ]
    for leaf, run in sorted(runs, key=lambda own: own[0]):
        if leaves is None or leaf in leaves:
            yield from run.events(sources.namespace)


def _writes(versions: Iterable[VersionFacts]) -> Mapping[str, list[VersionFacts]]:
    found: dict[str, list[VersionFacts]] = {}
    for version in versions:
        found.setdefault(str(version.row["intent_id"]), []).append(version)
    return found


def _write_run(
    sources: LineageSources,
    intent: str,
    outputs: Sequence[VersionFacts],
    by_leaf: Mapping[int, VersionFacts],
) -> tuple[int, EndedRun]:
    """Return a write and the leaf with which it ended."""
    code = str(outputs[0].record.get("code_version") or "unknown")
    ended = max(str(version.row["created_at"]) for version in outputs)
    verb, begun = sources.begun.get(intent, (str(outputs[0].row["kind"]), ended))
    return max(version.leaf for version in outputs), EndedRun(
        run=run_id(sources.origin, intent),
        verb=verb,
        about=outputs[0].table,
        code=code,
        begun=begun,
        ended=ended,
        facets=sources.parent(str(outputs[0].detail("run") or ""), code),
        inputs=_inputs(sources, outputs, by_leaf, code),
        outputs=[_output(sources, version, code) for version in outputs],
    )


def _inputs(
    sources: LineageSources,
    outputs: Sequence[VersionFacts],
    by_leaf: Mapping[int, VersionFacts],
    code: str,
) -> list[Event]:
    contract = sources.contract_of(outputs[0])
    folder = contract.folder if contract and contract.layer is Layer.BRONZE else None
    return [
        *([{"namespace": sources.namespace, "name": f"landing/{folder}"}] if folder else []),
        *sources.read((leaf for version in outputs for leaf in version.inputs), by_leaf, code),
    ]


def _output(sources: LineageSources, version: VersionFacts, code: str) -> Event:
    named = sources.versioned(version.table, str(version.row["version"]), code)
    made = DatasetFacets(
        namespace=sources.namespace,
        origin=sources.origin,
        code=code,
        version=version,
        contract=sources.contract_of(version),
        source=_source_of(sources, version),
        policy=sources.policy,
        release=sources.release_of(version),
    )
    return {**named, "facets": {**named["facets"], **made.dataset()}, "outputFacets": made.output()}


def _source_of(sources: LineageSources, version: VersionFacts) -> DatasetContract | None:
    contract = sources.contract_of(version)
    return sources.contracts.find(contract.source) if contract and contract.source else None
