"""Whatever leaves for a spreadsheet: no cell and no column name is a formula, and -3.5 is a number."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.adapters.report_html import render_page
from lakehouse.cli.output import console_for, print_table
from lakehouse.cli.result_formats import as_csv, as_json_rows, as_parquet, as_table
from lakehouse.core import formulas
from lakehouse.core.report import Grid, Page, Section

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "＝1+1", "＋1", "－1",
    "＠SUM(1)", "\ufeff=1", "\u200b=1", "\u00a0=1", "\x00=1", "=cmd|' /C calc'!A0", "-2+3+cmd|'",
    '=HYPERLINK("http://x","y")', "+33 1 23", "-", "--1", "-3.5.1", "-1e9999", "=", "@", "\u202e=1",
]  # fmt: skip
HARMLESS = ["-3.5", "+3", "-1e-3", "-2 %", "12", "60-69", "a=b", "", "é", "x\ty", "'=1", "<60", "1+1"]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert formulas.without_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert formulas.without_formula(text) == text


def exported(rows: pa.Table) -> dict[str, list[list[str]]]:
    """The cells of each format as a program reads them back: names first."""
    read = list(csv.reader(io.StringIO(as_csv(rows), newline="")))
    listed = json.loads(as_json_rows(rows))
    kept = pq.read_table(io.BytesIO(as_parquet(rows)))
    return {
        "csv": read,
        "json": [list(listed[0]), *([str(cell) for cell in row.values()] for row in listed)],
        "parquet": [kept.column_names, *([str(c) for c in row.values()] for row in kept.to_pylist())],
    }


def require_defused(rows: pa.Table) -> None:
    for cells in exported(rows).values():
        assert not [cell for row in cells for cell in row if formulas.without_formula(cell) != cell]
    for line in as_table(rows).splitlines():
        assert not line.startswith(("=", "@"))


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_no_export_holds_a_formula(text: str) -> None:
    """As a value, in a list, as the name of a column."""
    require_defused(pa.table({"note": [text], f"{text}x": [1]}))
    assert as_parquet(pa.table({"many": [[text]]})) != b""
    (row,) = json.loads(as_json_rows(pa.table({"many": [[text]]})))
    assert row == {"many": [f"'{text}"]}


def test_numbers_keep_their_type_and_value() -> None:
    rows = pa.table({"x": [-3.5, None], "n": [-3, 0]})
    assert pq.read_table(io.BytesIO(as_parquet(rows))).equals(rows)
    assert json.loads(as_json_rows(rows)) == [{"x": -3.5, "n": -3}, {"x": None, "n": 0}]
    assert as_csv(rows) == "x,n\n-3.5,-3\n,0\n"
    assert "-3.5" in as_table(rows).split()


def test_an_export_that_leaves_formulas_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant knows the half-width signs alone."""
    from lakehouse.cli import result_formats

    plain = formulas.without_formula
    monkeypatch.setattr(result_formats, "without_formula", lambda t: plain(t) if t[:1] in "=+-@" else t)
    with pytest.raises(AssertionError):
        require_defused(pa.table({"note": ["＝1+1"]}))


def test_a_report_pasted_into_a_spreadsheet_runs_nothing() -> None:
    grid = Grid(columns=("=head", "x"), rows=(("=cell", "-3.5"),))
    section = Section(anchor="a", title="a", grids=(grid,))
    told = Page(
        kind="table", title="t", subtitle="s", lead="l", stamp="now", confidential=False, sections=(section,)
    )
    html = render_page(told)
    assert ">&#39;=cell<" in html
    assert ">&#39;=head<" in html
    assert ">-3.5<" in html


def test_a_quarantine_list_holds_our_words_only() -> None:
    """Table, counts, reason code and the contract's name of a column: a name is lower case letters."""
    from lakehouse.core.contract_columns import COLUMN_NAME
    from lakehouse.pipeline.set_aside import SHOWN

    assert SHOWN == ("batch", "file", "row", "rows", "stage", "reason", "column")
    assert not [text for text in FORMULAS if COLUMN_NAME.fullmatch(text)]


def test_a_terminal_is_not_steered() -> None:
    text = io.StringIO()
    print_table(console_for(text), ["x"], [["\x1b[31mred\x07"]])
    assert "\x1b" not in text.getvalue()
