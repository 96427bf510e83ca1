import pyarrow as pa
import pytest

from lakehouse.adapters.duckdb_reader import run_select
from lakehouse.errors import Refused, WrongUse

COHORTS = {"gait_by_cohort": pa.table({"sex": ["female", "male"], "people": [70, 95]})}


def test_a_table_has_two_names():
    """`gold.x` and `x` are the same rows."""
    text = "SELECT a.people + b.people AS people FROM gold.gait_by_cohort a JOIN gait_by_cohort b USING (sex)"
    assert sorted(run_select(text, COHORTS)["people"].to_pylist()) == [140, 190]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY gait_by_cohort TO '/tmp/stolen.csv'",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "INSTALL httpfs",
    ],
)
def test_the_database_is_locked_even_past_the_guard(text):
    """DuckDB itself reaches no file and changes no setting."""
    with pytest.raises((Refused, WrongUse)):
        run_select(text, COHORTS)


def test_python_variables_are_out_of_reach():
    """DuckDB's replacement scans would find this local table by name."""
    secret = pa.table({"a": [1]})
    with pytest.raises(WrongUse, match="secret"):
        run_select("SELECT * FROM secret", COHORTS)
    assert secret.num_rows == 1


def test_an_unknown_column_is_wrong_use_with_the_reason():
    """One line, no traceback."""
    with pytest.raises(WrongUse, match="height"):
        run_select("SELECT height FROM gait_by_cohort", COHORTS)


def test_a_query_without_end_is_stopped():
    """Half a second is the limit here."""
    endless = "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b"
    with pytest.raises(WrongUse, match="ran longer"):
        run_select(endless, COHORTS, seconds=0.5)


def test_a_result_without_end_is_stopped(monkeypatch):
    """More rows than the limit are not gathered."""
    monkeypatch.setattr("lakehouse.adapters.duckdb_reader.LARGEST_RESULT", 1000)
    with pytest.raises(WrongUse, match="more than"):
        run_select("SELECT range FROM range(100000)", COHORTS)
