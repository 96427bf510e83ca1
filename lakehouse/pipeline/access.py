"""access: everything held on one person, opened for them (GDPR Art. 15; PROTOCOLS section 1).

Bronze, silver and both quarantines are read at the versions that the registry names, under every
alias of the person. Gold holds no rows of people; a release that counts them is named with its cells.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.adapters.bronze_rows import UNDECLARED
from lakehouse.adapters.quarantine_rows import QUARANTINE_SCHEMA, RAW, open_quarantined
from lakehouse.core.canonical import timestamp
from lakehouse.core.contract import SEALED, DatasetContract, Layer
from lakehouse.errors import Refused, WrongUse
from lakehouse.methods.unseal import open_column
from lakehouse.pipeline.site import Site

PERSONAL_LAYERS = (Layer.BRONZE, Layer.SILVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTable:
    """What one version of a table holds on the person: columns and rows of JSON values."""

    table: str
    version: int
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]

    def as_json(self) -> dict[str, object]:
        """Return the table's object in the person's file."""
        return {
            "table": self.table,
            "version": self.version,
            "columns": list(self.columns),
            "rows": self.rows,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldData:
    """Everything held on one person.

    `pseudonyms`: the person's names inside the site, the canonical one first. `identifiers`: values
    that are taken out of free text. `releases`: where the person is counted, with the cells.
    """

    written: str
    site: str
    system: str
    person: str
    pseudonyms: tuple[str, ...]
    identifiers: tuple[str, ...]
    tables: tuple[HeldTable, ...]
    releases: tuple[Mapping[str, object], ...]

    def as_json(self) -> dict[str, object]:
        """Return the document that is handed to the person."""
        return {
            "schema": "livinglab/access/v1",
            "written": self.written,
            "site": self.site,
            "person": {"system": self.system, "identifier": self.person},
            "pseudonyms": list(self.pseudonyms),
            "identifiers": list(self.identifiers),
            "tables": [table.as_json() for table in self.tables],
            "releases": [dict(release) for release in self.releases],
        }


def gather_access(site: Site, person: str, system: str) -> HeldData:
    """Return all that is held on a person, sealed values opened.

    Raises NotAllowed (role dpo), WrongUse (unknown id system), Refused (nothing is held), Damaged.
    """
    site.actor.require("access")
    pseudonyms = known_pseudonyms(site, person, system)
    keys = site.vault.subject_keys(pseudonyms, "seal")
    held = (_held_table(site, table, version, keys) for table, version in personal_tables(site))
    return HeldData(
        written=timestamp(site.clock()),
        site=site.home.origin,
        system=system,
        person=person,
        pseudonyms=pseudonyms,
        identifiers=site.vault.identifiers_of([pseudonyms[0]]).get(pseudonyms[0], ()),
        tables=tuple(table for table in held if table.rows),
        releases=tuple(_counted_in(site, frozenset(pseudonyms))),
    )


def known_pseudonyms(site: Site, person: str, system: str) -> tuple[str, ...]:
    """Return every pseudonym of a person, the canonical one first; whoever calls has checked the role.

    Raises WrongUse (no contract names the id system), Refused (nothing is held on the person).
    """
    require_id_system(site, system)
    pseudonym = site.vault.find_subject(system, person)
    if pseudonym is None:
        raise Refused(
            f"nothing is held on that person under the id system {system!r}",
            remedy="check the identifier: it must be written exactly as the source writes it",
            system=system,
        )
    return site.vault.aliases_of(pseudonym)


def personal_tables(site: Site) -> list[tuple[str, int]]:
    """Return (table, newest signed version) of every table that may hold rows of people."""
    with site.registry.reading() as tx:
        rows = tx.many("versions")
    newest: dict[str, int] = {}
    for row in rows:
        if row["table_name"].partition(".")[0] in PERSONAL_LAYERS:
            newest[row["table_name"]] = max(row["version"], newest.get(row["table_name"], 0))
    return sorted(newest.items())


def id_systems(site: Site) -> tuple[str, ...]:
    """Return the id systems that the contracts name."""
    named: set[str] = set()
    for contract in site.contracts:
        named |= {link.id_system for link in contract.linked_identifiers}
        if contract.subject is not None and contract.subject.system:
            named.add(contract.subject.system)
    return tuple(sorted(named))


def require_id_system(site: Site, system: str) -> None:
    """Raise WrongUse where no contract names the id system."""
    known = id_systems(site)
    if system not in known:
        raise WrongUse("no source uses that id system", remedy=f"id systems: {', '.join(known)}")


def _held_table(site: Site, table: str, version: int, keys: Mapping[str, bytes]) -> HeldTable:
    rows = site.lake.read_subjects(table, version, keys)
    if rows.schema.names == QUARANTINE_SCHEMA.names:
        rows = _open_quarantine(table, rows, keys)
    else:
        rows = _open_sealed(rows, keys, table, site.contracts.find(table))
    columns = [_json_values(rows.column(name)) for name in rows.column_names]
    return HeldTable(
        table=table,
        version=version,
        columns=tuple(rows.column_names),
        rows=[list(row) for row in zip(*columns, strict=True)],
    )


def _open_sealed(
    rows: pa.Table, keys: Mapping[str, bytes], table: str, contract: DatasetContract | None
) -> pa.Table:
    """Return the rows with each sealed column opened under its own name, in the type its contract gives."""
    for stored in [name for name in rows.column_names if name.endswith(SEALED)]:
        name = stored.removesuffix(SEALED)
        opened = open_column(rows, name, keys, table=table, by_row=_sealed_by_row(name, contract))
        rows = rows.set_column(rows.column_names.index(stored), name, _typed(opened, name, contract))
    return rows


def _typed(opened: pa.Array, name: str, contract: DatasetContract | None) -> pa.Array:
    """Return an opened column in its contract's type; as text where an earlier contract had another type."""
    declared = contract.column(name) if contract is not None else None
    if declared is None:
        return opened
    try:
        return opened.cast(ARROW_TYPES[declared.type])
    except pa.ArrowInvalid:
        return opened


