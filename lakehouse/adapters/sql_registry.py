"""The registry: what the site knows about its versions, releases, answers and charges.

registry.db of the home, or a schema of PostgreSQL; the same rows bear the same MACs in both.

Each row carries an HMAC under a key that lies outside the home, and each table a keyed sum over its rows,
so that a row changed, added or taken away behind our back is found (docs/adr/row-macs.md).
The sum is that of MACs modulo 2^256: without the key nobody can make rows whose MACs add up.
A row is believed, and a MAC or sum made anew, only where the old one holds: else the next write of ours
would sign what somebody else wrote.
"""

import hmac
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sql

from lakehouse.adapters.column_types import TEXT, WHOLE
from lakehouse.adapters.many_rows import insert_rows
from lakehouse.adapters.registry_schema import FORMER, REGISTRY, TableSchema
from lakehouse.adapters.row_macs import MODULUS, row_mac, row_macs
from lakehouse.errors import Damaged
from lakehouse.ports import Store

Row = dict[str, Any]
SEALS = "table_seals"
ROWS_AT_ONCE = 32
"""Of a shard of leaves one row is long: as many as a reader holds at a time."""
SQL_TYPES: Mapping[str, sql.types.TypeEngine[Any]] = {
    "text": TEXT,
    "integer": WHOLE,
    "json": TEXT,
}


def _sql_table(name: str, schema: TableSchema, metadata: sql.MetaData) -> sql.Table:
    columns = [
        sql.Column(column, SQL_TYPES[kind], primary_key=column in schema.key, autoincrement=False)
        for column, kind in schema.columns.items()
    ]
    mac = sql.Column("mac", TEXT, nullable=False)
    return sql.Table(name, metadata, *columns, mac, sqlite_strict=True)


METADATA = sql.MetaData()
"""The tables of today's format, with their seals."""
FORMER_METADATA = sql.MetaData()
SCHEMAS: Mapping[str, TableSchema] = {**REGISTRY, **FORMER}
TABLES = {
    name: _sql_table(name, schema, METADATA if name in REGISTRY else FORMER_METADATA)
    for name, schema in SCHEMAS.items()
}
SEAL_TABLE = sql.Table(
    SEALS,
    METADATA,
    sql.Column("name", TEXT, primary_key=True),
    sql.Column("rows", WHOLE, nullable=False),
    sql.Column("total", TEXT, nullable=False),
    sql.Column("mac", TEXT, nullable=False),
    sqlite_strict=True,
)


class SqlRegistry:
    """The registry of one home in its store; `key` authenticates its rows."""

    def __init__(self, store: Store, key: bytes) -> None:
        self.store = store
        self._key = key

    def create(self) -> None:
        """Make the tables that are not there yet; Damaged where those there bear the seals of other keys."""
        with self.store.creating() as link:
            METADATA.create_all(link)
            there = [dict(row) for row in link.execute(sql.select(SEAL_TABLE)).mappings()]
            if not _all_hold(self._key, SEALS, there):
                raise Damaged(
                    f"{self.store.place} was made with other keys: it is another home's registry",
                    remedy="name the site file and the keys that belong to this home",
                )
            self._seal_empty(link, set(REGISTRY) - {row["name"] for row in there})

    def tables(self) -> frozenset[str]:
        """Return the names of the tables that are there, ours or not."""
        with self.store.reading() as link:
            return frozenset(sql.inspect(link).get_table_names())

    def change_tables(
        self,
        added: Sequence[str],
        dropped: Sequence[str] = (),
        carry: Callable[["Transaction"], None] = lambda _tx: None,
    ) -> None:
        """Make `added`, sealed empty, let `carry` fill them from `dropped`, and drop those: one transaction.

        Raises Damaged where somebody else changed, added or took away a row of `dropped`.
        """
        with self.store.writing() as link:
            for name in added:
                TABLES[name].create(link)
            self._seal_empty(link, added)
            tx = Transaction(link, self._key, self.store)
            tx.require_whole(dropped)
            carry(tx)
            for name in dropped:
                TABLES[name].drop(link)
                link.execute(SEAL_TABLE.delete().where(SEAL_TABLE.c.name == name))

    @contextmanager
    def transaction(self) -> Iterator["Transaction"]:
        """Hold the write lock from the start; commit at the end, roll back on any error."""
        with self.store.writing() as link:
            yield Transaction(link, self._key, self.store)

    @contextmanager
    def reading(self, *, believed: bool = True) -> Iterator["Transaction"]:
        """Read one consistent state without holding up writers.

        Without `believed`, rows whose MAC does not hold are read too: for `fsck`, which names them.
        """
        with self.store.reading() as link:
            yield Transaction(link, self._key, self.store, believed=believed)

    def check(self, tables: Collection[str] = tuple(REGISTRY)) -> list[tuple[str, str, str]]:
        """Return (table, key, problem) for rows and tables whose MAC does not hold, and what is not ours."""
        with self.reading() as tx:
            findings = [finding for name in tables for finding in tx.check_table(name)]
            return findings + [(name, "", "is not one of ours") for name in tx.foreign_objects(tables)]

    def _seal_empty(self, link: sql.Connection, names: Iterable[str]) -> None:
        for name in names:
            mac = self._seal_mac(name, 0, 0)
            link.execute(SEAL_TABLE.insert().values(name=name, rows=0, total="0", mac=mac))

    def _seal_mac(self, name: str, rows: int, total: int) -> str:
        return row_mac(self._key, SEALS, {"name": name, "rows": rows, "total": f"{total:x}"})


