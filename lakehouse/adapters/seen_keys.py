"""Which keys stood before, among tens of millions, in little memory: sorted runs instead of a set.

A run is merged with an equal one, so a key is moved a few times only and a look-up asks a few runs.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DIGEST_BYTES = 16
_SECRET = secrets.token_bytes(16)
"""Digests are kept in this process only; under its own key nobody can make two values meet."""


class SeenKeys:
    """Keys (fixed width bytes) as they come; about their own size in memory."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def repeated(self, keys: np.ndarray) -> np.ndarray:
        """Take keys (n); return a mask (n): True where the key stood before, here or in an earlier call."""
        known, first = np.unique(keys, return_index=True)
        again = np.ones(len(keys), dtype=bool)
        again[first] = False
        for run in self._runs:
            again |= _among(keys, run)
        self._keep(known)
        return again

    def _keep(self, run: np.ndarray) -> None:
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        if len(run):
            self._runs.append(run)


def _among(keys: np.ndarray, run: np.ndarray) -> np.ndarray:
    places = np.minimum(np.searchsorted(run, keys), len(run) - 1)
    return run[places] == keys  # type: ignore[no-any-return]


def short_digests(values: Iterable[bytes]) -> np.ndarray:
    """Return a digest of 16 bytes of each value (n), under a key that ends with this process."""
    made = [hashlib.blake2b(value, digest_size=DIGEST_BYTES, key=_SECRET).digest() for value in values]
    return np.frombuffer(b"".join(made), dtype=f"S{DIGEST_BYTES}")


def pseudonym_keys(pseudonyms: Iterable[str]) -> np.ndarray:
    """Return the 16 bytes of each pseudonym (n)."""
    return np.frombuffer(bytes.fromhex("".join(pseudonyms)), dtype=f"S{DIGEST_BYTES}")


def row_keys(rows: pa.Table, names: Sequence[str]) -> np.ndarray:
    """Return one key a row (n): equal where all the named columns are equal, null as a value of its own."""
    parts = [_column_bytes(rows.column(name)) for name in names]
    width = sum(part.shape[1] for part in parts)
    return np.ascontiguousarray(np.concatenate(parts, axis=1)).view(f"S{width}").ravel()


def _column_bytes(values: pa.ChunkedArray) -> np.ndarray:
    """Return bytes (n, width) of a column: each distinct value is digested once."""
    column = values.combine_chunks()
    if pa.types.is_integer(column.type) and not column.null_count:
        return column.cast(pa.int64()).to_numpy().view(np.uint8).reshape(len(column), 8)  # type: ignore[no-any-return]
    encoded = column.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    texts = [repr(value).encode() for value in encoded.dictionary.to_pylist()]
    digests = short_digests([*texts, b"null"]).view(np.uint8).reshape(-1, DIGEST_BYTES)
    codes = pc.fill_null(encoded.indices, len(texts)).to_numpy(zero_copy_only=False)
    return digests[codes]  # type: ignore[no-any-return]
