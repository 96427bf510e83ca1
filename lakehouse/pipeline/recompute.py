"""Measure a released table again and compare with what the log says about its privacy.

Needs the bundle and a copy of the Delta table's folder; no home, no keys, no network.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.adapters.arrow_types import ARROW_TYPES, plain_types
from lakehouse.adapters.delta_log import read_version, require_plain_files
from lakehouse.adapters.presidio_detector import Detector
from lakehouse.adapters.release_counts import PEOPLE, measure_counts
from lakehouse.adapters.release_people import measure_people
from lakehouse.core.bundle import ProofBundle, parse_bundle
from lakehouse.core.privacy_statement import (
    PRIVACY,
    SCHEMA,
    MeasuredRelease,
    foreign_labels,
    parse_release_rules_json,
    release_measures,
)
from lakehouse.core.release_rules import ReleaseKind, ReleaseRules
from lakehouse.errors import Damaged, NotReady, NotVerified
from lakehouse.pipeline.publish_facts import count_findings
from lakehouse.pipeline.signing import plain_content

MEASURED = ("rows", "k", "l", "t", "minimum_cell")
_FIGURE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
BEYOND = {
    "inputs": "the leaves and digests of what it was made from: their rows are not public",
    "suppression": "people left out are not in the table",
    "loss": "the values before they were made coarser are not in the table",
    "private_statistics": "noise is drawn once; mechanism, scale and epsilon are stated",
}
"""What no table shows, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """One thing stated: whether it came out the same; None where the table cannot show it."""

    name: str
    ok: bool | None
    why: str


def recompute(document: bytes, folder: Path, detector: Detector | None = None) -> list[Recomputed]:
    """Return what came out the same, what did not, and what cannot be recomputed.

    Raises NotVerified where the bundle states no release's privacy or the folder holds no such version.
    """
    bundle = parse_bundle(document)
    stated = bundle.statements.get(PRIVACY)
    if stated is None or (stated.value.get("schema"), stated.value.get("of")) != (SCHEMA, "release"):
        raise NotVerified("not recomputed: the bundle states the privacy of no released table")
    if bundle.record.version is None:
        raise NotVerified("not recomputed: the record names no version of a table")
    if not isinstance(stated.value.get("measured"), Mapping):
        raise NotVerified("not recomputed: the bundle states no measures")
    rules, levels = parse_release_rules_json(stated.value)
    rows = _rows_of(folder, bundle.record.version)
    _require_columns(rows, rules)
    return [
        _content(bundle, stated.value, rows),
        *_measures(stated.value, rules, rows),
        *_labels(rules, levels, rows),
        _findings(stated.value, rules, rows, detector or Detector()),
        *(
            Recomputed(name=name, ok=None, why=why)
            for name, why in BEYOND.items()
            if _is_stated(stated.value, name)
        ),
    ]


def _is_stated(stated: Mapping[str, Any], name: str) -> bool:
    """Say whether a statement holds something under a name of `BEYOND`."""
    held = stated.get(name, stated["measured"].get(name))
    return held is not None and held != []


def _rows_of(folder: Path, version: int) -> pa.Table:
    try:
        require_plain_files(folder)
        return plain_types(read_version(folder, version))
    except (Damaged, pa.ArrowException) as error:
        raise NotVerified(f"not recomputed: the data has no readable version {version}") from error


def _require_columns(rows: pa.Table, rules: ReleaseRules) -> None:
    counts = () if rules.kind is ReleaseKind.PEOPLE else (PEOPLE,)
    named = {*rules.released_quasi, *rules.cells, *(column.name for column in rules.sensitive), *counts}
    missing = named - set(rows.column_names)
    if missing:
        raise NotVerified(f"not recomputed: the data lacks {len(missing)} of {len(named)} stated columns")
    if any(field.type not in ARROW_TYPES.values() for field in rows.schema):
        raise NotVerified("not recomputed: the data has a column of a type that no release has")
    if counts and not pa.types.is_integer(rows.schema.field(PEOPLE).type):
        raise NotVerified("not recomputed: the data's counts are no whole numbers")


def _content(bundle: ProofBundle, stated: Mapping[str, Any], rows: pa.Table) -> Recomputed:
    made, logged = plain_content(rows), bundle.record.digests.get("content")
    same = made == logged == stated.get("output")
    return Recomputed(name="content digest", ok=same, why="the rows " + _same(same) + " the logged digest")


def _measures(stated: Mapping[str, Any], rules: ReleaseRules, rows: pa.Table) -> Iterator[Recomputed]:
    measure = measure_people if rules.kind is ReleaseKind.PEOPLE else measure_counts
    made = release_measures(
        rules,
        MeasuredRelease(
            groups=measure(rows, rules), rows=len(rows), suppressed=0, total=len(rows), loss=None, findings=0
        ),
    )
    told = stated["measured"]
    for name in MEASURED:
        said, found = told.get(name), made[name]
        if said is not None or found is not None:
            yield Recomputed(
                name=name, ok=said == found, why=f"stated {_shown(said)}, measured {_shown(found)}"
            )


def _shown(value: object) -> str:
    """Return a figure for people; whatever else a stranger's statement holds there is not printed."""
    if value is None:
        return "below the target"
    return str(value) if _FIGURE.fullmatch(str(value)) else "no figure"


def _labels(rules: ReleaseRules, levels: tuple[int | None, ...], rows: pa.Table) -> Iterator[Recomputed]:
    for quasi, level in zip(rules.quasi_identifiers, levels, strict=True):
        labels = rows.column(quasi.released_as).unique().to_pylist()
        strange = foreign_labels(quasi.hierarchy, level, labels)
        made = "made by joining" if level is None else f"of level {level}"
        why = f"{len(labels)} labels, {strange} of them not {made}"
        yield Recomputed(name=f"labels of {quasi.released_as}", ok=strange == 0, why=why)


def _findings(
    stated: Mapping[str, Any], rules: ReleaseRules, rows: pa.Table, detector: Detector
) -> Recomputed:
    name, told = "findings", stated["measured"].get("findings")
    try:
        if detector.version != stated.get("detector"):
            return Recomputed(name=name, ok=None, why="stated by another detector than the one installed")
        found = count_findings(detector, rules, rows)
    except (NotReady, ImportError):
        return Recomputed(name=name, ok=None, why="the detector is not installed here")
    made = -(-found // rules.round_to) * rules.round_to
    return Recomputed(name=name, ok=made == told, why=f"stated {_shown(told)}, found {made}")


def _same(same: bool) -> str:
    return "give" if same else "do not give"
