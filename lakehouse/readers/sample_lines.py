"""Recordings of sensors: one sample a line, numbers in fixed columns, no header; what both formats share."""

from collections.abc import Sequence

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import ContractError
from lakehouse.readers.file_owner import without_constants
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.text_rows import Lines, build_rows, split_lines
from lakehouse.readers.whole_files import LINE_LIMIT, reject_file

SAMPLE = "sample"
"""The column that counts lines from 0."""


def require_columns(
    contract: DatasetContract, constants: Sequence[str], signals: Sequence[str], form: str
) -> None:
    """Raise ContractError where a contract leaves out a column of the format, or names one it lacks."""
    known = (*constants, SAMPLE, *signals)
    for source in {column.source for column in contract.columns} ^ {*known}:
        problem = "is not declared" if source in known else f"is not a column of {form}"
        raise ContractError(contract.file, f"column[{source}]", problem, allowed=known)


def read_samples(
    file: InputFile,
    contract: DatasetContract,
    data: bytes,
    *,
    constants: Sequence[str],
    signals: Sequence[str],
    delimiter: str | None,
) -> FileRows:
    """Return the samples line by line, what is no sample set aside; delimiter: None for any blanks.

    constants: columns that the file name says.
    """
    lines = Lines(file=file.number)
    records: list[list[str]] = []
    number = 0
    for number, raw in enumerate(split_lines(data), 1):
        fields = raw.decode("ascii", "replace").split(delimiter) if len(raw) <= LINE_LIMIT else []
        if len(raw) > LINE_LIMIT:
            lines.reject(number, raw, "too_large")
        elif not raw.strip():
            lines.reject(number, raw, "empty_line")
        elif len(fields) != len(signals):
            lines.reject(number, raw, "wrong_column_count")
        else:
            lines.keep(number, raw)
            records.append(fields)
        if lines.mostly_faults:
            return reject_file(file, contract, "unreadable_file")
    cells: dict[str, list[str | None]] = {
        name: [fields[position] for fields in records] for position, name in enumerate(signals)
    }
    cells[SAMPLE] = [str(number - 1) for number in lines.numbers]
    return build_rows(file, without_constants(contract, constants), lines, cells, received=number)
