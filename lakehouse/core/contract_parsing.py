"""From the TOML of `expectations/<layer>/<name>.toml` to a DatasetContract.

Whatever is not known is refused with file, key and the allowed values.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.core.contract import (
    PLACEHOLDERS,
    Column,
    ColumnDrift,
    ColumnType,
    Contracts,
    DatasetContract,
    DriftRule,
    JoinRule,
    Layer,
    LinkedIdentifier,
    LinkRule,
    SubjectRule,
)
from lakehouse.core.contract_columns import COLUMN_NAME, parse_checks, parse_columns
from lakehouse.core.toml_section import Section
from lakehouse.errors import ContractError

TABLE_NAME = re.compile(r"(bronze|silver|gold)\.[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """What the site has: names of readers, of methods and of transforms."""

    formats: Collection[str]
    methods: Collection[str]
    transforms: Collection[str]


def parse_contract(data: Mapping[str, object], file: str, sql: str | None = None) -> DatasetContract:
    """Return the contract of one file; `sql` is the text of the file beside a gold contract.

    Raises:
        ContractError: something is missing, unknown or of the wrong type.
    """
    top = Section(data, file=file)
    layer = Layer(top.choice("layer", tuple(Layer)))
    name = top.text("name")
    if not COLUMN_NAME.fullmatch(name):
        raise top.error("name", "must be lower case letters, digits and _, beginning with a letter")
    columns = parse_columns(top, layer)
    contract = DatasetContract(
        layer=layer,
        name=name,
        title=top.text("title"),
        description=top.text("description", ""),
        revision=top.integer("revision", least=1),
        grain=top.text("grain", ""),
        keys=_declared(top, "keys", columns),
        population=top.text("population", ""),
        purposes=top.texts("purposes"),
        retention_days=top.integer("retention_days", 0),
        columns=columns,
        checks=parse_checks(top, columns),
        digest=_digest(top, data, sql),
        file=file,
        unit_of_count=top.text("unit_of_count", "rows"),
        public_minimum_people=_count(top, "public_minimum_people"),
        maximum_rows_per_person=_count(top, "maximum_rows_per_person"),
        sql=sql,
    )
    contract = replace(contract, **_layer_fields(top, layer, columns))
    top.finish()
    return contract


def build_contracts(parsed: Iterable[DatasetContract]) -> Contracts:
    """Return the catalogue; silver and gold inherit population, purposes and retention.

    Raises:
        ContractError: two files declare one table, or a table inherits from one that is not there.
    """
    by_table: dict[str, DatasetContract] = {}
    for contract in parsed:
        if contract.table in by_table:
            raise ContractError(contract.file, "name", f"{contract.table} is also declared elsewhere")
        by_table[contract.table] = contract
    return Contracts(by_table={table: _inherit(by_table, table, ()) for table in sorted(by_table)})


def check_names(contracts: Contracts, known: KnownNames) -> None:
    """Refuse readers, methods and transforms that the site does not have.

    Raises:
        ContractError: with the names that there are.
    """
    for contract in contracts:
        if contract.layer is Layer.BRONZE:
            _require(contract, "format", contract.format, known.formats)
        elif contract.layer is Layer.SILVER:
            _require(contract, "transform", contract.transform, known.transforms)
            for column in contract.columns:
                key = f"column[{column.name}].handling"
                _require(contract, key, column.handling.method, known.methods)


def _require(contract: DatasetContract, key: str, name: str | None, known: Collection[str]) -> None:
    if name not in known:
        raise ContractError(contract.file, key, f"{name!r} is not known", allowed=tuple(sorted(known)))


def _layer_fields(top: Section, layer: Layer, columns: tuple[Column, ...]) -> dict[str, Any]:
    if layer is Layer.BRONZE:
        return _bronze_fields(top, columns)
    return _silver_fields(top) if layer is Layer.SILVER else _gold_fields(top)


def _bronze_fields(top: Section, columns: tuple[Column, ...]) -> dict[str, Any]:
    return {
        "format": top.text("format"),
        "format_options": top.mapping("format_options"),
        "folders": _non_empty(top, "folder"),
        "files": _non_empty(top, "files"),
        "subject": _subject(top, columns),
        "linked_identifiers": tuple(_linked(section) for section in top.sections("linked_identifier")),
        "increasing": _increasing(top, columns),
        "drift": _drift(top.section("drift")),
    }


def _increasing(top: Section, columns: tuple[Column, ...]) -> str | None:
    name = top.optional_text("increasing")
    numbered = tuple(c.name for c in columns if c.type not in (ColumnType.TEXT, ColumnType.BOOLEAN))
    if name is not None and name not in numbered:
        raise top.error("increasing", f"{name!r} is not a declared number or time", numbered)
    return name


def _drift(section: Section | None) -> DriftRule:
    if section is None:
        return DriftRule()
    away, seal, null = ColumnDrift.SET_ASIDE, ColumnDrift.SEAL, ColumnDrift.NULL
    rule = DriftRule(
        gone=ColumnDrift(section.choice("gone", (away, null), away)),
        added=ColumnDrift(section.choice("added", (seal, away), seal)),
    )
    section.finish()
    return rule


def _silver_fields(top: Section) -> dict[str, Any]:
    return {
        "source": _table(top, "source", top.text("source")),
        "reads": tuple(_table(top, "reads", table) for table in top.texts("reads")),
        "transform": top.text("transform", "rows"),
        "transform_options": top.mapping("transform_options"),
        "link": _link(top.section("link")),
        "joins": tuple(_join(section) for section in top.sections("join")),
    }


def _gold_fields(top: Section) -> dict[str, Any]:
    return {
        "reads": tuple(_table(top, "reads", table) for table in _non_empty(top, "reads")),
        "release": top.mapping("release"),
    }


def _subject(top: Section, columns: tuple[Column, ...]) -> SubjectRule | None:
    section = top.section("subject")
    if section is None:
        return None
    rule = SubjectRule(
        column=section.text("column"),
        system=section.optional_text("system"),
        system_column=section.optional_text("system_column"),
        id_patterns=_id_patterns(section),
        placeholders=_placeholders(section),
        own=section.texts("own"),
    )
    section.finish()
    names = tuple(column.name for column in columns)
    stated = [("column", rule.column), ("system_column", rule.system_column), *(("own", n) for n in rule.own)]
    for key, named in stated:
        if named is not None and named not in names:
            raise section.error(key, f"{named!r} is not a declared column", names)
    if (rule.system is None) == (rule.system_column is None):
        raise section.error("system", "exactly one is needed", ("system", "system_column"))
    return rule


def _placeholders(section: Section) -> tuple[str, ...]:
    if not section.has("placeholders"):
        return PLACEHOLDERS
    return tuple(text.casefold() for text in section.texts("placeholders"))


def _linked(section: Section) -> LinkedIdentifier:
    identifier = LinkedIdentifier(
        system=section.text("system"),
        id_system=section.text("id_system"),
        id_pattern=section.pattern("id_pattern") or ".+",
    )
    section.finish()
    return identifier


def _id_patterns(section: Section) -> Mapping[str, str]:
    inner = section.section("id_patterns")
    if inner is None:
        return {}
    return {system: inner.pattern(system) or ".+" for system in section.mapping("id_patterns")}


def _link(section: Section | None) -> LinkRule | None:
    if section is None:
        return None
    rule = LinkRule(
        table=_table(section, "table", section.text("table")),
        reason=section.text("reason", "unlinked_person"),
    )
    section.finish()
    return rule


def _join(section: Section) -> JoinRule:
    rule = JoinRule(
        table=_table(section, "table", section.text("table")), columns=_non_empty(section, "columns")
    )
    section.finish()
    return rule


def _table(section: Section, key: str, name: str) -> str:
    if not TABLE_NAME.fullmatch(name):
        raise section.error(key, f"{name!r} is not of the form layer.table", tuple(Layer))
    return name


def _non_empty(section: Section, key: str) -> tuple[str, ...]:
    texts = section.texts(key)
    if not texts:
        raise section.error(key, "must name at least one")
    return texts


def _count(section: Section, key: str) -> int | None:
    return section.integer(key, least=1) if section.has(key) else None


def _declared(top: Section, key: str, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """`subject` and `row` are columns of every table; the others must be declared or joined."""
    named = top.texts(key)
    names = (*(column.name for column in columns), "subject", "row")
    for name in named:
        if name not in names:
            raise top.error(key, f"{name!r} is not a declared column", names)
    return named


def _digest(top: Section, data: Mapping[str, object], sql: str | None) -> str:
    """SHA-256 of the file's content, whatever its layout and comments, and of its SQL."""
    try:
        text = json.dumps({"contract": data, "sql": sql}, sort_keys=True, allow_nan=False, default=str)
    except ValueError as problem:
        raise top.error("", "holds a number that is not finite") from problem
    return hashlib.sha256(text.encode()).hexdigest()


def _inherit(by_table: Mapping[str, DatasetContract], table: str, path: tuple[str, ...]) -> DatasetContract:
    contract = by_table[table]
    own = (contract.population, contract.purposes, contract.retention_days)
    if contract.layer is Layer.BRONZE or all(own):
        return contract
    origin = contract.inputs()[0]
    key = "reads" if contract.layer is Layer.GOLD else "source"
    if origin not in by_table:
        there = tuple(sorted(by_table))
        raise ContractError(contract.file, key, f"{origin} has no contract", allowed=there)
    if origin in path:
        raise ContractError(contract.file, key, f"{origin} is made from {table}, in a circle")
    parent = _inherit(by_table, origin, (*path, table))
    return replace(
        contract,
        population=contract.population or parent.population,
        purposes=contract.purposes or parent.purposes,
        retention_days=contract.retention_days or parent.retention_days,
    )
