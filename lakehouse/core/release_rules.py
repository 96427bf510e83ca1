"""The `[release]` section of a gold contract: what a product must reach before it leaves.

```toml
[release]
kind = "people"                       # one row a person; or "cohorts", "prevalence"
recoding = "full_domain"              # or "local": see docs/adr/local-recoding.md
k = 5                                 # k, l, t, suppression, minimum_cell, round_to: not below the floor
[[release.quasi_identifier]]
column = "age"                        # a column of the SQL, released under another name and coarser
released_as = "age_band"
bands = [5, 10, 15]                   # widths from fine to coarse, then `*`; or values = ["female", "male"]
domain = [0, 100]
[[release.sensitive]]
column = "hoehn_yahr"
measure = "ordered"                   # or "categorical"
[[release.private]]                   # cohorts only: a charged answer a cell
column = "mean_speed"
statistic = "mean"
of = "speed_m_s"
on = "silver.gait_features"
epsilon = "0.25"
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from lakehouse.core.contract import Contracts, DatasetContract, Layer, Statistic
from lakehouse.core.groups import GroupTargets, SensitiveColumn
from lakehouse.core.hierarchies import JOIN, Bands, Categories, Hierarchy
from lakehouse.core.policy import ReleaseFloor
from lakehouse.core.toml_section import Section

MEASURES = ("categorical", "ordered")
SMALL_CELLS = ("ask", "leave_out")
STATISTICS = ("count", "mean", "sum")


class ReleaseKind(StrEnum):
    """What a row of a product stands for."""

    PEOPLE = "people"
    COHORTS = "cohorts"
    PREVALENCE = "prevalence"


class Recoding(StrEnum):
    """How people are made alike: one level a column for all rows, or each box of rows as far as it needs."""

    FULL_DOMAIN = "full_domain"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuasiIdentifier:
    """A column that may single a person out, and how it is made coarser."""

    column: str
    released_as: str
    hierarchy: Hierarchy


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateStatistic:
    """A column of the product that is an answer with noise, charged to the population.

    column: name of the answer; its accuracy stands in `<column>_accuracy95`. of: the column of
    table `on`. by: the table's columns in the order of the product's cells. bounds: public clamps
    inside the contract's of that table, None for those.
    """

    column: str
    statistic: str
    of: str
    on: str
    by: tuple[str, ...]
    bounds: tuple[Decimal, Decimal] | None
    epsilon: Decimal

    @property
    def accuracy_column(self) -> str:
        """Where the half-width of the 95 % interval stands."""
        return f"{self.column}_accuracy95"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRules:
    """What a product must reach. cells: the released columns whose combination makes a cell.

    minimum_cell: fewest people behind a released row of counts; round_to: step of its counts;
    tightenings: how often a coarser level is tried; asks_about_small_cells: whether a person decides
    when cells below the minimum had to be left out; dominance: the largest share of a cell's `weight`
    that one person may have.
    """

    kind: ReleaseKind
    purpose: str
    recoding: Recoding = Recoding.FULL_DOMAIN
    quasi_identifiers: tuple[QuasiIdentifier, ...]
    sensitive: tuple[SensitiveColumn, ...]
    targets: GroupTargets
    cells: tuple[str, ...]
    minimum_cell: int
    round_to: int
    tightenings: int
    asks_about_small_cells: bool
    weight: str | None
    dominance: Decimal | None
    private: tuple[PrivateStatistic, ...]

    @property
    def epsilon(self) -> Decimal:
        """The privacy loss that one publish with changed input is charged."""
        return sum((statistic.epsilon for statistic in self.private), Decimal(0))

    @property
    def released_quasi(self) -> tuple[str, ...]:
        """The released names of the quasi-identifiers."""
        return tuple(quasi.released_as for quasi in self.quasi_identifiers)


def parse_release_rules(contract: DatasetContract, floor: ReleaseFloor) -> ReleaseRules:
    """Return the rules of a gold contract; what it leaves out is the policy's floor.

    Raises:
        ContractError: something is missing, unknown, of the wrong type or below the floor.
    """
    section = Section(contract.release, file=contract.file, place="release")
    kind = ReleaseKind(section.choice("kind", tuple(ReleaseKind)))
    cells = section.texts("cells")
    rules = ReleaseRules(
        kind=kind,
        purpose=_purpose(section, contract),
        recoding=Recoding(section.choice("recoding", tuple(Recoding), Recoding.FULL_DOMAIN)),
        quasi_identifiers=tuple(_quasi(inner) for inner in section.sections("quasi_identifier")),
        sensitive=tuple(_sensitive(inner) for inner in section.sections("sensitive")),
        targets=_targets(section, floor),
        cells=cells,
        minimum_cell=_at_least(section, "minimum_cell", floor.minimum_cell),
        round_to=_at_least(section, "round_to", floor.round_to),
        tightenings=section.integer("tightenings", 0),
        asks_about_small_cells=section.choice("small_cells", SMALL_CELLS, "ask") == "ask",
        weight=section.optional_text("weight"),
        dominance=_share(section, "dominance"),
        private=tuple(_private(inner, cells) for inner in section.sections("private")),
    )
    section.finish()
    _check_kind(section, rules)
    _check_columns(section, rules, contract)
    return rules


def check_exact_or_private(contracts: Contracts) -> None:
    """Refuse a product that releases exactly what analysts may only learn with noise.

    Raises:
        ContractError: naming the product's file and the column.
    """
    for contract in contracts.of_layer(Layer.GOLD):
        private = {
            column.name
            for table in contract.reads
            for column in getattr(contracts.find(table), "columns", ())
            if column.statistic is Statistic.PRIVATE
        }
        for column in contract.columns:
            if column.name in private:
                section = Section({}, file=contract.file)
                problem = "is answered with noise and may not be released exactly"
                raise section.error(
                    f"column[{column.name}]", problem, ("a band", "a quartile", "a private answer")
                )


def _purpose(section: Section, contract: DatasetContract) -> str:
    if not contract.purposes:
        raise section.error("purpose", "the contract names no purpose")
    return section.choice("purpose", contract.purposes, contract.purposes[0])


def _targets(section: Section, floor: ReleaseFloor) -> GroupTargets:
    return GroupTargets(
        k=_at_least(section, "k", floor.k),
        l=_at_least(section, "l", floor.l),
        t=_at_most(section, "t", floor.t),
        suppression=_at_most(section, "suppression", floor.suppression),
    )


def _at_least(section: Section, key: str, floor: int) -> int:
    value = section.integer(key, floor)
    if value < floor:
        raise section.error(key, f"is below the policy's floor of {floor}", (f"{floor} or more",))
    return value


def _at_most(section: Section, key: str, ceiling: Decimal) -> Fraction:
    value = _share(section, key)
    if value is not None and value > ceiling:
        raise section.error(key, f"is above the policy's ceiling of {ceiling}", (f"{ceiling} or less",))
    return Fraction(ceiling if value is None else value)


def _share(section: Section, key: str) -> Decimal | None:
    value = section.decimal(key)
    if value is not None and not 0 <= value <= 1:
        raise section.error(key, "must be a number from 0 to 1")
    return value


def _quasi(section: Section) -> QuasiIdentifier:
    column = section.text("column")
    quasi = QuasiIdentifier(
        column=column, released_as=section.text("released_as", column), hierarchy=_hierarchy(section)
    )
    section.finish()
    return quasi


def _hierarchy(section: Section) -> Hierarchy:
    if section.has("bands") == section.has("values"):
        raise section.error("bands", "exactly one is needed", ("bands", "values"))
    if section.has("values"):
        return Categories(values=section.labels("values"), groupings=_groupings(section))
    widths = _whole_numbers(section, "bands")
    if not widths or list(widths) != sorted(set(widths)) or widths[0] < 1:
        raise section.error("bands", "must be widths of whole numbers, from fine to coarse")
    domain = _whole_numbers(section, "domain")
    if len(domain) != 2 or not 0 <= domain[0] < domain[1]:
        raise section.error("domain", "must be two whole numbers from 0, the lower one first")
    top = section.integer("top") if section.has("top") else None
    return Bands(widths=widths, domain=(domain[0], domain[1]), top=top)


def _groupings(section: Section) -> tuple[Mapping[str, str], ...]:
    groupings = [inner.rest() for inner in section.sections("grouping")]
    if any(not isinstance(label, str) for grouping in groupings for label in grouping.values()):
        raise section.error("grouping", "must map categories to texts")
    return tuple({value: str(label) for value, label in grouping.items()} for grouping in groupings)


def _whole_numbers(section: Section, key: str) -> tuple[int, ...]:
    numbers = section.decimals(key)
    if any(number != int(number) for number in numbers):
        raise section.error(key, "must be whole numbers")
    return tuple(int(number) for number in numbers)


def _sensitive(section: Section) -> SensitiveColumn:
    name = section.text("column")
    column = SensitiveColumn(name=name, ordered=section.choice("measure", MEASURES) == "ordered")
    section.finish()
    return column


def _private(section: Section, cells: tuple[str, ...]) -> PrivateStatistic:
    epsilon = section.decimal("epsilon")
    if epsilon is None or epsilon <= 0:
        raise section.error("epsilon", "must be a number above 0")
    statistic = PrivateStatistic(
        column=section.text("column"),
        statistic=section.choice("statistic", STATISTICS),
        of=section.text("of"),
        on=section.text("on"),
        by=section.texts("by") or cells,
        bounds=_bounds(section),
        epsilon=epsilon,
    )
    section.finish()
    if len(statistic.by) != len(cells):
        raise section.error("by", f"must name {len(cells)} columns, one a cell column", cells)
    return statistic


def _bounds(section: Section) -> tuple[Decimal, Decimal] | None:
    if not section.has("bounds"):
        return None
    bounds = section.decimals("bounds")
    if len(bounds) != 2 or bounds[0] >= bounds[1]:
        raise section.error("bounds", "must be two numbers, the lower one first")
    return bounds[0], bounds[1]


def _check_kind(section: Section, rules: ReleaseRules) -> None:
    people = rules.kind is ReleaseKind.PEOPLE
    if people and not (rules.quasi_identifiers and rules.sensitive):
        raise section.error("kind", "people need [[release.quasi_identifier]] and [[release.sensitive]]")
    if people and (rules.cells or rules.private):
        raise section.error(
            "kind", "people have neither cells nor private statistics", ("cohorts", "prevalence")
        )
    if not people and rules.recoding is Recoding.LOCAL:
        raise section.error("recoding", "belongs to kind people", (Recoding.FULL_DOMAIN,))
    if rules.recoding is Recoding.LOCAL and any(map(_has_join, rules.quasi_identifiers)):
        raise section.error(
            "quasi_identifier", f"has a value with {JOIN.strip()!r}, which local labels join by"
        )
    if not people and not rules.cells:
        raise section.error("cells", "must name at least one column")
    if rules.private and rules.kind is not ReleaseKind.COHORTS:
        raise section.error("private", "belongs to kind cohorts", (ReleaseKind.COHORTS,))
    if (rules.weight is None) != (rules.dominance is None):
        raise section.error("dominance", "needs `weight`, and `weight` needs it")


def _has_join(quasi: QuasiIdentifier) -> bool:
    return isinstance(quasi.hierarchy, Categories) and any(
        JOIN.strip() in value for value in quasi.hierarchy.values
    )


def _check_columns(section: Section, rules: ReleaseRules, contract: DatasetContract) -> None:
    released = tuple(column.name for column in contract.columns)
    named = (
        *(("quasi_identifier", name) for name in rules.released_quasi),
        *(("sensitive", column.name) for column in rules.sensitive),
        *(("cells", name) for name in rules.cells),
        *(("private", name) for found in rules.private for name in (found.column, found.accuracy_column)),
    )
    for key, name in named:
        if name not in released:
            raise section.error(key, f"{name!r} is not a declared column", released)
