"""What a report is made from: contracts and rows of the registry, gathered by `pipeline.report`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehouse.core.budget import Charge
from lakehouse.core.contract import Contracts, DatasetContract
from lakehouse.core.policy import PrivacyPolicy
from lakehouse.core.report import masked_count, shown

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """The head of the site's log: origin, number of leaves, root in hex, the signed note."""

    origin: str
    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What every report of a site shares.

    time: when it is written, RFC 3339. refusals: how many people refuse a purpose now by a record of their
    own, exactly, by purpose; a page tells it rounded (`people_refusing`).
    """

    name: str
    time: str
    code_version: str
    policy: PrivacyPolicy
    contracts: Contracts
    head: LogHead
    charges: Sequence[Charge] = ()
    refusals: Mapping[str, int] = field(default_factory=dict)

    def people_refusing(self, purpose: str) -> str:
        """Return how many people refuse the purpose, masked below the smallest cell and rounded."""
        floor = self.policy.floor
        return masked_count(self.refusals.get(purpose, 0), floor.minimum_cell, floor.round_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFacts:
    """A row of `versions`: what is known of one signed version."""

    row: Row
    record: Row = field(default_factory=dict)

    @classmethod
    def of(cls, row: Row) -> "VersionFacts":
        """Read the public record that stands in the row."""
        return cls(row=row, record=json.loads(row["record"]) if row.get("record") else {})

    @property
    def table(self) -> str:
        """The table's name, `layer.name`."""
        return str(self.row["table_name"])

    @property
    def label(self) -> str:
        """The version as commands take it: `layer.name@3`."""
        return f"{self.table}@{self.row['version']}"

    @property
    def leaf(self) -> int:
        """The index of its leaf in the log."""
        return int(self.row["leaf_index"])

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return int(self.row["rows"])

    @property
    def inputs(self) -> tuple[int, ...]:
        """The leaf indexes of what it was made from."""
        return tuple(self.row.get("inputs") or ())

    def detail(self, name: str) -> Any:
        """Return one of the private details, or None."""
        return (self.row.get("details") or {}).get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFacts:
    """A row of `records`: a signed record that is of no version of a table, as of an answer or a model."""

    row: Row
    record: Row = field(default_factory=dict)

    @classmethod
    def of(cls, row: Row) -> "StatementFacts":
        """Read the public record that stands in the row."""
        return cls(row=row, record=json.loads(row["record"]))

    @property
    def kind(self) -> str:
        """What it speaks of: "answer", "model" ..."""
        return str(self.row["kind"])

    @property
    def ref(self) -> str:
        """The name of what it speaks of: a receipt, `model/DIGEST` ..."""
        return str(self.row["ref"])

    @property
    def leaf(self) -> int:
        """The index of its leaf in the log."""
        return int(self.row["leaf_index"])

    @property
    def time(self) -> str:
        """When it was logged, RFC 3339."""
        return str(self.row["created_at"])

    @property
    def inputs(self) -> tuple[int, ...]:
        """The leaf indexes of what it was made from."""
        return tuple(self.row.get("inputs") or ())

    @property
    def digests(self) -> Mapping[str, str]:
        """The digests of its public record, by name."""
        return self.record.get("digests") or {}

    def detail(self, name: str) -> Any:
        """Return one of the private details, or None."""
        return (self.row.get("details") or {}).get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """One version of a table with all it was made from.

    `ancestry`: every version it goes back to, by leaf. `release`: the row of `releases` that stands
    for this version, or None; `judged` the details of the write that was assessed (the draft's where a
    person approved it); `decisions` are that release's; `withdrawn_since` is how many people in it no longer
    permit its purpose, exactly.
    """

    site: SiteFacts
    contract: DatasetContract
    version: VersionFacts
    newest: int
    ancestry: Mapping[int, VersionFacts] = field(default_factory=dict)
    release: Row | None = None
    judged: Row = field(default_factory=dict)
    decisions: Sequence[Row] = ()
    withdrawn_since: int = 0

    @property
    def public(self) -> bool:
        """Whether the rows are published: then counts of people and of inner rows are not told exactly."""
        return self.release is not None and self.release["state"] == "PUBLISHED"

    def people(self, count: int | None) -> str:
        """Return a count of people as this page may tell it."""
        if count is None or not self.public:
            return shown(count)
        floor = self.site.policy.floor
        return masked_count(count, floor.minimum_cell, floor.round_to)

    @property
    def inputs(self) -> tuple[VersionFacts, ...]:
        """What the version was made from directly."""
        return tuple(self.ancestry[leaf] for leaf in self.version.inputs if leaf in self.ancestry)
