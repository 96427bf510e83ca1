"""Daphnet Freezing of Gait: one recording a file, acceleration at ankle, thigh and trunk.

11 columns of whole numbers between blanks, without header, 64 samples a second: milliseconds, three axes each
of ankle, thigh and trunk in mg (a thousandth of standard gravity), annotation (0 not part of the experiment,
1 no freeze, 2 freeze). The file name says person and run: `S01R02.txt`.
Source: https://archive.ics.uci.edu/dataset/245/daphnet+freezing+of+gait
"""

import re
from collections.abc import Mapping

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import ContractError
from lakehouse.readers.file_owner import owned_by, without_constants
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.text_rows import Lines, build_rows, split_lines
from lakehouse.readers.whole_files import LINE_LIMIT, file_fault, reject_file

SIGNALS = (
    "time_ms",
    *(
        f"{place}_{axis}"
        for place in ("ankle", "thigh", "trunk")
        for axis in ("forward", "vertical", "lateral")
    ),
    "annotation",
)
CONSTANTS = ("person_id", "run")
SAMPLE = "sample"
_FILE_NAME = re.compile(r"(?P<person>S[0-9]{2})R(?P<run>[0-9]{2})\.txt", re.ASCII)


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the samples of one recording; `row` is the line, `sample` the line counted from 0.

    A file whose name is not that of a recording of a person in canonical form is set aside as a whole.
    """
    _require_columns(contract)
    said = _said_by_name(file.name, contract)
    if said is None:
        return reject_file(file, contract, "id_not_canonical")
    data = file.load()
    fault = file_fault(data)
    rows = reject_file(file, contract, fault) if fault else _read_lines(file, contract, data)
    return owned_by(rows, contract, identity=f"{said['person_id']}R{said['run']:02}", said=said)


def _require_columns(contract: DatasetContract) -> None:
    """The format has these columns and no others; a contract that leaves one out would lose it."""
    known = (*CONSTANTS, SAMPLE, *SIGNALS)
    for source in {column.source for column in contract.columns} ^ {*known}:
        problem = "is not declared" if source in known else "is not a column of daphnet"
        raise ContractError(contract.file, f"column[{source}]", problem, allowed=known)


def _said_by_name(name: str, contract: DatasetContract) -> Mapping[str, str | int] | None:
    found = _FILE_NAME.fullmatch(name)
    column = contract.column("person_id")
    if found is None or column is None or not re.fullmatch(column.id_pattern or ".+", found["person"]):
        return None
    return {"person_id": found["person"], "run": int(found["run"])}


def _read_lines(file: InputFile, contract: DatasetContract, data: bytes) -> FileRows:
    lines = Lines(file=file.number)
    records: list[list[str]] = []
    number = 0
    for number, raw in enumerate(split_lines(data), 1):
        fields = raw.decode("ascii", "replace").split() if len(raw) <= LINE_LIMIT else []
        if len(raw) > LINE_LIMIT:
            lines.reject(number, raw, "too_large")
        elif not raw.strip():
            lines.reject(number, raw, "empty_line")
        elif len(fields) != len(SIGNALS):
            lines.reject(number, raw, "wrong_column_count")
        else:
            lines.keep(number, raw)
            records.append(fields)
        if lines.mostly_faults:
            return reject_file(file, contract, "unreadable_file")
    cells: dict[str, list[str | None]] = {
        name: [fields[position] for fields in records] for position, name in enumerate(SIGNALS)
    }
    cells[SAMPLE] = [str(number - 1) for number in lines.numbers]
    return build_rows(file, without_constants(contract, CONSTANTS), lines, cells, received=number)
