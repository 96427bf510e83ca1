"""Which tables a query reads, and that it only reads: sqlglot's parse held against an allow-list."""

import logging
from collections.abc import Collection
from typing import Any

from lakehouse.errors import Refused, WrongUse

LONGEST_QUERY = 100_000


def read_tables(text: str, products: Collection[str], others: Collection[str]) -> tuple[str, ...]:
    """Return the gold products that one SELECT reads, by bare name, in order of mention.

    products: names of gold products; `gold.x` and `x` both mean the product. others: `layer.name` of
    the tables that are not released.

    Raises:
        WrongUse: not SQL, or a table that does not exist.
        Refused: anything but one SELECT over gold products, so also files and table functions.
    """
    from sqlglot import exp

    query = _one_select(text)
    own = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    read = []
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            raise Refused("table functions are not run", remedy="read gold tables only")
        schema, name = table.db.lower(), table.name.lower()
        if not schema and not table.catalog and name in own:
            continue
        read.append(_product(schema, name, table.catalog, products, others))
    return tuple(dict.fromkeys(read))


def _one_select(text: str) -> Any:
    """Return sqlglot's tree of the one statement, a SELECT or a set operation of SELECTs."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if len(text) > LONGEST_QUERY:
        raise WrongUse(f"the query is longer than {LONGEST_QUERY} characters", remedy="shorten it")
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        statements = [statement for statement in sqlglot.parse(text, read="duckdb") if statement]
    except (SqlglotError, RecursionError) as error:
        raise WrongUse("the query is not SQL that can be read", remedy=_place_of(error)) from error
    if not statements:
        raise WrongUse("the query is empty", remedy="livinglab query 'SELECT ...' --purpose research")
    query = statements[0]
    reads_only = isinstance(query, exp.Select | exp.SetOperation) and query.find(exp.Into, exp.DML) is None
    if len(statements) != 1 or not reads_only:
        raise Refused("only one SELECT is run", remedy="one statement that begins with SELECT or WITH")
    return query


def _product(schema: str, name: str, catalog: str, products: Collection[str], others: Collection[str]) -> str:
    gold = ", ".join(f"gold.{product}" for product in sorted(products)) or "none"
    if schema in {"", "gold"} and not catalog and name in products:
        return name
    unreleased = f"{schema}.{name}" in others or any(other.endswith(f".{name}") for other in others)
    if unreleased and schema != "gold":
        raise Refused(
            f"{schema + '.' if schema else ''}{name} is not released: only gold is queried",
            remedy="livinglab ask answers questions about it with noise",
        )
    if schema in {"", "gold"} and not catalog and name.isidentifier():
        raise WrongUse(f"there is no gold table {name!r}", remedy=f"gold tables: {gold}")
    raise Refused("only gold tables are read", remedy=f"gold tables: {gold}")


def _place_of(error: Exception) -> str:
    details = getattr(error, "errors", None) or [{}]
    line, column = details[0].get("line"), details[0].get("col")
    return f"look at line {line}, column {column}" if line else "livinglab query --help"
