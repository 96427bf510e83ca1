"""Daphnet Freezing of Gait: one recording a file, acceleration at ankle, thigh and trunk.

11 columns of whole numbers between blanks, without header, 64 samples a second: milliseconds, three axes each
of ankle, thigh and trunk in mg (a thousandth of standard gravity), annotation (0 not part of the experiment,
1 no freeze, 2 freeze). The file name says person and run: `S01R02.txt`.
Source: https://archive.ics.uci.edu/dataset/245/daphnet+freezing+of+gait
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.file_owner import owned_by
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.sample_lines import read_samples, require_columns
from lakehouse.readers.whole_files import file_fault, reject_file

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
_FILE_NAME = re.compile(r"(?P<person>S[0-9]{2})R(?P<run>[0-9]{2})\.txt", re.ASCII)


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the samples of one recording; `row` is the line, `sample` the line counted from 0.

    A file whose name is not that of a recording of a person in canonical form is set aside as a whole.
    """
    require_columns(contract, CONSTANTS, SIGNALS, "daphnet")
    said, frame = _said_by_name(file.name, contract), file.name.encode("utf-8", "surrogateescape")
    if said is None:
        return replace(reject_file(file, contract, "id_not_canonical"), frame=frame)
    data = file.load()
    fault = file_fault(data)
    if fault:
        rows = reject_file(file, contract, fault)
    else:
        rows = read_samples(file, contract, data, constants=CONSTANTS, signals=SIGNALS, delimiter=None)
    owned = owned_by(rows, contract, identity=f"{said['person_id']}R{said['run']:02}", said=said)
    return replace(owned, frame=frame)


def _said_by_name(name: str, contract: DatasetContract) -> Mapping[str, str | int] | None:
    found = _FILE_NAME.fullmatch(name)
    column = contract.column("person_id")
    if found is None or column is None or not re.fullmatch(column.id_pattern or ".+", found["person"]):
        return None
    return {"person_id": found["person"], "run": int(found["run"])}
