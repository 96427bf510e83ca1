"""Tables on narrow terminals."""

import io

import pytest
from rich.console import Console

from lakehouse.cli.output import print_table
from lakehouse.cli.table_layout import fit_columns

COLUMNS = ("release", "state", "rows", "reasons")
ROWS = (
    ("gait_by_cohort-a5dd9a2bbc15", "PUBLISHED", 5, None),
    ("conditions_by_age-71d7cdedfdeb", "SUBMITTED", 1200, "cells of fewer than 5 people, left out: 2 of 9"),
)


def printed(width, columns=COLUMNS, rows=ROWS):
    written = io.StringIO()
    print_table(Console(file=written, width=width), columns, rows, title="Releases", right=["rows"])
    return written.getvalue()


@pytest.mark.parametrize("width", [200, 80, 66, 40])
def test_a_name_is_never_broken_and_no_line_of_a_grid_is_too_long(width):
    text = printed(width)

    assert "conditions_by_age-71d7cdedfdeb" in text
    assert "SUBMITTED" in text
    if width >= 66:
        assert max(len(line) for line in text.splitlines()) <= width


def test_what_is_too_wide_becomes_one_line_a_value():
    lines = printed(40).splitlines()

    assert "release  conditions_by_age-71d7cdedfdeb" in lines
    assert "rows     1200" in lines
    assert "reasons  –" in lines


def test_sentences_wrap_at_words():
    assert "cells of fewer" in printed(66)
    assert not any(line.strip() in {"peopl", "peo"} for line in printed(66).splitlines())


def test_the_widest_column_gives_way_first():
    assert fit_columns([["a", "words that may wrap"], ["bbbb", "x"]], 15, whole=[]) == [4, 7]


def test_words_that_do_not_fit_beside_each_other_fit_no_grid():
    assert fit_columns([["a" * 40, "b" * 40]], 80, whole=[]) is None


def test_a_table_without_rows_shows_its_heading():
    assert "release" in printed(80, rows=())
