"""The facets of an OpenLineage output: the standard ones that fit, and ours on privacy and proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.core.contract import QUARANTINE, Column, DatasetContract, Layer
from lakehouse.core.merkle import leaf_hash
from lakehouse.core.metrics import shown_count
from lakehouse.core.policy import PrivacyPolicy
from lakehouse.core.report_sources import Row, VersionFacts

STANDARD = "https://openlineage.io/spec/facets"
VERSION = f"{STANDARD}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
SCHEMA = f"{STANDARD}/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
COLUMN_LINEAGE = f"{STANDARD}/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
STATISTICS = (
    f"{STANDARD}/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
)
JOB_TYPE = f"{STANDARD}/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
PARENT = f"{STANDARD}/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet"
PRIVACY = "urn:livinglab:facet:1-0-0:LivingLabPrivacyDatasetFacet"
PROOF = "urn:livinglab:facet:1-0-0:LivingLabProofDatasetFacet"

MASKING = frozenset(
    {"age_at", "age_band", "keyed_id", "pseudonymise", "redact", "seal", "shift_dates", "top_code"}
)
"""Methods after which a value is hidden, replaced, moved or coarser than it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What was measured on a released table: k, l, t (decimal text); None where k is below the floor."""

    k: int | None
    l: int | None  # noqa: E741  the property is called l-diversity
    t: str | None

    @classmethod
    def of(cls, row: Row, floor: int) -> "Release":
        """Return the measures of a row of `releases`; a k below the floor is itself a small count."""
        if row["k"] is None or row["k"] < floor:
            return cls(k=None, l=None, t=None)
        return cls(k=row["k"], l=row["l"], t=row["t"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacets:
    """Makes the facets of one version; `contract` and `source` (the table it refines) may be unknown."""

    namespace: str
    origin: str
    code: str
    version: VersionFacts
    contract: DatasetContract | None
    source: DatasetContract | None
    policy: PrivacyPolicy
    release: Release | None

    def dataset(self) -> Mapping[str, Any]:
        """Return the dataset facets by name, without `version`."""
        found = {"livinglab_proof": self._proof()}
        if self.contract is None:
            return found
        found["livinglab_privacy"] = self._privacy(self.contract)
        if self._columns:
            found["schema"] = facet(self.code, SCHEMA, fields=[_field(own) for own in self._columns])
        fields = self._column_lineage(self.contract)
        if fields:
            found["columnLineage"] = facet(self.code, COLUMN_LINEAGE, fields=fields)
        return found

    def output(self) -> Mapping[str, Any]:
        """Return the output facets: how many rows, rounded; nothing where that concerns few."""
        floor = self.policy.floor
        rows = shown_count(self.version.rows, minimum=floor.k, step=floor.round_to)
        if rows is None:
            return {}
        return {"outputStatistics": facet(self.code, STATISTICS, rowCount=rows)}

    @property
    def _columns(self) -> tuple[Column, ...]:
        """The declared columns; those of a quarantine are its own, the same for all."""
        if self.contract is None or self.version.table.endswith(QUARANTINE):
            return ()
        return self.contract.columns

    def _proof(self) -> Mapping[str, Any]:
        row, record = self.version.row, self.version.record
        return facet(
            self.code,
            PROOF,
            origin=self.origin,
            leaf=self.version.leaf,
            leafHash=leaf_hash(str(row["record"]).encode()).hex(),
            kind=row["kind"],
            fileDigest=row["file_digest"],
            contentDigest=row["content_digest"],
            policyDigest=record.get("policy_digest"),
            contractDigest=self.version.detail("contract"),
            consentRoot=record.get("consent_root"),
        )

    def _privacy(self, contract: DatasetContract) -> Mapping[str, Any]:
        measures = self.release or Release(k=None, l=None, t=None)
        return facet(
            self.code,
            PRIVACY,
            layer=str(contract.layer),
            population=contract.population or None,
            purposes=list(contract.purposes),
            retentionDays=contract.retention_days,
            columns=[_protection(contract, own) for own in self._columns],
            k=measures.k,
            l=measures.l,
            t=measures.t,
            epsilon=self.version.detail("epsilon"),
        )

    def _column_lineage(self, contract: DatasetContract) -> Mapping[str, Any]:
        """Return what each column was made from; of gold only its SQL could say."""
        if contract.layer is Layer.GOLD:
            return {}
        table = f"landing/{contract.folder}" if contract.layer is Layer.BRONZE else contract.source
        return {
            stored_name(contract, own): {"inputFields": [self._input_field(own, str(table))]}
            for own in self._columns
        }

    def _input_field(self, column: Column, table: str) -> Mapping[str, Any]:
        read = self.source.column(column.source) if self.source else None
        method = column.handling.method
        done = {
            "type": "DIRECT",
            "subtype": "IDENTITY" if method == "keep" else "TRANSFORMATION",
            "description": method,
            "masking": method in MASKING,
        }
        name = stored_name(self.source, read) if self.source and read else column.source
        return {"namespace": self.namespace, "name": table, "field": name, "transformations": [done]}


def _protection(contract: DatasetContract, column: Column) -> Mapping[str, Any]:
    """Return how a column is handled; gold is made by SQL and a release's rules, not column by column."""
    method = None if contract.layer is Layer.GOLD else column.handling.method
    return {
        "name": stored_name(contract, column),
        "sensitivity": str(column.sensitivity),
        "handling": method,
        "masking": None if method is None else method in MASKING,
    }


def facet(code: str, schema: str, **fields: object) -> Mapping[str, Any]:
    """Return a facet: who made it and where its form stands, then its fields."""
    return {"_producer": f"urn:livinglab:{code}", "_schemaURL": schema, **fields}


def stored_name(contract: DatasetContract, column: Column) -> str:
    """Return what the table calls a column: bronze marks those it seals."""
    return column.stored_name if contract.layer is Layer.BRONZE else column.name


def _field(column: Column) -> Mapping[str, Any]:
    sealed = column.handling.method in {"seal", "pseudonymise"}
    return {
        "name": column.stored_name if sealed else column.name,
        "type": "binary" if sealed else str(column.type),
        "description": column.description,
    }
