from dataclasses import replace
from fractions import Fraction

from report_facts import open_facts

from lakehouse.adapters.loss_drawing import draw_loss
from lakehouse.adapters.report_html import render_page
from lakehouse.core.report import LossChart
from lakehouse.core.report_pages import table_page
from lakehouse.core.utility import ClassSizes, curve_of, loss_point, told_risk

UTILITY = {
    "k": 5,
    "curve": [
        {"k": 2, "loss": "0.05", "left_out_percent": 3},
        {"k": 5, "loss": "0.08", "left_out_percent": 3},
        {"k": 200, "loss": None, "left_out_percent": None},
    ],
    "columns": [],
    "before": {"highest": "more than 20", "average": 36, "alone": None},
    "after": {"highest": "14", "average": 3, "alone": 0},
}


def page_of(**judged: object) -> str:
    facts = open_facts()
    return render_page(table_page(replace(facts, judged={**facts.judged, **judged})))


def test_the_k_of_the_release_stands_in_the_curve() -> None:
    assert curve_of(7, 60) == (2, 3, 5, 7, 10, 20, 50)


def test_a_told_loss_does_not_give_away_how_few_rows_were_left_out() -> None:
    """1 to 2 of 100 rows left out are told as none, 3 to 7 as five: every one of them reads alike."""
    kept = Fraction(1, 10)
    told = {
        left_out: loss_point(
            5, (kept * (100 - left_out) + left_out) / 100, rows=100, suppressed=left_out, step=5
        )
        for left_out in range(8)
    }
    assert {told[n].loss for n in (0, 1, 2)} == {"0.10"} and told[2].left_out_percent == 0
    assert {told[n].loss for n in (3, 4, 5, 6, 7)} == {"0.15"} and told[3].left_out_percent == 5


def test_the_exact_loss_would_give_it_away() -> None:
    """Positive control: without the rounding, one row more is seen."""
    exact = [loss_point(5, Fraction(n, 100), rows=100, suppressed=n, step=1).loss for n in range(4)]
    assert exact == ["0.00", "0.01", "0.02", "0.03"]


def test_a_risk_above_one_in_k_is_told_as_such() -> None:
    """The smallest class before the release may be one person: its size is not told."""
    risk = told_risk(ClassSizes(rows=100, classes=40, smallest=1, alone=3), k=5, step=5)
    assert (risk.highest, risk.average, risk.alone) == ("more than 20", 40, None)


def test_the_risk_of_a_table_in_classes_of_ten() -> None:
    risk = told_risk(ClassSizes(rows=1000, classes=60, smallest=10, alone=0), k=5, step=5)
    assert (risk.highest, risk.average, risk.alone) == ("10", 6, 0)


def test_the_page_shows_loss_over_k_as_a_drawing_and_as_a_table() -> None:
    page = page_of(utility=UTILITY)
    assert "At k 5 the loss is 0.08, as released." in page
    assert "no level reaches it" in page and "fewer than 5 people" in page and ">none<" in page
    assert page.count("k: people at least who look alike") == 2


def test_a_published_page_tells_the_loss_from_rounded_counts_only() -> None:
    exact = page_of(loss="0.0846", utility=None)
    told = page_of(loss="0.0846", utility=UTILITY)
    assert "0.0846" in exact and "0.0846" not in told


def test_a_release_without_people_has_no_such_section() -> None:
    assert "What the release keeps" not in page_of(utility=None)


def test_the_drawing_takes_the_colours_of_the_page() -> None:
    drawing = draw_loss(LossChart(points=((2, 0.1), (5, 0.4)), marked=5))
    assert "var(--accent)" in drawing and "#0" not in drawing
    assert "<script" not in drawing and drawing.startswith('<svg role="presentation"')
