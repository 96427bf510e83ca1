"""JSON lines: one object a line.

`[format_options]`: `inclusive_days` names timestamp columns in which a bare date means that the day
still belongs to the time: "to 2026-12-31" becomes the first moment of 2027, which no longer does.
Lists and objects become compact JSON text.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lakehouse.core.contract import ColumnDrift, DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.errors import UnreadableInput
from lakehouse.readers.casting import parse_day
from lakehouse.readers.input_files import FileRows, FoundRows, InputFile
from lakehouse.readers.json_values import Json, json_text, parse_json
from lakehouse.readers.line_files import read_lines
from lakehouse.readers.streamed_lines import stream_lines
from lakehouse.readers.whole_files import LINE_LIMIT

_Record = Mapping[str, str | None]


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the rows of one file; `received` counts its lines."""
    return read_lines(file, contract, json_form)


def stream(file: InputFile, contract: DatasetContract) -> FoundRows:
    """Return what `read` does, in parts where the file is too large to be held in memory."""
    return stream_lines(file, contract, json_form) if file.is_large else read(file, contract)


def json_form(contract: DatasetContract, _lines: Iterator[bytes]) -> "JsonForm":
    """Return how the lines of a file are read; there is no header."""
    naming = _naming(contract)
    return JsonForm(
        inclusive=inclusive_days(contract),
        exact=frozenset(column.source for column in contract.columns if column.name in naming),
        declared=frozenset(column.source for column in contract.columns),
        takes_more=contract.drift.added is not ColumnDrift.SET_ASIDE,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonForm:
    """How lines are read: keys with inclusive days, keys of identifiers, declared keys, more of them."""

    inclusive: Sequence[str]
    exact: Collection[str]
    declared: frozenset[str]
    takes_more: bool
    frame: bytes = b""

    def parse(self, raw: bytes) -> tuple[_Record | None, str]:
        """Return the cells of a line by key, or why there are none."""
        return _parse_line(raw, self.inclusive, self.exact)

    def names(self, records: Sequence[_Record]) -> Iterable[str]:
        """Return the keys of records, in the order in which they first stand."""
        return dict.fromkeys(key for record in records for key in record)

    def filled(self, records: Sequence[_Record]) -> Iterable[str]:
        """Return the keys that no contract declares and that hold anything."""
        return {
            key for record in records for key, cell in record.items() if cell and key not in self.declared
        }

    def cells(self, records: Sequence[_Record], names: Iterable[str]) -> Mapping[str, list[str | None]]:
        """Return the cells of records by key."""
        return {key: [record.get(key) for record in records] for key in names}

    def fault(self, names: Iterable[str]) -> str | None:
        """Return why a file with these keys is set aside, or None."""
        return None if self.takes_more or self.declared.issuperset(names) else "column_added"


def _naming(contract: DatasetContract) -> tuple[str, ...]:
    return () if contract.subject is None else (contract.subject.column, *contract.subject.own)


def inclusive_days(contract: DatasetContract) -> tuple[str, ...]:
    """Return the keys in which a bare date is the last day.

    Raises:
        ContractError: an option is not known or not of its form.
    """
    section = Section(contract.format_options, file=contract.file, place="format_options")
    keys = section.texts("inclusive_days")
    section.finish()
    return keys


def _parse_line(raw: bytes, inclusive: Sequence[str], exact: Collection[str]) -> tuple[_Record | None, str]:
    fault = "too_large" if len(raw) > LINE_LIMIT else "" if raw.strip() else "empty_line"
    if fault:
        return None, fault
    try:
        value = parse_json(raw.decode())
        record = {key: json_text(cell) for key, cell in value.items()} if isinstance(value, dict) else None
        "".join(record or ()).encode()
    except UnicodeError:
        return None, "bad_encoding"
    except UnreadableInput:
        return None, "invalid_json"
    if record is None or not isinstance(value, dict):
        return None, "invalid_json"
    if not all(_is_exact(value.get(key)) for key in exact):
        return None, "id_not_canonical"
    return record | {key: _day_after(record[key]) for key in inclusive if key in record}, ""


def _is_exact(value: Json) -> bool:
    """1e2 and 100.0 are one number: as identifiers they would make one person of two."""
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _day_after(text: str | None) -> str | None:
    """Return the day after a bare date; any other text, and the last day there is, as it came."""
    try:
        return (parse_day(text) + timedelta(days=1)).isoformat() if text else text
    except (ValueError, OverflowError):
        return text
