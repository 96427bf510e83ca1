import pytest

from lakehouse.adapters.query_guard import read_tables
from lakehouse.errors import Refused, WrongUse

GOLD = ("gait_by_cohort", "gait_people_open")
OTHERS = ("silver.gait_features", "silver.gait_people", "bronze.ehr")


def read(text: str) -> tuple[str, ...]:
    return read_tables(text, GOLD, OTHERS)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM gold.gait_by_cohort",
        "select * from GAIT_BY_COHORT;",
        "FROM gait_by_cohort",
        "WITH c AS (SELECT * FROM gold.gait_by_cohort) SELECT * FROM c ORDER BY 1",
        "SELECT * FROM (SELECT * FROM gait_by_cohort) t, unnest([1, 2])",
        "SELECT 1 FROM gait_by_cohort UNION ALL SELECT 2 FROM gold.gait_by_cohort",
    ],
)
def test_one_select_over_gold_is_read(text):
    """With or without the layer, in subqueries, CTEs and set operations."""
    assert read(text) == ("gait_by_cohort",)


def test_tables_are_listed_once_in_order_of_mention():
    """A join reads two products."""
    text = "FROM gait_people_open a JOIN gold.gait_by_cohort USING (sex) JOIN gait_people_open b USING (sex)"
    assert read(text) == ("gait_people_open", "gait_by_cohort")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM silver.gait_features",
        "SELECT * FROM gait_features",
        "SELECT * FROM bronze.ehr",
        "SELECT (SELECT max(age) FROM silver.gait_people) FROM gold.gait_by_cohort",
        "SELECT * FROM draft.gait_by_cohort",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM other.gold.gait_by_cohort",
        "SELECT 1; SELECT 2",
        "SELECT * FROM gait_by_cohort; DROP TABLE gait_by_cohort",
        "COPY gait_by_cohort TO '/tmp/x'",
        "INSERT INTO gait_by_cohort VALUES (1)",
        "DELETE FROM gait_by_cohort",
        "CREATE TABLE x AS SELECT 1",
        "ATTACH '/tmp/x.db'",
        "SET threads = 4",
        "PRAGMA version",
        "INSTALL httpfs",
        "EXPLAIN SELECT 1",
        "SELECT * INTO x FROM gait_by_cohort",
    ],
)
def test_everything_else_is_refused(text):
    """Other layers, files, table functions, changes, settings, several statements."""
    with pytest.raises(Refused):
        read(text)


@pytest.mark.parametrize(
    "text", ["", "  ;", "SELEC 1", "SELECT FROM WHERE", "(" * 5000, "SELECT * FROM nothing"]
)
def test_what_is_no_query_is_wrong_use(text):
    """Not SQL, empty, or over a gold table that does not exist."""
    with pytest.raises(WrongUse):
        read(text)


def test_a_cte_does_not_open_the_layers_below():
    """A CTE may be named as it likes; a qualified name never means it."""
    with pytest.raises(Refused):
        read("WITH gait_features AS (SELECT 1) SELECT * FROM silver.gait_features")
