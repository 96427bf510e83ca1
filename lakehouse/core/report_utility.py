"""The section of a report on what a release of people keeps: loss over k, loss by column, risk."""

from collections.abc import Mapping, Sequence
from typing import Any

from lakehouse.core.release_rules import parse_release_rules
from lakehouse.core.report import Grid, LossChart, Section, filled
from lakehouse.core.report_gold import level_words
from lakehouse.core.report_sources import TableFacts

LEAD = (
    "What analysts pay for the people's safety. Loss is the mean normalised certainty penalty: the share of "
    "its range that a label covers, 0 for an exact value, 1 for *; a row left out costs 1. Where every "
    "column stands at one level, no other levels lose less at this k. Figures that depend on rows left out "
    "are made from rounded counts."
)
RISKS = (
    ("Prosecutor", "highest", "finds somebody known to be in the table, at best"),
    ("Journalist", "highest", "finds anybody through a register; the one known here is the people asked for"),
    ("Marketer", "average", "finds the mean person of the table"),
    ("Alone", "alone", "people whom these columns single out"),
)


def utility_section(table: TableFacts) -> Section | None:
    """What the release kept, beside what it would have kept at other k; None for other products."""
    utility = table.judged.get("utility")
    if not isinstance(utility, Mapping):
        return None
    reached = [point for point in utility["curve"] if point["loss"] is not None]
    return Section(
        anchor="utility",
        title="What the release keeps",
        lead=LEAD,
        chart=LossChart(
            points=tuple((int(point["k"]), float(point["loss"])) for point in reached),
            marked=int(utility["k"]),
        ),
        grids=(
            _curve_grid(utility["curve"], int(utility["k"])),
            *filled(_columns_grid(table, utility["columns"])),
            _risk_grid(utility["before"], utility["after"], int(utility["k"])),
        ),
    )


def _curve_grid(curve: Sequence[Mapping[str, Any]], k: int) -> Grid:
    rows = tuple(
        (
            f"k {point['k']}, as released" if point["k"] == k else f"k {point['k']}",
            point["loss"] or "no level reaches it",
            "–" if point["left_out_percent"] is None else f"about {point['left_out_percent']} %",
        )
        for point in curve
    )
    return Grid(columns=("Asked for", "Loss", "Rows left out"), rows=rows, right=("Loss", "Rows left out"))


def _columns_grid(table: TableFacts, columns: Sequence[Mapping[str, Any]]) -> Grid:
    rules = parse_release_rules(table.contract, table.site.policy.floor) if table.contract.release else None
    hierarchies = {} if rules is None else {own.released_as: own.hierarchy for own in rules.quasi_identifiers}
    rows = tuple(
        (
            column["column"],
            level_words(hierarchies[column["column"]], column["level"])
            if column["column"] in hierarchies
            else "–",
            "many" if column["level"] is None else f"{column['level'] + 1} of {column['levels']}",
            column["lost"],
        )
        for column in columns
    )
    return Grid(columns=("Column", "Made", "Level", "Lost"), rows=rows, right=("Level", "Lost"))


def _risk_grid(before: Mapping[str, Any], after: Mapping[str, Any], k: int) -> Grid:
    rows = tuple(
        (name, meaning, *(_risk_words(key, risk[key], k) for risk in (before, after)))
        for name, key, meaning in RISKS
    )
    return Grid(columns=("Risk", "Who it is", "Before", "After"), rows=rows, right=("Before", "After"))


def _risk_words(key: str, risk: object, k: int) -> str:
    if risk is None:
        return f"fewer than {k} people"
    if risk == 0:
        return "none" if key == "alone" else "below 1 %"
    return f"{risk} %"


def page_loss(table: TableFacts) -> object:
    """Return the loss as the page may tell it: on a published one, made from rounded counts."""
    utility = table.judged.get("utility")
    if not table.public or not isinstance(utility, Mapping):
        return table.judged.get("loss")
    return next((point["loss"] for point in utility["curve"] if point["k"] == utility["k"]), None)
