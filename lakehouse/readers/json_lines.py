"""JSON lines: one object a line.

`[format_options]`: `moments` names columns whose text must be an ISO 8601 date or moment but is kept as
it was written, because "to 2026-12-31" includes that day and "to 2026-12-31T00:00:00Z" does not.
Lists and objects become compact JSON text.
"""

from collections.abc import Mapping, Sequence

from lakehouse.core.contract import DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.errors import UnreadableInput
from lakehouse.readers.casting import parse_moment
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.json_values import json_text, parse_json
from lakehouse.readers.text_rows import Lines, build_rows, split_lines
from lakehouse.readers.whole_files import BYTE_ORDER_MARK, file_fault, reject_file

_Record = Mapping[str, str | None]


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the rows of one file; `received` counts its lines."""
    moments = json_lines_moments(contract)
    data = file.load()
    fault = file_fault(data)
    if fault:
        return reject_file(file, contract, fault)
    raws = split_lines(data.removeprefix(BYTE_ORDER_MARK))
    lines = Lines(file=file.number)
    records: list[_Record] = []
    for number, raw in enumerate(raws, 1):
        record, reason = _parse_line(raw, moments)
        if record is None:
            lines.reject(number, raw, reason)
        else:
            lines.keep(number, raw)
            records.append(record)
    return build_rows(file, contract, lines, _by_key(records), received=len(raws))


def json_lines_moments(contract: DatasetContract) -> tuple[str, ...]:
    """Return the keys that hold a date or a moment as text.

    Raises:
        ContractError: an option is not known or not of its form.
    """
    section = Section(contract.format_options, file=contract.file, place="format_options")
    moments = section.texts("moments")
    section.finish()
    return moments


def _parse_line(raw: bytes, moments: Sequence[str]) -> tuple[_Record | None, str]:
    if not raw.strip():
        return None, "empty_line"
    try:
        value = parse_json(raw.decode())
        if not isinstance(value, dict):
            return None, "invalid_json"
        record = {key: json_text(cell) for key, cell in value.items()}
        "".join(record).encode()
        _check_moments(record, moments)
    except UnicodeError:
        return None, "bad_encoding"
    except UnreadableInput:
        return None, "invalid_json"
    except ValueError:
        return None, "not_a_date"
    return record, ""


def _check_moments(record: _Record, moments: Sequence[str]) -> None:
    for key in moments:
        text = record.get(key)
        if text is not None:
            parse_moment(text)


def _by_key(records: Sequence[_Record]) -> Mapping[str, list[str | None]]:
    keys = dict.fromkeys(key for record in records for key in record)
    return {key: [record.get(key) for record in records] for key in keys}
