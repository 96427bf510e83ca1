"""What stands in a schema of PostgreSQL and is not made as ours is: triggers, rules and defaults act.

Read from the catalogues, which every role may read (https://www.postgresql.org/docs/15/catalogs.html).
"""

from collections.abc import Iterator

from sqlalchemy import Column, Connection, ForeignKeyConstraint, MetaData, Table, UniqueConstraint, text

OBJECTS = """
SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialised view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence'
            WHEN 'c' THEN 'type' ELSE 'index' END || ' ' || c.relname
  FROM pg_class c WHERE c.relnamespace = CAST(:schema AS regnamespace)
UNION ALL
SELECT 'table ' || relname || ' without a log or with row security'
  FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind = 'r'
   AND (relpersistence <> 'p' OR relrowsecurity OR relforcerowsecurity)
UNION ALL
SELECT 'index ' || c.relname || ' with an expression'
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE c.relnamespace = CAST(:schema AS regnamespace) AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
UNION ALL
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
       || coalesce(' COLLATE ' || (SELECT o.collname FROM pg_collation o JOIN pg_type t ON t.oid = a.atttypid
                                    WHERE o.oid = a.attcollation AND o.oid <> t.typcollation), '')
       || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind = 'r' AND a.attnum > 0
   AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || n.conname || ' ' || CAST(n.contype AS text) FROM pg_constraint n
 WHERE n.connamespace = CAST(:schema AS regnamespace)
UNION ALL
SELECT 'trigger ' || g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
 WHERE c.relnamespace = CAST(:schema AS regnamespace) AND NOT g.tgisinternal
UNION ALL
SELECT 'rule ' || w.rulename FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
 WHERE c.relnamespace = CAST(:schema AS regnamespace) AND w.rulename <> '_RETURN'
UNION ALL
SELECT 'policy ' || p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
 WHERE c.relnamespace = CAST(:schema AS regnamespace)
UNION ALL
SELECT 'function ' || p.proname FROM pg_proc p WHERE p.pronamespace = CAST(:schema AS regnamespace)
UNION ALL
SELECT 'type ' || t.typname FROM pg_type t
 WHERE t.typnamespace = CAST(:schema AS regnamespace) AND t.typtype IN ('d', 'e', 'r', 'm')
UNION ALL
SELECT 'child table ' || c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
  JOIN pg_class parent ON parent.oid = h.inhparent
 WHERE parent.relnamespace = CAST(:schema AS regnamespace)
"""


def foreign_objects(connection: Connection, metadata: MetaData, schema: str) -> list[str]:
    """Return what is in the schema besides the tables of `metadata`, and columns made otherwise."""
    ours = {made for table in metadata.tables.values() for made in _made_of(table, connection)}
    return sorted({str(name) for name in connection.scalars(text(OBJECTS), {"schema": schema})} - ours)


def _made_of(table: Table, connection: Connection) -> Iterator[str]:
    yield f"table {table.name}"
    if table.primary_key.columns:
        yield f"index {table.name}_pkey"
        yield f"constraint {table.name}_pkey p"
    for index in table.indexes:
        yield f"index {index.name}"
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            yield f"constraint {_name(table, constraint)}_fkey f"
        elif isinstance(constraint, UniqueConstraint):
            yield f"index {_name(table, constraint)}_key"
            yield f"constraint {_name(table, constraint)}_key u"
    for column in table.columns:
        yield _column(table, column, connection)
        if _is_counted(table, column):
            yield f"sequence {table.name}_{column.name}_seq"


def _name(table: Table, constraint: ForeignKeyConstraint | UniqueConstraint) -> str:
    """Return how PostgreSQL names a constraint that we leave unnamed."""
    return "_".join([table.name, *(column.name for column in constraint.columns)])


def _column(table: Table, column: Column[object], connection: Connection) -> str:
    kind = column.type.compile(connection.dialect).lower().replace(' collate "c"', "")
    collation = " COLLATE C" if kind == "text" else ""
    default = f" DEFAULT nextval('{table.name}_{column.name}_seq'::regclass)"
    return (
        f"column {table.name}.{column.name} {kind}{'' if column.nullable else ' NOT NULL'}{collation}"
        f"{default if _is_counted(table, column) else ''}"
    )


def _is_counted(table: Table, column: Column[object]) -> bool:
    return column is table.autoincrement_column
