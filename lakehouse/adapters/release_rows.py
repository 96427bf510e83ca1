"""Rows of people on their way to a gold product (PyArrow).

Input is what a product's SQL gives: `subject` (canonical pseudonym) and the columns it names. Output
has no pseudonym and stands in the order of its own values, so nothing depends on how rows arrived.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.utility import Utility
from lakehouse.errors import ContractError

SUBJECT = "subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRows:
    """Rows as they may leave. cells: people behind each released combination of labels.

    suppressed: rows (people) or cells (counts) left out of `total`; levels: the level each
    quasi-identifier was generalised to, None where it was recoded locally; loss: see core.utility, None
    for counts; dominance: the largest share of a cell's weight that one person has; utility: what
    people's rows keep, None for counts.
    """

    rows: pa.Table
    cells: Mapping[str, frozenset[str]]
    suppressed: int
    total: int
    levels: tuple[int | None, ...]
    loss: Fraction | None = None
    dominance: Fraction | None = None
    utility: Utility | None = None


def use_people(portions: Iterable[pa.Table], people: Mapping[str, str]) -> Iterator[pa.Table]:
    """Yield the rows of these people only. people: pseudonym in the rows -> canonical pseudonym."""
    held = pa.array(list(people), pa.string())
    canonical = pa.array(list(people.values()), pa.string())
    for rows in portions:
        places = pc.index_in(rows.column(SUBJECT), value_set=held)
        names = canonical.take(pc.drop_null(places).combine_chunks())
        kept = rows.filter(pc.is_valid(places))
        yield kept.set_column(rows.column_names.index(SUBJECT), SUBJECT, names)


def order_rows(rows: pa.Table, released: Sequence[str], file: str) -> pa.Table:
    """Return exactly the released columns, rows in the order of their values."""
    require_columns(rows, released, file)
    return rows.select(list(released)).sort_by([(name, "ascending") for name in released])


def require_columns(rows: pa.Table, names: Iterable[str], file: str) -> None:
    """Raise ContractError where the SQL lacks one of these columns."""
    missing = [name for name in names if name not in rows.column_names]
    if missing:
        raise ContractError(file, "sql", f"lacks {', '.join(missing)}", allowed=tuple(rows.column_names))


def text_values(rows: pa.Table) -> dict[str, list[str]]:
    """Return the distinct texts of each text column."""
    return {
        field.name: pc.drop_null(rows.column(field.name).unique()).to_pylist()
        for field in rows.schema
        if pa.types.is_string(field.type)
    }


def cell_name(labels: Iterable[object]) -> str:
    """Return the name under which the vault keeps a cell."""
    return json.dumps([None if label is None else str(label) for label in labels], ensure_ascii=False)
