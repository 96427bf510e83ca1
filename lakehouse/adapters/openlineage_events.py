"""OpenLineage: what made which table version from what, with facets of our own on privacy and proof.

Spec 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json; our facets: docs/lineage.md and the schemas
beside it. An event is made from the registry and the contracts alone: it holds digests, names of tables and
columns, and rounded counts; no value, pseudonym, actor, file name, free text or run name. The same write
gives the same events, byte for byte, however often they are replayed.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehouse.adapters.openlineage_facets import (
    JOB_TYPE,
    PARENT,
    VERSION,
    DatasetFacets,
    Release,
    facet,
)
from lakehouse.core.contract import QUARANTINE, Contracts, DatasetContract, Layer
from lakehouse.core.policy import PrivacyPolicy
from lakehouse.core.report_sources import Row, VersionFacts

Event = Mapping[str, Any]

SCHEMA_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
RUN_SPACE = uuid.UUID("6e4b7e0a-6d0f-5b0e-9d57-3f1c2a9b8d41")
"""Namespace of run ids: UUIDv5 over `<origin>/<intent id>` (RFC 9562, section 5.5)."""

DRAFT = "draft"
_DAG = re.compile(r"([a-z][a-z0-9_]{0,199})/.+", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageSources:
    """What events are made from: the site's origin, contracts, policy, and rows of the registry.

    versions: by leaf; begun: intent id -> (verb, time it was begun); releases: rows of `releases`.
    """

    origin: str
    contracts: Contracts
    policy: PrivacyPolicy
    versions: Sequence[VersionFacts]
    begun: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    releases: Sequence[Row] = ()

    @property
    def namespace(self) -> str:
        """The namespace of jobs and tables."""
        return f"livinglab://{self.origin}"

    def contract_of(self, version: VersionFacts) -> DatasetContract | None:
        """Return the contract of a version: a draft has its product's, a quarantine its table's."""
        layer, _, name = version.table.partition(".")
        layer = str(Layer.GOLD) if layer == DRAFT else layer
        return self.contracts.find(f"{layer}.{name.removesuffix(QUARANTINE)}")

    def release_of(self, version: VersionFacts) -> Release | None:
        """Return the measures of the release that a gold version or draft holds, or None."""
        layer, _, name = version.table.partition(".")
        if layer not in (DRAFT, Layer.GOLD):
            return None
        own = [
            row
            for row in self.releases
            if row["product"] == name and row["content_digest"] == version.row["content_digest"]
        ]
        return Release.of(own[-1], self.policy.floor.k) if own else None


def lineage_events(sources: LineageSources, leaves: range | None = None) -> Iterator[Event]:
    """Yield START and COMPLETE of each write, in the order of the log; of those that end within `leaves`."""
    by_leaf = {version.leaf: version for version in sources.versions}
    for intent, outputs in _writes(sources.versions).items():
        if leaves is not None and max(version.leaf for version in outputs) not in leaves:
            continue
        yield from _events_of(sources, intent, outputs, by_leaf)


def run_id(origin: str, name: str) -> str:
    """Return the id of a write (by intent id) or of what started it (by the run's name)."""
    return str(uuid.uuid5(RUN_SPACE, f"{origin}/{name}"))


def started_by(origin: str, run: str) -> tuple[str, str] | None:
    """Return the DAG that a run's name speaks of and the run's id, None where Airflow did not start it."""
    dag = _DAG.fullmatch(run)
    return None if dag is None else (dag[1], run_id(origin, run))


def _writes(versions: Iterable[VersionFacts]) -> Mapping[str, list[VersionFacts]]:
    found: dict[str, list[VersionFacts]] = {}
    for version in versions:
        found.setdefault(str(version.row["intent_id"]), []).append(version)
    return found


def _events_of(
    sources: LineageSources,
    intent: str,
    outputs: Sequence[VersionFacts],
    by_leaf: Mapping[int, VersionFacts],
) -> Iterator[Event]:
    code = str(outputs[0].record.get("code_version") or "unknown")
    ended = max(str(version.row["created_at"]) for version in outputs)
    verb, begun = sources.begun.get(intent, (str(outputs[0].row["kind"]), ended))
    shared = {
        "producer": f"urn:livinglab:{code}",
        "schemaURL": SCHEMA_URL,
        "run": {"runId": run_id(sources.origin, intent), "facets": _parent(sources, outputs[0], code)},
        "job": {
            "namespace": sources.namespace,
            "name": f"{verb}.{outputs[0].table}",
            "facets": {
                "jobType": facet(
                    code, JOB_TYPE, processingType="BATCH", integration="LIVINGLAB", jobType=verb.upper()
                )
            },
        },
        "inputs": _inputs(sources, outputs, by_leaf, code),
    }
    yield {"eventType": "START", "eventTime": min(begun, ended), **shared, "outputs": []}
    made = [_output(sources, version, code) for version in outputs]
    yield {"eventType": "COMPLETE", "eventTime": ended, **shared, "outputs": made}


def _parent(sources: LineageSources, version: VersionFacts, code: str) -> Mapping[str, Any]:
    """Return the DAG run that wrote, by id: its name may hold what a person typed."""
    started = started_by(sources.origin, str(version.detail("run") or ""))
    if started is None:
        return {}
    dag, run = started
    job = {"namespace": sources.namespace, "name": dag}
    return {"parent": facet(code, PARENT, run={"runId": run}, job=job)}


def _inputs(
    sources: LineageSources,
    outputs: Sequence[VersionFacts],
    by_leaf: Mapping[int, VersionFacts],
    code: str,
) -> list[Event]:
    leaves = dict.fromkeys(leaf for version in outputs for leaf in version.inputs)
    read = [by_leaf[leaf] for leaf in leaves if leaf in by_leaf]
    contract = sources.contract_of(outputs[0])
    folder = contract.folder if contract and contract.layer is Layer.BRONZE else None
    return [
        *([{"namespace": sources.namespace, "name": f"landing/{folder}"}] if folder else []),
        *(_versioned(sources, version, code) for version in read),
    ]


def _versioned(sources: LineageSources, version: VersionFacts, code: str) -> Event:
    stated = facet(code, VERSION, datasetVersion=str(version.row["version"]))
    return {"namespace": sources.namespace, "name": version.table, "facets": {"version": stated}}


def _output(sources: LineageSources, version: VersionFacts, code: str) -> Event:
    named = _versioned(sources, version, code)
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
