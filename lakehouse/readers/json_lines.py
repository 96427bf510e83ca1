"""JSON lines: one object a line.

`[format_options]`: `inclusive_days` names timestamp columns in which a bare date means that the day
still belongs to the time: "to 2026-12-31" becomes the first moment of 2027, which no longer does.
Lists and objects become compact JSON text.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from lakehouse.core.contract import ColumnDrift, DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.errors import UnreadableInput
from lakehouse.readers.casting import parse_day
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.json_values import Json, json_text, parse_json
from lakehouse.readers.text_rows import Lines, build_rows, split_lines
from lakehouse.readers.whole_files import BYTE_ORDER_MARK, LINE_LIMIT, file_fault, reject_file

_Record = Mapping[str, str | None]


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the rows of one file; `received` counts its lines."""
    inclusive = inclusive_days(contract)
    data = file.load()
    fault = file_fault(data)
    if fault:
        return reject_file(file, contract, fault)
    exact = frozenset(column.source for column in contract.columns if column.name in _naming(contract))
    lines = Lines(file=file.number)
    records: list[_Record] = []
    number = 0
    for number, raw in enumerate(split_lines(data.removeprefix(BYTE_ORDER_MARK)), 1):
        record, reason = _parse_line(raw, inclusive, exact)
        if record is None:
            lines.reject(number, raw, reason)
        else:
            lines.keep(number, raw)
            records.append(record)
        if lines.mostly_faults:
            return reject_file(file, contract, "unreadable_file")
    cells = _by_key(records)
    declared = {column.source for column in contract.columns}
    if contract.drift.added is ColumnDrift.SET_ASIDE and not declared.issuperset(cells):
        return reject_file(file, contract, "column_added")
    return build_rows(file, contract, lines, cells, received=number)


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


def _by_key(records: Sequence[_Record]) -> Mapping[str, list[str | None]]:
    keys = dict.fromkeys(key for record in records for key in record)
    return {key: [record.get(key) for record in records] for key in keys}