def _macs_of(key: bytes, table: str, rows: Sequence[Row]) -> list[str]:
    """Return the MACs that rows of one table should bear."""
    names = [name for name in rows[0] if name != "mac"] if rows else ()
    columns = {name: [row[name] for row in rows] for name in names}
    return [mac.hex() for mac in row_macs(key, table, columns)] if columns else []


def _all_hold(key: bytes, table: str, rows: Sequence[Row]) -> bool:
    macs = _macs_of(key, table, rows)
    return all(_same(row["mac"], mac) for row, mac in zip(rows, macs, strict=True))


def _same(stated: object, mac: str) -> bool:
    return hmac.compare_digest(str(stated).encode(), mac.encode())


class Transaction:
    """Reads and writes of one transaction; values of `json` columns are Python values.

    Damaged where a row read or replaced, or the seal of a table written to, was changed by somebody else.
    """

    def __init__(self, link: sql.Connection, key: bytes, store: Store, *, believed: bool = True) -> None:
        self._link = link
        self._key = key
        self._store = store
        self._believed = believed

    def add(self, table: str, **values: Any) -> None:
        """Insert a row; unnamed columns are null."""
        self.add_all(table, [values])

    def add_all(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows; columns that a row does not name are null."""
        made: list[Row] = []
        for values in rows:
            _no_others(table, values)
            made.append(_encode(table, {name: values.get(name) for name in SCHEMAS[table].columns}))
        if made:
            macs = _macs_of(self._key, table, made)
            whole = [(*row.values(), mac) for row, mac in zip(made, macs, strict=True)]
            insert_rows(self._link, TABLES[table], whole)
            self._reseal(table, len(made), _sum(macs))

    def change(self, table: str, key: Mapping[str, Any], **values: Any) -> None:
        """Change the rows that `key` names; Damaged where there is none."""
        found = self._own(table, key)
        if not found:
            raise Damaged(f"the registry has no row in {table} to change", remedy="livinglab fsck")
        for old in found:
            mac_before = old.pop("mac")
            row = {**old, **_encode(table, values)}
            mac = row_mac(self._key, table, row)
            own = {name: old[name] for name in SCHEMAS[table].key}
            self._link.execute(_matching(sql.update(TABLES[table]), table, own).values(**row, mac=mac))
            self._reseal(table, 0, int(mac, 16) - int(mac_before, 16))

    def drop(self, table: str, **key: Any) -> int:
        """Delete the rows that `key` names and return how many there were; a list means any of its values."""
        count = total = 0
        for rows in self._portions(table, key):
            self._require_ours(table, rows)
            count += len(rows)
            total += _sum(row["mac"] for row in rows)
        if count:
            self._link.execute(_matching(sql.delete(TABLES[table]), table, key))
            self._reseal(table, -count, -total)
        return count

    def one(self, table: str, **key: Any) -> Row | None:
        """Return the row that `key` names, or None."""
        found = self.many(table, **key)
        return found[0] if found else None

    def many(
        self, table: str, *, order: str | None = None, newest: int | None = None, **key: Any
    ) -> list[Row]:
        """Return the matching rows, by `order` (default: the key); `newest` keeps that many from the end."""
        return [_decode(table, row) for row in self._own(table, key, order, newest)]

    def each(self, table: str, **key: Any) -> Iterator[Row]:
        """Yield the matching rows by key; few are held at a time."""
        for rows in self._portions(table, key):
            self._require_ours(table, rows)
            yield from (_decode(table, row) for row in rows)

    def largest(self, table: str, column: str, **key: Any) -> int | None:
        """Return the largest value of an integer column, or None."""
        chosen = _matching(sql.select(sql.func.max(TABLES[table].c[column])), table, key)
        return self._link.execute(chosen).scalar()

    def count(self, table: str, **key: Any) -> int:
        """Return how many rows match."""
        chosen = _matching(sql.select(sql.func.count()).select_from(TABLES[table]), table, key)
        return int(self._link.execute(chosen).scalar_one())

    def check_table(self, table: str) -> list[tuple[str, str, str]]:
        """Return (table, key, problem) for rows and seal whose MAC does not hold."""
        findings = []
        total = count = 0
        for rows in self._portions(table, {}):
            macs = _macs_of(self._key, table, rows)
            count += len(rows)
            total += _sum(macs)
            findings += [
                (table, ",".join(str(row[name]) for name in SCHEMAS[table].key), "row was changed")
                for row, mac in zip(rows, macs, strict=True)
                if not _same(row["mac"], mac)
            ]
        expected = {"name": table, "rows": count, "total": f"{total % MODULUS:x}"}
        seal = self._link.execute(sql.select(SEAL_TABLE).where(SEAL_TABLE.c.name == table)).mappings().first()
        if seal is None or dict(seal) != {**expected, "mac": row_mac(self._key, SEALS, expected)}:
            findings.append((table, "", "rows were added, changed or taken away"))
        return findings

    def require_whole(self, tables: Iterable[str]) -> None:
        """Raise Damaged where rows of these tables were added, changed or taken away."""
        for name in tables:
            if self.check_table(name):
                raise self._forged(f"the table {name}")

    def foreign_objects(self, tables: Iterable[str] = tuple(REGISTRY)) -> list[str]:
        """Return what stands beside these tables of ours and is not ours: tables, views, triggers."""
        foreign = self._store.foreign_objects(self._link, METADATA)
        if FORMER.keys().isdisjoint(tables):
            return foreign
        former = self._store.foreign_objects(self._link, FORMER_METADATA)
        return [name for name in foreign if name in former]

    def _own(
        self, table: str, key: Mapping[str, Any], order: str | None = None, newest: int | None = None
    ) -> list[Row]:
        """Return the matching rows, each with its MAC, once every MAC holds."""
        chosen = _matching(sql.select(TABLES[table]), table, key)
        by = [TABLES[table].c[name] for name in ([order] if order else SCHEMAS[table].key)]
        sorting = by if newest is None else [column.desc() for column in by]
        found = [dict(row) for row in self._link.execute(chosen.order_by(*sorting).limit(newest)).mappings()]
        self._require_ours(table, found)
        return found if newest is None else found[::-1]

    def _require_ours(self, table: str, rows: Sequence[Row]) -> None:
        if self._believed and not _all_hold(self._key, table, rows):
            raise self._forged(f"a row of {table}")

    def _forged(self, what: str) -> Damaged:
        place = self._store.place
        return Damaged(
            f"{what} in {place} was changed by somebody else",
            remedy=f"livinglab fsck; restore {place} from a backup of this home",
        )

    def _portions(self, table: str, key: Mapping[str, Any]) -> Iterator[list[Row]]:
        sorting = [TABLES[table].c[name] for name in SCHEMAS[table].key]
        chosen = _matching(sql.select(TABLES[table]), table, key).order_by(*sorting)
        rows = self._link.execute(chosen, execution_options={"yield_per": ROWS_AT_ONCE})
        return ([dict(row) for row in part] for part in rows.mappings().partitions())

    def _reseal(self, table: str, rows: int, total: int) -> None:
        found = self._link.execute(sql.select(SEAL_TABLE).where(SEAL_TABLE.c.name == table)).mappings()
        seal = dict(found.first() or {})
        if not seal or not _all_hold(self._key, SEALS, [seal]):
            raise self._forged(f"the seal of {table}")
        changed = {
            "name": table,
            "rows": seal["rows"] + rows,
            "total": f"{(int(seal['total'], 16) + total) % MODULUS:x}",
        }
        mac = row_mac(self._key, SEALS, changed)
        self._link.execute(SEAL_TABLE.update().where(SEAL_TABLE.c.name == table).values(**changed, mac=mac))


def _sum(macs: Iterable[str]) -> int:
    return sum(int(mac, 16) for mac in macs)


def _matching(statement: Any, table: str, key: Mapping[str, Any]) -> Any:
    for name, value in key.items():
        column = TABLES[table].c[name]
        stated = _encode(table, {name: value})[name]
        statement = statement.where(column.in_(value) if isinstance(value, list) else column == stated)
    return statement


def _no_others(table: str, values: Mapping[str, Any]) -> None:
    if others := values.keys() - SCHEMAS[table].columns.keys():
        raise KeyError(f"{table} has no column {', '.join(sorted(others))}")


def _encode(table: str, values: Mapping[str, Any]) -> Row:
    kinds = SCHEMAS[table].columns
    return {
        name: json.dumps(value, sort_keys=True, separators=(",", ":")) if kinds[name] == "json" else value
        for name, value in values.items()
    }


def _decode(table: str, row: Row) -> Row:
    row.pop("mac", None)
    kinds = SCHEMAS[table].columns
    try:
        return {
            name: json.loads(value) if kinds[name] == "json" and value is not None else value
            for name, value in row.items()
        }
    except ValueError as error:
        raise Damaged(f"a row of {table} in the registry is not JSON", remedy="livinglab fsck") from error
