"""Who stood in which cell of a release: one row a cell, its members as 16 bytes each, sorted and joined."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import Connection, select

from lakehouse.adapters.vault_schema import CELL_MEMBERS, PSEUDONYM_BYTES
from lakehouse.adapters.vault_seals import SealedRows
from lakehouse.errors import Damaged

DIGITS = 2 * PSEUDONYM_BYTES
PSEUDONYM = re.compile(f"[0-9a-f]{{{DIGITS}}}")


def pack_members(members: AbstractSet[str]) -> bytes:
    """Return the bytes of these pseudonyms, sorted; Damaged where one is not 32 hexadecimal digits."""
    others = [name for name in members if not (isinstance(name, str) and PSEUDONYM.fullmatch(name))]
    if others:
        raise Damaged(
            f"{len(others)} of {len(members)} members of a cell are not pseudonyms of {DIGITS} digits",
            remedy="livinglab fsck",
        )
    return bytes.fromhex("".join(sorted(members)))


def unpack_members(packed: bytes) -> frozenset[str]:
    """Return the pseudonyms that `pack_members` packed; Damaged for bytes of another length."""
    if len(packed) % PSEUDONYM_BYTES:
        raise Damaged(
            f"a cell in the vault has {len(packed)} bytes, {PSEUDONYM_BYTES} name a person",
            remedy="livinglab fsck",
        )
    digits = packed.hex()
    return frozenset(digits[start : start + DIGITS] for start in range(0, len(digits), DIGITS))


def read_cells(connection: Connection, release_id: str) -> dict[str, bytes]:
    """Return the packed members of each cell of a release."""
    chosen = select(CELL_MEMBERS.c.cell, CELL_MEMBERS.c.members).where(
        CELL_MEMBERS.c.release_id == release_id
    )
    return {cell: bytes(members) for cell, members in connection.execute(chosen)}


def replace_cells(rows: SealedRows, release_id: str, cells: Mapping[str, bytes]) -> None:
    """Let these be the cells of a release, and no others."""
    rows.drop(CELL_MEMBERS, CELL_MEMBERS.c.release_id == release_id)
    rows.add(CELL_MEMBERS, [(release_id, cell, members) for cell, members in cells.items()])
