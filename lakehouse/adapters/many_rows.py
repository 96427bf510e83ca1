"""Statements on many rows as the driver takes them, without the work that SQLAlchemy does a row.

Values go in and come out as the driver has them: texts, whole numbers and bytes are the same in SQLite and
PostgreSQL. Failures are SQLAlchemy's, so that a Store names them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select, text

ROWS_AT_ONCE = 10_000
"""Values a query; SQLite allows 32,766 parameters."""
ROWS_A_STATEMENT = 1_000
"""Rows that one statement inserts, a parameter a value: a table may have 32 columns."""
A_FEW = 100
"""Values that are asked for one by one, however few rows a table may have."""
MARKS: Mapping[str, str] = {"sqlite": "?", "postgresql": "%s"}
"""How the driver of each database marks a parameter."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Sequence[object]]) -> None:
    """Insert rows, each with a value for every column of the table, in the table's order.

    A thousand rows a statement, which costs less than a statement a row. Fewer are said one by one: they may
    be large, as the leaves of a shard.
    """
    width = len(table.columns)
    if any(len(row) != width for row in rows):
        raise ValueError(f"a row of {table.name} has not {width} values")
    names = ", ".join(_name(connection, column) for column in table.columns)
    marks = f"({', '.join([MARKS[connection.dialect.name]] * width)})"
    begin = f"INSERT INTO {_name(connection, table)} ({names}) VALUES "
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    many = begin + ", ".join([marks] * min(whole, ROWS_A_STATEMENT))
    for start in range(0, whole, ROWS_A_STATEMENT):
        values = chain.from_iterable(rows[start : start + ROWS_A_STATEMENT])
        connection.exec_driver_sql(many, tuple(values))
    if whole < len(rows):
        connection.exec_driver_sql(begin + marks, [tuple(row) for row in rows[whole:]])


def rows_among(
    connection: Connection,
    chosen: Sequence[Column[Any]],
    column: Column[Any],
    values: Iterable[object],
    **fixed: object,
) -> Iterator[tuple[Any, ...]]:
    """Yield the `chosen` columns of the rows whose `column` is among `values`, 10,000 values a query.

    fixed: other columns of the table, each with the one value that it must have.
    """
    wanted = list(values)
    names = ", ".join(_name(connection, named) for named in chosen)
    mark = MARKS[connection.dialect.name]
    only = "".join(f"{_name(connection, column.table.c[name])} = {mark} AND " for name in fixed)
    begin = f"SELECT {names} FROM {_name(connection, column.table)} WHERE {only}{_name(connection, column)}"
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        part = wanted[start : start + ROWS_AT_ONCE]
        if connection.dialect.name == "postgresql":
            found = connection.exec_driver_sql(f"{begin} = ANY({mark})", (*fixed.values(), part))
        else:
            marks = ",".join(mark for _ in part)
            found = connection.exec_driver_sql(f"{begin} IN ({marks})", (*fixed.values(), *part))
        yield from map(tuple, found)


def rows_at_least(
    connection: Connection, chosen: Sequence[Column[Any]], column: Column[Any], wanted: Collection[object]
) -> Iterable[tuple[Any, ...]]:
    """Return the rows of `rows_among`, and others too where a table of fewer rows is read whole instead."""
    if len(wanted) > A_FEW:
        everything = connection.execute(select(*chosen).limit(len(wanted) + 1)).all()
        if len(everything) <= len(wanted):
            return map(tuple, everything)
    return rows_among(connection, chosen, column, wanted)


def next_numbers(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """Take the next numbers of the column that counts the table's rows; the writer must be the only one.

    As where the database counts by itself, the number of a row that was deleted never comes again.
    """
    counted = table.autoincrement_column
    if counted is None:
        raise KeyError(f"no column counts the rows of {table.name}")
    if connection.dialect.name == "postgresql":
        sequence = {"name": f"{table.name}_{counted.name}_seq", "count": count}
        taken = text("SELECT nextval(CAST(:name AS regclass)) FROM generate_series(1, :count)")
        return connection.scalars(taken, sequence).all()
    given = text("SELECT max(seq) FROM sqlite_sequence WHERE name = :name")
    last = max(
        connection.scalar(given, {"name": table.name}) or 0, connection.scalar(select(func.max(counted))) or 0
    )
    return range(last + 1, last + 1 + count)


def _name(connection: Connection, named: Table | Column[Any]) -> str:
    return connection.dialect.identifier_preparer.quote(named.name)