def _sealed_by_row(name: str, contract: DatasetContract | None) -> bool:
    """Whether a column's blobs are bound to their row number: free text and undeclared columns."""
    declared = contract.column(name) if contract is not None else None
    return name == UNDECLARED or (declared is not None and declared.sealed_by_row)


def _open_quarantine(table: str, rows: pa.Table, keys: Mapping[str, bytes]) -> pa.Table:
    opened = [open_quarantined(table, row, keys[row["subject"]]) for row in rows.to_pylist()]
    return rows.set_column(rows.column_names.index(RAW), "raw", pa.array(opened, pa.string()))


def _json_values(column: pa.ChunkedArray) -> list[object]:
    """Return a column as JSON values: digests in hex, nested FHIR text as objects."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [None if value is None else value.hex() for value in column.to_pylist()]
    if pa.types.is_string(column.type):
        distinct = {value: _parsed(value) for value in column.unique().to_pylist()}
        return [distinct[value] for value in column.to_pylist()]
    return list(column.to_pylist())


def _parsed(text: str | None) -> object:
    """Return a text that is a JSON object or list as such, any other as it stands."""
    if text is None or not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _counted_in(site: Site, pseudonyms: frozenset[str]) -> list[dict[str, object]]:
    with site.registry.reading() as tx:
        releases = tx.many("releases", order="created_at")
    counted = []
    for release in releases:
        cells = site.vault.cells_of(release["release_id"])
        own = sorted(cell for cell, members in cells.items() if members & pseudonyms)
        if own:
            counted.append(
                {
                    "product": release["product"],
                    "state": release["state"],
                    "version": release["version"],
                    "cells": own,
                }
            )
    return counted
