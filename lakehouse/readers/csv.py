"""Delimited text: a record a line.

`[format_options]`: delimiter (default `,`), header (default true; without it the columns stand in the
contract's order), encoding (default utf-8), quote (default `"`, "" for none). A quoted field does not
run over the end of a line: one unclosed quote would swallow the rows behind it.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.core.contract import DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.readers.casting import Failure
from lakehouse.readers.column_drift import column_drift
from lakehouse.readers.input_files import FileRows, FoundRows, InputFile
from lakehouse.readers.line_files import read_lines
from lakehouse.readers.streamed_lines import stream_lines
from lakehouse.readers.whole_files import COLUMN_LIMIT, LINE_LIMIT

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
    return read_lines(file, contract, csv_form)


def stream(file: InputFile, contract: DatasetContract) -> FoundRows:
    """Return what `read` does, in parts where the file is too large to be held in memory."""
    return stream_lines(file, contract, csv_form) if file.is_large else read(file, contract)


def csv_form(contract: DatasetContract, lines: Iterator[bytes]) -> "CsvForm | Failure":
    """Return how the lines of a file are read, its header taken from them, or why it is set aside."""
    options = csv_options(contract)
    declared = [column.source for column in contract.columns]
    if not options.header:
        return _form(options, declared, declared)
    first = next(lines, b"")
    if len(first) > HEADER_LIMIT:
        return Failure(reason="too_large", column="")
    header = _fields(first, options)
    if header is None:
        return Failure(reason="bad_encoding", column="")
    if len(header) > COLUMN_LIMIT:
        return Failure(reason="too_many_columns", column="")
    if drift := column_drift([field.strip() for field in header], contract):
        return drift
    return _form(options, column_names(header), declared, frame=first)


def _form(
    options: CsvOptions, columns: Sequence[str], declared: Iterable[str], frame: bytes = b""
) -> "CsvForm":
    required = max((place for place, name in enumerate(columns, 1) if name), default=0)
    labels = [name or f"column {place}" for place, name in enumerate(columns, 1)]
    places = {name: place for place, name in enumerate(labels)}
    return CsvForm(
        options=options, places=places, width=len(columns), required=required,
        declared=frozenset(declared), frame=frame,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvForm:
    """How the lines of one file are read.

    places: where the columns stand in a line, by name; those without one are counted. width: how many there
    are. required: how many fields a line must have. declared: the columns that the contract names.
    """

    options: CsvOptions
    places: Mapping[str, int]
    width: int
    required: int
    declared: frozenset[str]
    frame: bytes = b""

    def parse(self, raw: bytes) -> tuple[_Fields | None, str]:
        """Return the fields of a line, or why there are none."""
        if len(raw) > LINE_LIMIT:
            return None, "too_large"
        fields = _fields(raw, self.options)
        if fields is None:
            return None, "bad_encoding"
        if reason := _line_fault(fields, self.required, self.width):
            return None, reason
        return fields[: self.width], ""

    def names(self, _records: Sequence[_Fields]) -> Iterable[str]:
        """Return the names of the columns, whatever the lines hold."""
        return self.places

    def filled(self, records: Sequence[_Fields]) -> Iterable[str]:
        """Return the columns that no contract declares and that hold anything; looks at no cell twice."""
        waiting = {place: name for name, place in self.places.items() if name not in self.declared}
        found: list[str] = []
        for fields in records if waiting else ():
            for place in list(waiting) if len(waiting) < len(fields) else range(len(fields)):
                if place in waiting and _field(fields, place):
                    found.append(waiting.pop(place))
        return found

    def cells(self, records: Sequence[_Fields], names: Iterable[str]) -> Mapping[str, list[str | None]]:
        """Return the fields of lines by column; a line may be shorter than the header."""
        places = {name: self.places[name] for name in names if name in self.places}
        return {
            name: [fields[place] for fields in records]
            if place < self.required
            else [_field(fields, place) for fields in records]
            for name, place in places.items()
        }

    def fault(self, _names: Iterable[str]) -> str | None:
        """The header was looked at before the first line."""
        return None


def _fields(raw: bytes, options: CsvOptions) -> _Fields | None:
    """Return the fields of a line, those past COLUMN_LIMIT as one; None where its bytes are no text."""
    text = _decoded(raw, options.encoding)
    if text is None:
        return None
    if not options.quote or options.quote not in text:
        return text.split(options.delimiter, COLUMN_LIMIT)
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


def _line_fault(fields: _Fields, required: int, width: int) -> str | None:
    """Columns without a name may be missing at the end of a line, and empty ones may be added."""
    if len(fields) > COLUMN_LIMIT:
        return "wrong_column_count"
    if fields and not "".join(fields).strip():
        return "empty_line"
    return "wrong_column_count" if len(fields) < required or any(fields[width:]) else None


def column_names(header: _Fields) -> list[str]:
    """Return the names of a header; "" where there is none, a number behind a name that repeats."""
    names: list[str] = []
    for position, field in enumerate(header, 1):
        name = field.strip()
        names.append(f"{name} ({position})" if name and name in names else name)
    return names


def _field(fields: _Fields, position: int) -> str:
    return fields[position] if position < len(fields) else ""
