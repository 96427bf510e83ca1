"""Which rows are equal in some columns, found without a Python object a row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_LARGEST = int(np.iinfo(np.int64).max)


def group_numbers(columns: Sequence[pa.Array]) -> np.ndarray:
    """Return a number a row (n) that is the same where all columns are equal; null is a value of its own."""
    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        encoded = column.dictionary_encode()
        null = len(encoded.dictionary)
        if len(numbers) and int(numbers.max()) > _LARGEST // (null + 1) - 1:
            numbers = np.unique(numbers, return_inverse=True)[1]
        numbers = numbers * (null + 1) + pc.fill_null(encoded.indices, null).to_numpy()
    return numbers


def distinct_rows(columns: Sequence[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row (m) of each group that `group_numbers` makes, and each row's group (n)."""
    _, first, groups = np.unique(group_numbers(columns), return_index=True, return_inverse=True)
    return first, groups
