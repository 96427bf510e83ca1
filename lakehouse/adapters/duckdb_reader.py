"""DuckDB over Arrow tables, locked down: no files, no network, no settings, no Python variables.

The guard (`query_guard`) has parsed the query before; what it missed meets a database that knows nothing
but the tables handed in.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from lakehouse.errors import Refused, WrongUse

SECONDS = 60.0
LARGEST_RESULT = 1_000_000
BATCH_ROWS = 10_000
LOCKDOWN = (
    "python_enable_replacements = false",
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "temp_directory = ''",
    "memory_limit = '1GB'",
    "threads = 2",
    "enable_external_access = false",
    "lock_configuration = true",
)


def run_select(text: str, tables: Mapping[str, pa.Table], seconds: float = SECONDS) -> pa.Table:
    """Return the result of one SELECT; each table is there as `gold.name` and as `name`.

    Raises:
        WrongUse: DuckDB cannot run it, it takes longer than `seconds`, or its result is too large.
        Refused: it is no SELECT, or reaches outside the tables.
    """
    import duckdb

    with _locked_database(tables) as database:
        timer = threading.Timer(seconds, database.interrupt)
        timer.start()
        try:
            _require_select(database, text)
            return _fetch(database.sql(text))
        except duckdb.PermissionException as error:
            raise Refused("the query reaches outside the gold tables", remedy="read gold only") from error
        except duckdb.InterruptException as error:
            raise WrongUse(f"the query ran longer than {seconds:.0f} s", remedy="ask for less") from error
        except duckdb.Error as error:
            raise WrongUse(f"the query cannot be run: {_first_line(error)}") from error
        finally:
            timer.cancel()


@contextmanager
def _locked_database(tables: Mapping[str, pa.Table]) -> Iterator[Any]:
    import duckdb

    database = duckdb.connect(":memory:")
    try:
        database.execute("CREATE SCHEMA gold")
        for number, (name, rows) in enumerate(tables.items()):
            database.register(f"rows_{number}", rows)
            for schema in ("gold", "main"):
                database.execute(f'CREATE VIEW {schema}."{name}" AS SELECT * FROM rows_{number}')
        for setting in LOCKDOWN:
            database.execute(f"SET {setting}")
        yield database
    finally:
        database.close()


def _require_select(database: Any, text: str) -> None:
    import duckdb

    kinds = [statement.type for statement in database.extract_statements(text)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise Refused("only one SELECT is run", remedy="one statement that begins with SELECT or WITH")


def _fetch(result: Any) -> pa.Table:
    batches, rows = [], 0
    reader = result.to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        rows += batch.num_rows
        if rows > LARGEST_RESULT:
            raise WrongUse(f"the result has more than {LARGEST_RESULT:,} rows", remedy="aggregate, or LIMIT")
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=reader.schema)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]
