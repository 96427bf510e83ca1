"""What a method gets and gives: arrays of one table, and the rows it had to refuse."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from lakehouse.adapters.person_secrets import PersonSecrets
    from lakehouse.adapters.presidio_detector import Detector


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodContext:
    """The table a column belongs to, and the people whose rows are handled: all of it, or a portion.

    subjects: pseudonyms (n), null where a row has none. rows: all input columns (n), opened.
    secrets: what gives these people's keys. identifiers: pseudonym -> the values that identify that person
    in any source. twofold: tells the keyed digests of files whose bytes came under several people, in the
    whole table.
    """

    table: str
    subjects: pa.Array
    rows: pa.Table
    secrets: "PersonSecrets"
    detector: "Detector"
    identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    twofold: Callable[[], AbstractSet[bytes]] = frozenset


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A handled column (n) and the rows it refuses: index -> reason code. Refused values are null.

    findings: how often personal data of each kind was found and replaced.
    """

    values: pa.Array
    rejected: Mapping[int, str] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformed:
    """The rows of a silver table before its columns are handled.

    rows: with `input_rows` (int64) where a row rests on several input rows. rejected: (index of the
    input row, reason code, column or None) of each row set aside. So received = `passed` + number of
    rejected, and a transform that reads one kind of resource out of many counts only that kind.
    """

    rows: pa.Table
    rejected: tuple[tuple[int, str, str | None], ...] = ()

    @property
    def passed(self) -> int:
        """How many input rows `rows` rests on."""
        if "input_rows" not in self.rows.column_names:
            return len(self.rows)
        return int(pc.sum(self.rows.column("input_rows")).as_py() or 0)
