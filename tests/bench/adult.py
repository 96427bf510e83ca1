"""Adult with ARX's hierarchies: our k, l and t beside pycanon's, our risk and lattice beside ARX's own tests.

`python -m tests.bench.adult` prints the comparison and ends with 1 where k, l or t differ from pycanon's.
ARX publishes neither loss nor time for Adult that can be set beside ours (its loss is another measure);
its tests hold two exact figures: TestRiskMetrics (mean risk of the table as it is) and
TestClassificationKAnonymity of 2014 (nodes of the lattice that reach k with at most 4 % or none left
out). The hierarchies of that year put England alone into `Europa`; so does `lattice_figure`.
"""

import csv
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from lakehouse.adapters.class_counts import count_combinations
from lakehouse.adapters.group_search import measure_classes, search_grouping
from lakehouse.adapters.merged_tables import MergedTables
from lakehouse.adapters.people_codes import encode_people
from lakehouse.adapters.quasi_codes import rank_codes
from lakehouse.core.groups import GroupMeasures, GroupTargets, SensitiveColumn
from lakehouse.core.hierarchies import Categories
from tests.bench.anonymise import PEERS, peer_python, run_peer
from tests.bench.figures import Figure

MEAN_RISK = 0.6465751607983555
NODES_REACHING = ((5, "0.04", 4387), (100, "0.04", 467), (5, "0", 86), (100, "0", 22))
"""k, the share that may be left out, the nodes of 12,960 that ARX's test counts."""

LABELS_OF_2014 = {"England": "Europa"}

SENSITIVE = "occupation"
DIFFERS = "DIFFERS"
TARGETS = GroupTargets(k=5, l=2, t=Fraction(1, 2), suppression=Fraction(1, 20))


def main() -> int:
    """Print what agrees and what does not."""
    folder = Path(os.environ.get("LIVINGLAB_SHARED") or "../shared") / "data" / "adult_arx"
    with tempfile.TemporaryDirectory(prefix="livinglab-adult-") as scratch:
        figures = (pycanon_figure(folder, Path(scratch)), risk_figure(folder), lattice_figure(folder))
    for figure in figures:
        sys.stdout.write(f"{figure.line()}\n")
    return int(any(figure.peer.endswith(DIFFERS) for figure in figures))


def pycanon_figure(folder: Path, scratch: Path) -> Figure:
    """Anonymise Adult, write it, and measure the written table with both."""
    rows = read_adult(folder)
    quasi = [name for name in rows.column_names if name != SENSITIVE]
    sensitive = SensitiveColumn(name=SENSITIVE, ordered=False)
    coded = encode_people(rows, [(name, read_hierarchy(folder, name)) for name in quasi], [sensitive])
    found = search_grouping(coded.people, TARGETS)
    if found is None:
        raise RuntimeError("no level reaches the targets on Adult")
    classes = coded.classes(found)
    released = classes.generalised(rows, np.flatnonzero(classes.place >= 0), quasi)
    own = measure(released, quasi, sensitive)
    target = scratch / "adult.csv"
    plain = pa.schema([pa.field(name, pa.string()) for name in released.column_names])
    arrow_csv.write_csv(released.cast(plain), target)
    return Figure(
        what=f"Adult, 8 quasi-identifiers, least loss {float(found.loss):.4f}: k, l, t of the written table",
        ours=f"{own.k}, {own.l}, {float(own.t or 0):.6f}",
        peer=_by_pycanon(own, target, quasi),
        ratio=None,
        goal="the same",
    )


def risk_figure(folder: Path) -> Figure:
    """The mean risk of Adult as it is: classes over rows."""
    rows = read_adult(folder)
    columns = [rank_codes(rows.column(name)) for name in rows.column_names]
    risk = len(count_combinations(columns, [])) / len(rows)
    return Figure(
        what="Adult as it is: marketer risk over 9 columns",
        ours=f"{risk:.12f}",
        peer=f"{MEAN_RISK:.12f}: ARX, TestRiskMetrics, {_judged(abs(risk - MEAN_RISK) < 1e-12)}",
        ratio=None,
        goal="the same",
    )


def lattice_figure(folder: Path) -> Figure:
    """How many nodes reach k over all nine columns, for each k and share of ARX's test."""
    rows = read_adult(folder)
    names = rows.column_names
    people = encode_people(
        rows, [(name, read_hierarchy(folder, name, LABELS_OF_2014)) for name in names], []
    ).people
    tables = MergedTables(people.quasi, people.classes, range(len(people.quasi)))
    counts = [tables.at(levels).counts for levels in product(*(range(own.levels) for own in people.quasi))]
    found = [
        sum(int(held[held < k].sum()) <= Fraction(share) * people.rows for held in counts)
        for k, share, _ in NODES_REACHING
    ]
    theirs = [nodes for _, _, nodes in NODES_REACHING]
    return Figure(
        what=f"Adult: of {len(counts):,} nodes, those with k 5, k 100 at 4 % left out, then at none",
        ours=", ".join(f"{nodes:,}" for nodes in found),
        peer=f"{', '.join(f'{nodes:,}' for nodes in theirs)}: ARX, {_judged(found == theirs)}",
        ratio=None,
        goal="the same",
    )


def measure(released: pa.Table, quasi: Sequence[str], sensitive: SensitiveColumn) -> GroupMeasures:
    """Measure a written table by its labels alone."""
    labels = [rank_codes(released.column(name)) for name in quasi]
    return measure_classes(
        count_combinations(labels, [rank_codes(released.column(sensitive.name))]), [sensitive]
    )


def read_adult(folder: Path) -> pa.Table:
    """Return Adult with every column as text."""
    header = (folder / "adult.csv").read_text().partition("\n")[0].strip().split(";")
    return arrow_csv.read_csv(
        folder / "adult.csv",
        parse_options=arrow_csv.ParseOptions(delimiter=";"),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
    )


def read_hierarchy(
    folder: Path, name: str, otherwise: Mapping[str, str] = MappingProxyType({})
) -> Categories:
    """Return the hierarchy of a column: one line a value, its labels from fine to `*`.

    otherwise: values whose first label is another than the file says.
    """
    with (folder / f"adult_hierarchy_{name}.csv").open(newline="") as lines:
        rows = [row for row in csv.reader(lines, delimiter=";") if row]
    groupings = [{row[0]: row[level] for row in rows} for level in range(1, len(rows[0]) - 1)]
    if groupings:
        groupings[0].update({value: label for value, label in otherwise.items() if value in groupings[0]})
    return Categories(values=tuple(row[0] for row in rows), groupings=tuple(groupings))


def _by_pycanon(own: GroupMeasures, table: Path, quasi: Sequence[str]) -> str:
    python = peer_python("pycanon")
    if python is None:
        return "pycanon is not here"
    theirs = run_peer(python, PEERS / "pycanon_file.py", table, ",".join(quasi), SENSITIVE)
    same = (own.k, own.l) == (theirs["k"], theirs["l"]) and abs(float(own.t or 0) - theirs["t"]) < 1e-9
    return f"{theirs['k']}, {theirs['l']}, {theirs['t']:.6f}: pycanon, {_judged(same)}"


def _judged(same: bool) -> str:
    return "the same" if same else DIFFERS


if __name__ == "__main__":
    raise SystemExit(main())
