"""What is expected of a table: the objects that a contract file becomes.

`contract_parsing` makes them from TOML; everything else only reads them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from lakehouse.errors import Refused, WrongUse

SEALED = "__sealed"
PLACEHOLDERS = ("na", "n/a", "nan", "null", "none", "nil", "undefined", "unknown", "missing", "?", "-")
"""What stands, in any case of letters, where nobody knew the identifier: never one person's."""
QUARANTINE = "__quarantine"


def quarantine_of(table: str) -> str:
    """Return the quarantine table beside a table."""
    return f"{table}{QUARANTINE}"


class Layer(StrEnum):
    """The layers of the lake."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


class Sensitivity(StrEnum):
    """What a column may reveal about a person."""

    DIRECT = "direct"
    QUASI = "quasi"
    SENSITIVE = "sensitive"
    SENSOR = "sensor"
    FREE_TEXT = "free_text"
    PLAIN = "plain"


class ColumnType(StrEnum):
    """The types a contract may name."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class Statistic(StrEnum):
    """How analysts may learn a column: noisy answers, exact releases, or not at all."""

    PRIVATE = "private"
    EXACT = "exact"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """A method by name (`methods/<name>.py`) with its parameters."""

    method: str
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: meaning, unit, sensitivity and what is done to it.

    `source` is the column's name in the file (bronze) or in the input table (silver: `from`).
    `bounds` are public clamps for private statistics, in the column's unit; `groups` the public
    keys by which answers may be grouped. Times: `earliest` and `latest` (ISO 8601), `zone` of those that
    name none, `not_ahead` of the clock of landing by more than a day. `usual_median`: between what the
    median of a file's values lies, where they are in the column's unit.
    """

    name: str
    type: ColumnType
    sensitivity: Sensitivity
    handling: Handling
    source: str
    unit: str | None = None
    description: str = ""
    nullable: bool = True
    null_values: tuple[str, ...] = ("",)
    minimum: float | None = None
    maximum: float | None = None
    earliest: str | None = None
    latest: str | None = None
    zone: str = "UTC"
    not_ahead: bool = False
    usual_median: tuple[float, float] | None = None
    allowed: tuple[str, ...] = ()
    id_pattern: str | None = None
    statistic: Statistic = Statistic.NONE
    bounds: tuple[Decimal, Decimal] | None = None
    groups: tuple[str, ...] = ()

    @property
    def sealed(self) -> bool:
        """Whether bronze stores this column encrypted under its subject's key."""
        return self.handling.method in {"seal", "pseudonymise"}

    @property
    def sealed_by_row(self) -> bool:
        """Whether its sealed values are bound to their row number: free text is, where bronze seals it."""
        return self.sealed and self.sensitivity is Sensitivity.FREE_TEXT

    @property
    def stored_name(self) -> str:
        """What bronze calls this column."""
        return f"{self.name}{SEALED}" if self.sealed else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A Great Expectations check by its own name; `arguments` go to it unchanged."""

    expect: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRule:
    """Whose row it is: the identifier's column and its id system (fixed, or named by a column).

    Where each row names its system, `id_patterns` says what an identifier of each looks like.
    `placeholders` (lower case) name nobody. `own`: columns of which no two people state one value.
    """

    column: str
    system: str | None = None
    system_column: str | None = None
    id_patterns: Mapping[str, str] = field(default_factory=dict)
    placeholders: tuple[str, ...] = PLACEHOLDERS
    own: tuple[str, ...] = ()


class ColumnDrift(StrEnum):
    """What happens to a file whose columns are not those of its contract."""

    SET_ASIDE = "set_aside"
    SEAL = "seal"
    NULL = "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRule:
    """gone: a header lacks a declared column (set_aside, null). added: it has one more (seal, set_aside)."""

    gone: ColumnDrift = ColumnDrift.SET_ASIDE
    added: ColumnDrift = ColumnDrift.SEAL


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedIdentifier:
    """An identifier of another id system that a source states for the same person.

    system: what the source calls it (a URI). id_pattern: what it must look like, in full.
    """

    system: str
    id_system: str
    id_pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRule:
    """Subjects absent from `table` are quarantined with `reason`."""

    table: str
    reason: str = "unlinked_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRule:
    """Columns taken from another table by subject (left join)."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetContract:
    """One table of the lake, as `expectations/<layer>/<name>.toml` states it.

    `release` holds a gold contract's own section, read by `core.release_rules`; `sql` is the text
    of the file beside it. `digest` covers file and SQL (PROTOCOLS section 2, key of a run).
    `files` are shell patterns of the file names in a publisher's folder, or in its archives.
    `increasing` names a column whose values grow from row to row of a file.
    """

    layer: Layer
    name: str
    title: str
    description: str
    revision: int
    grain: str
    keys: tuple[str, ...]
    population: str
    purposes: tuple[str, ...]
    retention_days: int
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    digest: str
    file: str
    format: str | None = None
    format_options: Mapping[str, object] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    unit_of_count: str = "rows"
    subject: SubjectRule | None = None
    linked_identifiers: tuple[LinkedIdentifier, ...] = ()
    increasing: str | None = None
    drift: DriftRule = DriftRule()
    source: str | None = None
    reads: tuple[str, ...] = ()
    transform: str = "rows"
    transform_options: Mapping[str, object] = field(default_factory=dict)
    link: LinkRule | None = None
    joins: tuple[JoinRule, ...] = ()
    public_minimum_people: int | None = None
    maximum_rows_per_person: int | None = None
    release: Mapping[str, object] = field(default_factory=dict)
    sql: str | None = None

    @property
    def table(self) -> str:
        """The table's name as people write it: `layer.name`."""
        return f"{self.layer}.{self.name}"

    @property
    def folder(self) -> str | None:
        """The name of its folder under `landing/`; a source may use any of `folders`."""
        return self.folders[0] if self.folders else None

    def column(self, name: str) -> Column | None:
        """Return the declared column, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def require_purpose(self, purpose: str) -> None:
        """Raise Refused where the table may not be used for the purpose."""
        if purpose not in self.purposes:
            raise Refused(
                f"{self.table} may not be used for {purpose!r}",
                remedy=f"purposes of the table: {', '.join(self.purposes) or 'none'}",
            )

    def inputs(self) -> tuple[str, ...]:
        """Every table this one is made from, its source first."""
        named = (
            self.source,
            *self.reads,
            self.link and self.link.table,
            *(join.table for join in self.joins),
        )
        return tuple(dict.fromkeys(table for table in named if table))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """All contracts of a site, by table name."""

    by_table: Mapping[str, DatasetContract]

    def __iter__(self) -> Iterator[DatasetContract]:
        return iter(self.by_table.values())

    def find(self, table: str) -> DatasetContract | None:
        """Return the contract of `layer.name`, or None."""
        return self.by_table.get(table)

    def require(self, table: str) -> DatasetContract:
        """Return the contract of `layer.name`; WrongUse where there is none."""
        contract = self.find(table)
        if contract is None:
            raise WrongUse(f"there is no table {table!r}", remedy="livinglab tables")
        return contract

    def bronze(self, dataset: str) -> DatasetContract:
        """Return the bronze contract of a data set; WrongUse names those there are."""
        contract = self.find(f"{Layer.BRONZE}.{dataset}")
        if contract is None:
            raise WrongUse(
                f"there is no data set {dataset!r}", remedy=f"data sets: {self._names(Layer.BRONZE)}"
            )
        return contract

    def gold(self, product: str) -> DatasetContract:
        """Return the contract of a product, named with or without `gold.`; WrongUse names those there are."""
        contract = self.find(f"{Layer.GOLD}.{product.removeprefix('gold.')}")
        if contract is None:
            raise WrongUse(f"there is no product {product!r}", remedy=f"products: {self._names(Layer.GOLD)}")
        return contract

    def _names(self, layer: Layer) -> str:
        return ", ".join(contract.name for contract in self.of_layer(layer)) or "none"

    def of_layer(self, layer: Layer) -> tuple[DatasetContract, ...]:
        """Return the contracts of one layer, by name."""
        return tuple(sorted((c for c in self if c.layer is layer), key=lambda c: c.name))

    def readers_of(self, table: str) -> tuple[DatasetContract, ...]:
        """Return the contracts that read `table` directly."""
        return tuple(c for c in self if table in c.inputs())
