"""From 100 Hz samples of many walks to one row a walk (`gait_measures`).

`[transform_options]` names the columns: time, left_force, right_force, left_sensors, right_sensors.
A walk whose file is byte for byte the file of another person's walk is set aside, and so is the
other: it cannot be both's (`same_bytes_two_people`). A walk without enough steady strides is set aside
as `too_few_strides`. Both count all samples of the walk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import ContractError
from lakehouse.methods.context import MethodContext, Transformed
from lakehouse.methods.gait_measures import MEASURE_NAMES, Walk, measure_walk
from lakehouse.methods.gait_strides import Floats, Samples

WALK_KEYS = ("subject", "batch", "file", "walk")
SAMPLE_ORDER = ("batch", "file", "row")
CARRIED = ("subject", "batch", "file", "row", "study", "group", "walk")
"""Columns of a walk's first sample that its row keeps; `study_walk` (`Ga_01`) is made of two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalColumns:
    """Where the contract says that the signal stands."""

    time: str
    forces: tuple[str, str]
    sensors: tuple[tuple[str, ...], tuple[str, ...]]


def transform(rows: pa.Table, contract: DatasetContract, context: MethodContext) -> Transformed:
    """Return one row a walk; rows: samples of bronze in any order of walks."""
    columns = _signal_columns(contract, rows)
    rows, places = _in_sample_order(rows)
    spans = _walk_spans(rows)
    twofold_files = context.twofold()
    digests = rows.column("file_hmac").take(pa.array([start for start, _ in spans], pa.int64())).to_pylist()
    kept: list[int] = []
    measured: list[Mapping[str, float]] = []
    rejected: list[tuple[int, str, str | None]] = []
    for number, (start, length) in enumerate(spans):
        twofold = digests[number] in twofold_files
        reason = "same_bytes_two_people" if twofold else "too_few_strides"
        measures = None if twofold else measure_walk(_walk(rows.slice(start, length), columns))
        if measures is None:
            rejected.extend((place, reason, None) for place in places[start : start + length].tolist())
        else:
            kept.append(number)
            measured.append(measures)
    walks = _walk_rows(rows, [spans[number][0] for number in kept], measured)
    lengths = pa.array([spans[number][1] for number in kept], pa.int64())
    return Transformed(rows=walks.append_column("input_rows", lengths), rejected=tuple(rejected))


def _walk_rows(rows: pa.Table, firsts: list[int], measured: list[Mapping[str, float]]) -> pa.Table:
    walks = rows.select(list(CARRIED)).take(pa.array(firsts, pa.int64()))
    named = zip(walks.column("study").to_pylist(), walks.column("walk").to_pylist(), strict=True)
    walks = walks.append_column("study_walk", pa.array([f"{study}_{walk:02}" for study, walk in named]))
    for name in MEASURE_NAMES:
        values = pa.array([measures[name] for measures in measured], pa.float64(), from_pandas=True)
        walks = walks.append_column(name, values)
    return walks


def _signal_columns(contract: DatasetContract, rows: pa.Table) -> SignalColumns:
    options = contract.transform_options
    named = {key: options.get(key) for key in ("time", "left_force", "right_force")}
    sensors = {key: options.get(key) for key in ("left_sensors", "right_sensors")}
    for key, value in (named | sensors).items():
        columns = value if isinstance(value, list | tuple) else [value]
        if any(column not in rows.column_names for column in columns):
            raise ContractError(
                contract.file,
                f"transform_options.{key}",
                "must name columns of the source",
                allowed=tuple(rows.column_names),
            )
    return SignalColumns(
        time=str(named["time"]),
        forces=(str(named["left_force"]), str(named["right_force"])),
        sensors=(_texts(sensors["left_sensors"]), _texts(sensors["right_sensors"])),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def _in_sample_order(rows: pa.Table) -> tuple[pa.Table, Samples]:
    """Return the rows as they stood in their files, and the place in the input of each."""
    keys = [rows.column(name).to_numpy() for name in SAMPLE_ORDER]
    order = np.lexsort(keys[::-1])
    if np.array_equal(order, np.arange(len(order))):
        return rows, order
    return rows.take(pa.array(order)), order


def _walk_spans(rows: pa.Table) -> list[tuple[int, int]]:
    """Return (first row, number of rows) of each walk; its samples stand together."""
    if len(rows) == 0:
        return []
    changed = np.zeros(len(rows) - 1, dtype=bool)
    for name in WALK_KEYS:
        differs = pc.not_equal(rows.column(name)[1:], rows.column(name)[:-1])
        changed |= pc.fill_null(differs, True).to_numpy()
    edges = [0, *(np.flatnonzero(changed) + 1).tolist(), len(rows)]
    return [(first, after - first) for first, after in pairwise(edges)]


def _walk(rows: pa.Table, columns: SignalColumns) -> Walk:
    left, right = (np.column_stack([_floats(rows, name) for name in sensors]) for sensors in columns.sensors)
    return Walk(
        time_s=_floats(rows, columns.time),
        force_n=(_floats(rows, columns.forces[0]), _floats(rows, columns.forces[1])),
        sensors_n=(left, right),
    )


def _floats(rows: pa.Table, name: str) -> Floats:
    return rows.column(name).to_numpy()  # type: ignore[no-any-return]
