"""Delimited text: a record a line.

`[format_options]`: delimiter (default `,`), header (default true; without it the columns stand in the
contract's order), encoding (default utf-8), quote (default `"`, "" for none). A quoted field does not
run over the end of a line: one unclosed quote would swallow the rows behind it.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lakehouse.core.contract import DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.readers.column_drift import column_drift
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.text_rows import Lines, build_rows, split_lines
from lakehouse.readers.whole_files import BYTE_ORDER_MARK, LINE_LIMIT, file_fault, reject_file

_Fields = list[str]
HEADER_LIMIT = 2**20
_ASCII = bytes(byte for byte in range(128) if byte != 0x1B)
_UTF_8 = ("utf-8", "utf8", "utf_8")
_C1_CONTROL = re.compile("[\x80-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """`[format_options]` of a contract with `format = "csv"`."""

    delimiter: str
    header: bool
    encoding: str
    quote: str


def csv_options(contract: DatasetContract) -> CsvOptions:
    """Return the options of a contract.

    Raises:
        ContractError: an option is not known or not of its form.
    """
    section = Section(contract.format_options, file=contract.file, place="format_options")
    options = CsvOptions(
        delimiter=section.text("delimiter", ","),
        header=section.flag("header", default=True),
        encoding=section.text("encoding", "utf-8"),
        quote=section.text("quote", '"'),
    )
    section.finish()
    if len(options.delimiter) != 1 or len(options.quote) > 1:
        raise section.error("delimiter", "delimiter and quote are one character each")
    if not _keeps_ascii(options.encoding):
        raise section.error("encoding", "is not an encoding that Python knows and that holds ASCII as it is")
    return options


def _keeps_ascii(encoding: str) -> bool:
    """Lines are split as bytes, so an encoding must write each ASCII character as its byte."""
    try:
        return _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except (LookupError, ValueError):
        return False


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the rows of one file; `received` counts the lines after the header."""
    options = csv_options(contract)
    data = file.load().removeprefix(BYTE_ORDER_MARK)
    fault = file_fault(data)
    if fault:
        return reject_file(file, contract, fault)
    lines = split_lines(data)
    names = [column.source for column in contract.columns]
    if options.header:
        first = next(lines)
        if len(first) > HEADER_LIMIT:
            return reject_file(file, contract, "too_large")
        header = _fields(first, options)
        if header is None:
            return reject_file(file, contract, "bad_encoding")
        names = [field.strip() for field in header]
        if drift := column_drift(names, contract):
            return reject_file(file, contract, drift.reason, drift.column or None)
        names = column_names(header)
        return replace(_rows(file, contract, options, names, lines), frame=first)
    return _rows(file, contract, options, names, lines)


def _rows(
    file: InputFile,
    contract: DatasetContract,
    options: CsvOptions,
    names: Sequence[str],
    raws: Iterable[bytes],
) -> FileRows:
    lines = Lines(file=file.number)
    records: list[_Fields] = []
    required = max((place for place, name in enumerate(names, 1) if name), default=0)
    number = 0
    for number, raw in enumerate(raws, 1):
        fields = _fields(raw, options) if len(raw) <= LINE_LIMIT else None
        reason = "too_large" if len(raw) > LINE_LIMIT else _line_fault(fields, required, len(names))
        if reason or fields is None:
            lines.reject(number, raw, reason or "bad_encoding")
        else:
            lines.keep(number, raw)
            records.append(fields)
        if lines.mostly_faults:
            return reject_file(file, contract, "unreadable_file")
    return build_rows(file, contract, lines, _by_column(records, names), received=number)


def _fields(raw: bytes, options: CsvOptions) -> _Fields | None:
    """Return the fields of a line, None where its bytes are no text in the encoding."""
    text = _decoded(raw, options.encoding)
    if text is None:
        return None
    if not options.quote or options.quote not in text:
        return text.split(options.delimiter)
    try:
        rows = list(csv.reader([text], delimiter=options.delimiter, quotechar=options.quote, strict=True))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def _decoded(raw: bytes, encoding: str) -> str | None:
    """Return the text that the bytes are, None where they are none or were written in another encoding.

    A single-byte encoding reads any bytes. What is UTF-8, what gives control characters (cp1252 read as
    Latin-1) and what does not come back byte for byte was written in another one.
    """
    try:
        text = raw.decode(encoding)
        if raw.isascii() or encoding.lower() in _UTF_8:
            return text
        if _C1_CONTROL.search(text) or text.encode(encoding) != raw:
            return None
    except ValueError:
        return None
    return None if _is_utf_8(raw) else text


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _line_fault(fields: _Fields | None, required: int, width: int) -> str | None:
    """Columns without a name may be missing at the end of a line, and empty ones may be added."""
    if fields is None:
        return "bad_encoding"
    if fields and not any(field.strip() for field in fields):
        return "empty_line"
    return "wrong_column_count" if len(fields) < required or any(fields[width:]) else None


def column_names(header: _Fields) -> list[str]:
    """Return the names of a header; "" where there is none, a number behind a name that repeats."""
    names: list[str] = []
    for position, field in enumerate(header, 1):
        name = field.strip()
        names.append(f"{name} ({position})" if name and name in names else name)
    return names


def _by_column(records: Sequence[_Fields], names: Sequence[str]) -> Mapping[str, list[str | None]]:
    return {
        name or f"column {position + 1}": [_field(fields, position) for fields in records]
        for position, name in enumerate(names)
    }


def _field(fields: _Fields, position: int) -> str:
    return fields[position] if position < len(fields) else ""
