"""Seal values under their subject's key (AES-256-GCM, PROTOCOLS section 1), and open them again.

Associated data = suite, table, column, pseudonym, batch, and the row number for free text: a blob
that is moved to another person, table, column or batch does not open.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.adapters.key_tree import Cell, frame_parts, open_bytes, seal_bytes, seal_cells
from lakehouse.adapters.row_groups import distinct_rows
from lakehouse.errors import Damaged


class CellCipher:
    """Seals and opens columns of some rows of one table, each cell under its row's subject.

    subjects: pseudonyms (n), null where a row has none. batches: batch numbers (n). keys: pseudonym ->
    32-byte `seal` key. Ciphers are made once for all columns and take 2.4 KiB a person: hold it for some
    ten thousand rows at a time.
    """

    def __init__(
        self, subjects: pa.Array, batches: pa.Array, keys: Mapping[str, bytes], *, table: str
    ) -> None:
        self._table = table
        first, self._owners = distinct_rows([subjects, batches])
        people, numbers = (column.take(pa.array(first)) for column in (subjects, batches))
        self._ciphers = {
            owner: AESGCM(keys[name]) for owner, name in enumerate(people.to_pylist()) if name in keys
        }
        self._places = pc.binary_join_element_wise(_framed(people), _framed(numbers), b"")

    def seal(self, column: str, values: pa.Array, rows: pa.Array | None = None) -> pa.Array:
        """Return binary (n): texts (n), sealed; nulls stay null.

        rows: row numbers (n), given for free text. Equal values of one subject get one blob unless `rows`
        is given. A value without a subject or key is Damaged: nothing is dropped silently.
        """
        chosen, taken = self._distinct(values, rows)
        cells = self._cells(column, values.cast(pa.binary()), rows, chosen)
        return pa.array(seal_cells(list(cells)), pa.binary()).take(taken)

    def open(self, column: str, blobs: pa.Array, rows: pa.Array | None = None) -> pa.Array:
        """Return text (n): what `seal` made, opened.

        Raises Damaged for a blob of another person, table, column, batch, row or suite.
        """
        chosen, taken = self._distinct(blobs, rows)
        cells = self._cells(column, blobs, rows, chosen)
        texts = [open_bytes(cipher, blob, place) for cipher, place, blob in cells]
        return pa.array(texts, pa.string()).take(taken)

    def _distinct(self, values: pa.Array, rows: pa.Array | None) -> tuple[np.ndarray, pa.Array]:
        """Return which cells (m) are sealed or opened, and the one of them that each row (n) takes."""
        missing = values.is_null().to_numpy(zero_copy_only=False)
        chosen = np.flatnonzero(~missing)
        groups = np.arange(len(chosen))
        if rows is None and len(self._places) < len(self._owners):
            first, groups = distinct_rows([pa.array(self._owners[chosen]), values.take(pa.array(chosen))])
            chosen = chosen[first]
        taken = np.zeros(len(values), dtype=np.int64)
        taken[~missing] = groups
        return chosen, pa.array(taken, mask=missing)

    def _cells(
        self, column: str, values: pa.Array, rows: pa.Array | None, chosen: np.ndarray
    ) -> Iterator[Cell]:
        """Return cipher, associated data and value of the chosen cells."""
        owners = self._owners[chosen]
        if not self._ciphers.keys() >= set(owners.tolist()):
            raise Damaged("a value to seal or open has no subject key", remedy="livinglab fsck")
        indexes = pa.array(chosen)
        own = [] if rows is None else [_framed(rows.take(indexes))]
        head = pa.scalar(frame_parts(self._table, column))
        framed = self._places.take(pa.array(owners))
        places = pc.binary_join_element_wise(head, framed, *own, b"").to_pylist()
        ciphers = (self._ciphers[owner] for owner in owners.tolist())
        return zip(ciphers, places, values.take(indexes).to_pylist(), strict=True)


def seal_constant(value: str, subject: str, key: bytes, *, table: str, column: str, batch: int) -> bytes:
    """Seal one value that is constant in a file, once for the file, as `CellCipher` would."""
    return seal_bytes(AESGCM(key), value.encode(), frame_parts(table, column, subject, str(batch)))


def _framed(values: pa.Array) -> pa.Array:
    """Return `frame_parts` of each value as text (n); a null is framed as an empty text."""
    texts = pc.fill_null(values.cast(pa.string()), "").cast(pa.binary())
    lengths = pc.binary_length(texts).to_numpy().astype(">u4")
    counts = pa.Array.from_buffers(pa.binary(4), len(texts), [None, pa.py_buffer(lengths)])
    return pc.binary_join_element_wise(counts.cast(pa.binary()), texts, b"")
