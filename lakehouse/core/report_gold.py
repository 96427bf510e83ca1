"""What was done to the columns of a gold product, in words: from its rules and the levels it reached."""

from collections.abc import Mapping

from lakehouse.core.contract import Column
from lakehouse.core.hierarchies import Bands, Hierarchy
from lakehouse.core.release_rules import ReleaseKind, ReleaseRules


def released_columns(rules: ReleaseRules, levels: Mapping[str, int]) -> dict[str, tuple[str, str]]:
    """Return {column: (what was done, how analysts learn it)} for the columns that the rules name.

    levels: the level of each quasi-identifier's hierarchy that the release reached.
    """
    made: dict[str, tuple[str, str]] = {}
    for quasi in rules.quasi_identifiers:
        made[quasi.released_as] = (
            level_words(quasi.hierarchy, levels.get(quasi.released_as)),
            "exactly, in groups",
        )
    for column in rules.sensitive:
        made[column.name] = ("kept; l and t hold in every group", "exactly, in groups")
    for found in rules.private:
        made[found.column] = (
            f"{found.statistic} of {found.of} with noise, epsilon {found.epsilon}",
            "an answer with noise",
        )
        made[found.accuracy_column] = ("computed from the noise alone", "exactly")
    return made


def other_columns(column: Column, rules: ReleaseRules) -> tuple[str, str]:
    """Return (what was done, how analysts learn it) for a column that the rules do not name."""
    if column.name in rules.cells:
        return "names the cell", "exactly, in cells"
    if rules.kind is not ReleaseKind.PEOPLE:
        done = f"counted, rounded to {rules.round_to}; no cell below {rules.minimum_cell} people"
        return done, "rounded"
    return "made coarser in the product's SQL", "exactly, in groups"


def level_words(hierarchy: Hierarchy, level: int | None) -> str:
    """Return what a level of a hierarchy is: `bands of 15`, `kept as it is`, `left out (*)`."""
    if level is None:
        return "made coarser until the limits hold"
    if level == hierarchy.levels - 1:
        return "left out (*)"
    if isinstance(hierarchy, Bands):
        return f"bands of {hierarchy.widths[level]}"
    return "kept as it is" if level == 0 else "joined into groups"
