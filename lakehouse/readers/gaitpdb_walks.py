"""PhysioNet "Gait in Parkinson's Disease": one walk a file, force under both feet.

19 tab-separated columns without header, 100 samples a second: time in seconds, eight sensors under the
left foot, eight under the right, the sum of each foot; force in newton. The file name says study, group,
person and walk: `GaPt03_01.txt`.
Source: https://physionet.org/content/gaitpdb/1.0.0/ (format.txt)
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from lakehouse.core.contract import Column, DatasetContract
from lakehouse.readers.casting import limit_failures, without_negative_zero
from lakehouse.readers.file_owner import owned_by
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.row_order import changed_unit, out_of_order
from lakehouse.readers.sample_lines import SAMPLE, read_samples, require_columns
from lakehouse.readers.whole_files import file_fault, reject_file

SIGNALS = (
    "time_s",
    *(f"l{sensor}" for sensor in range(1, 9)),
    *(f"r{sensor}" for sensor in range(1, 9)),
    "force_left",
    "force_right",
)
CONSTANTS = ("person_id", "study", "group", "walk")
_FILE_NAME = re.compile(r"((?P<study>[A-Za-z]+?)(?P<group>Co|Pt)[0-9]+)_(?P<walk>[0-9]{2})\.txt", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkName:
    """What the name of a walk says."""

    person_id: str
    study: str
    group: str
    walk: int

    @property
    def identity(self) -> str:
        """The canonical name of the walk: `GaPt03_01`."""
        return f"{self.person_id}_{self.walk:02}"


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the samples of one walk; `row` is the line, `sample` the line counted from 0.

    A file whose name is not that of a walk of a person in canonical form is set aside as a whole.
    """
    columns = _signal_columns(contract)
    name, frame = parse_walk_name(file.name, contract), file.name.encode("utf-8", "surrogateescape")
    if name is None:
        return replace(reject_file(file, contract, "id_not_canonical"), frame=frame)
    data = file.load()
    fault = file_fault(data)
    if fault:
        return replace(_of_person(reject_file(file, contract, fault), name, contract), frame=frame)
    rows = _read_clean(file, contract, data, columns) or read_samples(
        file, contract, data, constants=CONSTANTS, signals=SIGNALS, delimiter="\t"
    )
    return replace(_of_person(rows, name, contract), frame=frame)


def parse_walk_name(name: str, contract: DatasetContract) -> WalkName | None:
    """Return what a file name says, None where it is not in canonical form."""
    found = _FILE_NAME.fullmatch(name)
    column = contract.column("person_id")
    if found is None or column is None or not re.fullmatch(column.id_pattern or ".+", found[1]):
        return None
    return WalkName(person_id=found[1], study=found["study"], group=found["group"], walk=int(found["walk"]))


def _signal_columns(contract: DatasetContract) -> Mapping[str, Column]:
    require_columns(contract, CONSTANTS, SIGNALS, "gaitpdb_walks")
    by_source = {column.source: column for column in contract.columns}
    return {source: by_source[source] for source in SIGNALS}


def _read_clean(
    file: InputFile, contract: DatasetContract, data: bytes, columns: Mapping[str, Column]
) -> FileRows | None:
    """Return all rows in one go where every line is sound, else None."""
    if data.count(b"\t") < data.count(b"\n") * (len(SIGNALS) - 1):
        return None
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(column_names=SIGNALS, use_threads=False, block_size=max(len(data), 1)),
            csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(column_types=dict.fromkeys(SIGNALS, pa.float64()), null_values=[]),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None
    if not all(_is_sound(table[source].chunk(0), column) for source, column in columns.items()):
        return None
    own = {column.name: table[source].chunk(0) for source, column in columns.items()}
    if out_of_order(own, contract) or changed_unit(own, contract):
        return None
    return _rows(file, contract, data, table)


def _is_sound(values: pa.Array, column: Column) -> bool:
    return bool(pc.all(pc.is_finite(values)).as_py()) and not limit_failures(values, column)


def _rows(file: InputFile, contract: DatasetContract, data: bytes, table: pa.Table) -> FileRows:
    numbers = pa.array(range(1, len(table) + 1), pa.int64())
    by_source = {SAMPLE: pc.subtract(numbers, 1), **{n: without_negative_zero(table[n]) for n in SIGNALS}}
    columns = {c.name: by_source[c.source] for c in contract.columns if c.source in by_source}
    return FileRows(
        file=file.number,
        digest=hashlib.sha256(data).digest(),
        identity="",
        rows=pa.table({"row": numbers, **columns}),
        rejected=(),
        received=len(table),
    )


def _of_person(rows: FileRows, name: WalkName, contract: DatasetContract) -> FileRows:
    """Say whose walk it is, on the file and on every row set aside."""
    said: dict[str, str | int] = {
        "person_id": name.person_id,
        "study": name.study,
        "group": name.group,
        "walk": name.walk,
    }
    return owned_by(rows, contract, identity=name.identity, said=said)
