"""What a method gets and gives: arrays of one table, and the rows it had to refuse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from lakehouse.adapters.presidio_detector import Detector
    from lakehouse.adapters.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodContext:
    """The table a column belongs to.

    subjects: pseudonyms (n), null where a row has none. rows: all input columns (n), opened.
    identifiers: pseudonym -> the values that identify that person in any source.
    """

    table: str
    subjects: pa.Array
    rows: pa.Table
    vault: "Vault"
    detector: "Detector"
    identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A handled column (n) and the rows it refuses: index -> reason code. Refused values are null."""

    values: pa.Array
    rejected: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformed:
    """The rows of a silver table before its columns are handled.

    rejected: (index of the input row, reason code, column or None) of each row set aside.
    input_rows: how many input rows each row of `rows` rests on; None where that is one each. So
    received = sum of `input_rows` + number of rejected, and a transform that reads one kind of
    resource out of many counts only that kind.
    """

    rows: pa.Table
    rejected: tuple[tuple[int, str, str | None], ...] = ()
    input_rows: tuple[int, ...] | None = None
