"""The small implementation of k, l and t that the fast one is held against: rows, dicts and fractions.

k: size of the smallest class of rows that share their quasi-identifier labels (Sweeney 2002).
l: fewest distinct values of a sensitive column in a class (distinct l-diversity, Machanavajjhala 2007).
t: largest distance between a sensitive column in a class and in the whole table (Li 2007): total
variation for categories, earth mover's distance over ranks for ordered columns. All exact fractions.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, product

from lakehouse.core.groups import GroupMeasures, GroupTargets, SensitiveColumn, Value, rank_order
from lakehouse.core.hierarchies import Hierarchy

Labels = tuple[str, ...]
Classes = Mapping[Labels, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveValues:
    """The sensitive columns of a table with their values, one sequence a column in row order."""

    columns: tuple[SensitiveColumn, ...]
    values: Mapping[str, Sequence[Value]]

    def diversity(self, rows: Sequence[int]) -> int:
        """Return the fewest distinct values that a column has among these rows."""
        return min(len({self.values[column.name][row] for row in rows}) for column in self.columns)

    def distance(self, rows: Sequence[int], whole: Sequence[int]) -> Fraction:
        """Return the largest distance of a column between these rows and the whole, 0 to 1."""
        return max(_column_distances(self, rows, whole))


@dataclass(frozen=True, slots=True, kw_only=True)
class Microdata:
    """A table of people. quasi: one tuple a row, one value a hierarchy."""

    quasi: tuple[tuple[Value, ...], ...]
    hierarchies: tuple[Hierarchy, ...]
    sensitive: SensitiveValues


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """One point of the lattice: a level a quasi-identifier and the rows that are left out.

    kept: (labels, row numbers) of every class that stays, by labels. loss: mean normalised
    certainty penalty over all rows, a suppressed row costing 1.
    """

    levels: tuple[int, ...]
    kept: tuple[tuple[Labels, tuple[int, ...]], ...]
    suppressed: int
    loss: Fraction


def equivalence_classes(labels: Sequence[Labels]) -> dict[Labels, tuple[int, ...]]:
    """Return the row numbers that share each combination of labels."""
    classes: dict[Labels, list[int]] = {}
    for row, label in enumerate(labels):
        classes.setdefault(label, []).append(row)
    return {label: tuple(rows) for label, rows in classes.items()}


def total_variation(part: Sequence[Value], whole: Sequence[Value]) -> Fraction:
    """Return half the summed differences of the two distributions, 0 to 1."""
    inside, outside = Counter(part), Counter(whole)
    return sum((abs(_share(inside, value) - _share(outside, value)) for value in outside), Fraction(0)) / 2


def earth_movers_distance(part: Sequence[Value], whole: Sequence[Value]) -> Fraction:
    """Return the ordered distance of Li 2007: ranks of the values of `whole`, 0 to 1; null ranks last."""
    ranked = sorted(set(whole), key=rank_order)
    if len(ranked) < 2:
        return Fraction(0)
    inside, outside = Counter(part), Counter(whole)
    moved = accumulate(_share(inside, value) - _share(outside, value) for value in ranked)
    return sum((abs(amount) for amount in moved), Fraction(0)) / (len(ranked) - 1)


def measure_groups(labels: Sequence[Labels], sensitive: SensitiveValues) -> GroupMeasures:
    """Measure a finished table. labels: one tuple a row, in the row order of `sensitive`."""
    classes = equivalence_classes(labels)
    k = min((len(rows) for rows in classes.values()), default=0)
    if not sensitive.columns or not classes:
        return GroupMeasures(k=k, l=None, t=None)
    whole = range(len(labels))
    return GroupMeasures(
        k=k,
        l=min(sensitive.diversity(rows) for rows in classes.values()),
        t=max(sensitive.distance(rows, whole) for rows in classes.values()),
    )


def search_grouping(people: Microdata, targets: GroupTargets) -> Grouping | None:
    """Return the grouping of least loss that meets the targets, or None.

    Every level of every hierarchy is tried with every other (full-domain generalisation); among
    equal losses fewer suppressed rows win, then finer levels.
    """
    lattice = product(*(range(hierarchy.levels) for hierarchy in people.hierarchies))
    groupings = (group_rows(people, levels, targets) for levels in lattice)
    allowed = targets.suppression * len(people.quasi)
    fitting = (found for found in groupings if found.kept and found.suppressed <= allowed)
    return min(fitting, key=lambda found: (found.loss, found.suppressed, found.levels), default=None)


def group_rows(people: Microdata, levels: tuple[int, ...], targets: GroupTargets) -> Grouping:
    """Generalise all rows to `levels` and leave out the classes that miss a target."""
    combinations = set(people.quasi)
    labels = {found: _label(found, people.hierarchies, levels) for found in combinations}
    penalties = {found: _penalty(found, people.hierarchies, levels) for found in combinations}
    classes = equivalence_classes([labels[row] for row in people.quasi])
    kept = _fitting_classes(classes, people.sensitive, targets)
    staying = [row for rows in kept.values() for row in rows]
    suppressed = len(people.quasi) - len(staying)
    lost = sum((penalties[people.quasi[row]] for row in staying), Fraction(suppressed))
    return Grouping(
        levels=levels,
        kept=tuple(sorted(kept.items())),
        suppressed=suppressed,
        loss=lost / len(people.quasi) if people.quasi else Fraction(0),
    )


def _fitting_classes(
    classes: Classes, sensitive: SensitiveValues, targets: GroupTargets
) -> dict[Labels, tuple[int, ...]]:
    kept = {
        label: rows
        for label, rows in classes.items()
        if len(rows) >= targets.k and (not sensitive.columns or sensitive.diversity(rows) >= targets.l)
    }
    # t compares with the finished table, so leaving a class out moves the goal for the others
    while far := _distant_classes(kept, sensitive, targets.t):
        kept = {label: rows for label, rows in kept.items() if label not in far}
    return kept


def _distant_classes(classes: Classes, sensitive: SensitiveValues, limit: Fraction) -> set[Labels]:
    if not sensitive.columns:
        return set()
    whole = [row for rows in classes.values() for row in rows]
    return {label for label, rows in classes.items() if sensitive.distance(rows, whole) > limit}


def _column_distances(
    sensitive: SensitiveValues, rows: Sequence[int], whole: Sequence[int]
) -> Iterator[Fraction]:
    for column in sensitive.columns:
        distance = earth_movers_distance if column.ordered else total_variation
        held = sensitive.values[column.name]
        yield distance([held[row] for row in rows], [held[row] for row in whole])


def _label(
    combination: tuple[Value, ...], hierarchies: Sequence[Hierarchy], levels: tuple[int, ...]
) -> Labels:
    return tuple(
        hierarchy.label(value, level)
        for value, hierarchy, level in zip(combination, hierarchies, levels, strict=True)
    )


def _penalty(
    combination: tuple[Value, ...], hierarchies: Sequence[Hierarchy], levels: tuple[int, ...]
) -> Fraction:
    shares = [
        hierarchy.penalty(value, level)
        for value, hierarchy, level in zip(combination, hierarchies, levels, strict=True)
    ]
    return sum(shares, Fraction(0)) / len(shares) if shares else Fraction(0)


def _share(counts: Counter[Value], value: Value) -> Fraction:
    return Fraction(counts[value], counts.total())
