"""OpenLineage: runs, jobs and tables as events name them, and the two events of a run that ended well.

Spec 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json. Ids are made from what the log holds, so the
same run gives the same events, byte for byte, however often they are replayed.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehouse.adapters.openlineage_facets import JOB_TYPE, PARENT, VERSION, Release, facet
from lakehouse.core.contract import QUARANTINE, Contracts, DatasetContract, Layer
from lakehouse.core.policy import PrivacyPolicy
from lakehouse.core.report_sources import Row, StatementFacts, VersionFacts

Event = Mapping[str, Any]

SCHEMA_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
RUN_SPACE = uuid.UUID("6e4b7e0a-6d0f-5b0e-9d57-3f1c2a9b8d41")
"""Namespace of run ids: UUIDv5 over `<origin>/<intent id>` (RFC 9562, section 5.5)."""

DRAFT = "draft"
_DAG = re.compile(r"([a-z][a-z0-9_]{0,199})/.+", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageSources:
    """What events are made from: the site's origin, contracts, policy, and rows of the registry.

    versions, statements (answers and models): by leaf; begun: intent id -> (verb, time it was begun);
    releases: rows of `releases`.
    """

    origin: str
    contracts: Contracts
    policy: PrivacyPolicy
    versions: Sequence[VersionFacts]
    statements: Sequence[StatementFacts] = ()
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

    def parent(self, run: str, code: str) -> Mapping[str, Any]:
        """Return the facet of the DAG run that did it, by id: its name may hold what a person typed."""
        started = started_by(self.origin, run)
        if started is None:
            return {}
        dag, parent = started
        job = {"namespace": self.namespace, "name": dag}
        return {"parent": facet(code, PARENT, run={"runId": parent}, job=job)}

    def versioned(self, name: str, version: str, code: str) -> Event:
        """Return a table, or a model, at one version, as inputs and outputs name it."""
        stated = facet(code, VERSION, datasetVersion=version)
        return {"namespace": self.namespace, "name": name, "facets": {"version": stated}}

    def read(self, leaves: Iterable[int], by_leaf: Mapping[int, VersionFacts], code: str) -> list[Event]:
        """Return the versions that stand under these leaves, each once."""
        found = [by_leaf[leaf] for leaf in dict.fromkeys(leaves) if leaf in by_leaf]
        return [self.versioned(own.table, str(own.row["version"]), code) for own in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that ended well: its id, the verb and what it was about, its facets, what it read and made.

    code: version of our code; begun, ended: RFC 3339.
    """

    run: str
    verb: str
    about: str
    code: str
    begun: str
    ended: str
    facets: Mapping[str, Any]
    inputs: Sequence[Event]
    outputs: Sequence[Event]

    def events(self, namespace: str) -> Iterator[Event]:
        """Yield START and COMPLETE."""
        job_type = facet(
            self.code,
            JOB_TYPE,
            processingType="BATCH",
            integration="LIVINGLAB",
            jobType=self.verb.upper(),
        )
        shared = {
            "producer": f"urn:livinglab:{self.code}",
            "schemaURL": SCHEMA_URL,
            "run": {"runId": self.run, "facets": self.facets},
            "job": {
                "namespace": namespace,
                "name": f"{self.verb}.{self.about}",
                "facets": {"jobType": job_type},
            },
            "inputs": self.inputs,
        }
        yield {
            "eventType": "START",
            "eventTime": min(self.begun, self.ended),
            **shared,
            "outputs": [],
        }
        yield {"eventType": "COMPLETE", "eventTime": self.ended, **shared, "outputs": self.outputs}


def run_id(origin: str, name: str) -> str:
    """Return the id of a write (by intent id), of a record (by its leaf) or of what started it (by name)."""
    return str(uuid.uuid5(RUN_SPACE, f"{origin}/{name}"))


def started_by(origin: str, run: str) -> tuple[str, str] | None:
    """Return the DAG that a run's name speaks of and the run's id, None where Airflow did not start it."""
    dag = _DAG.fullmatch(run)
    return None if dag is None else (dag[1], run_id(origin, run))
