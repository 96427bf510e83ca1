"""A proposed contract for an unknown file: its columns are counted in memory, and nothing of them is kept."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from lakehouse.adapters.presidio_detector import Detector, is_unbroken
from lakehouse.core.column_classifier import classify_columns
from lakehouse.core.column_profile import ColumnProfile, common_pattern, outward_bounds, shape_of
from lakehouse.core.contract import ColumnType
from lakehouse.core.contract_columns import COLUMN_NAME
from lakehouse.core.contract_proposal import ContractProposal
from lakehouse.errors import UnreadableInput, WrongUse
from lakehouse.readers.unknown_files import UnknownFile, read_unknown_file

NULL_MARKERS = ("?", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", ".", "-")
CROWD = 10
"""A value that stands in fewer rows is shown to nobody."""
CATEGORIES = 12
CELLS_SEARCHED = 2_000
TEXTS_SEARCHED = 100
SHAPES_SHOWN = 2
INTEGER = re.compile(r"[+-]?\d{1,18}(?:\.0*)?")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
LEADING_ZERO = re.compile(r"0\d")


def propose_contract(path: Path, name: str | None, detector: Detector, language: str) -> ContractProposal:
    """Return what is proposed for a file; `name` of the data set, else that of the folder it lies in.

    Raises UnreadableInput (no file, no rows), WrongUse (the name is none, no model for the language).
    """
    file = read_unknown_file(path)
    if not file.cells:
        raise UnreadableInput("the file has no columns", remedy="give a file with data")
    chosen = name or re.sub(r"[^a-z0-9]+", "_", path.resolve().parent.name.lower()).strip("_")
    if not COLUMN_NAME.fullmatch(chosen):
        raise WrongUse("the data set needs a name of lower case letters, digits and _", remedy="--name NAME")
    profiles = profile_columns(file, detector, language)
    return ContractProposal(
        name=chosen,
        format=file.format,
        columns=classify_columns(profiles),
        rows=profiles[0].rows,
        files=file.suffix,
        format_options=file.options,
    )


def profile_columns(file: UnknownFile, detector: Detector, language: str) -> tuple[ColumnProfile, ...]:
    """Return the profile of each column; findings come from distinct samples."""
    names = _contract_names(file.cells)
    return tuple(
        _profile(names[source], source, values, detector, language) for source, values in file.cells.items()
    )


def _profile(
    name: str, source: str, values: Sequence[str | None], detector: Detector, language: str
) -> ColumnProfile:
    counts = Counter(value.strip() for value in values if value is not None and value.strip())
    markers = tuple(marker for marker in NULL_MARKERS if counts.pop(marker, 0))
    distinct = list(counts)
    kind = _type_of(distinct)
    numbers = [float(value) for value in distinct] if kind in (ColumnType.INTEGER, ColumnType.NUMBER) else []
    bounds = outward_bounds(min(numbers), max(numbers)) if numbers else (None, None)
    shapes = Counter(shape_of(value) for value in distinct[:CELLS_SEARCHED])
    return ColumnProfile(
        name=name,
        source=source,
        type=kind,
        rows=len(values),
        nulls=len(values) - counts.total(),
        distinct=len(distinct),
        null_values=markers,
        lowest=bounds[0],
        highest=bounds[1],
        shapes=tuple(shape for shape, _ in shapes.most_common(SHAPES_SHOWN) if _is_shape(shape, distinct)),
        categories=_categories(counts, detector),
        words=sum(len(value.split()) for value in distinct) / len(distinct) if distinct else 0.0,
        longest=max(map(len, distinct), default=0),
        findings=_finding_shares(distinct, kind, detector, language),
        pattern=common_pattern(distinct),
    )


def _is_shape(shape: str, distinct: Sequence[str]) -> bool:
    """A shape that is itself a value (`9`, `A`, `-`) would show it."""
    return shape not in distinct


def _type_of(values: Sequence[str]) -> ColumnType:
    if not values:
        return ColumnType.TEXT
    for kind, pattern in (
        (ColumnType.INTEGER, INTEGER),
        (ColumnType.NUMBER, NUMBER),
        (ColumnType.DATE, DATE),
        (ColumnType.TIMESTAMP, TIMESTAMP),
    ):
        if all(pattern.fullmatch(value) for value in values):
            padded = kind is ColumnType.INTEGER and any(LEADING_ZERO.match(value) for value in values)
            return ColumnType.TEXT if padded else kind
    return ColumnType.TEXT


def _categories(counts: Mapping[str, int], detector: Detector) -> tuple[str, ...]:
    if not counts or len(counts) > CATEGORIES or min(counts.values()) < CROWD:
        return ()
    return () if detector.find_by_value(counts) else tuple(sorted(counts))


def _finding_shares(
    distinct: Sequence[str], kind: ColumnType, detector: Detector, language: str
) -> dict[str, float]:
    if kind is not ColumnType.TEXT or len(distinct) <= CATEGORIES:
        return {}
    cells = distinct[:CELLS_SEARCHED]
    in_cells = detector.find_by_value(cells).values()
    worded = (value for value in distinct if re.search(r"[^\W\d_]{3}", value) and not is_unbroken(value))
    texts = list(islice(worded, TEXTS_SEARCHED))
    in_texts = detector.find_in_texts(texts, language) if texts else []
    shares = _shares(({found.entity for found in findings} for findings in in_cells), len(cells))
    named = _shares(({found.entity for found in findings} for findings in in_texts), len(texts))
    return {**named, **shares}


def _shares(found: Iterable[set[str]], looked_at: int) -> dict[str, float]:
    counts = Counter(entity for entities in found for entity in entities)
    return {entity: count / looked_at for entity, count in counts.items()}


def _contract_names(sources: Iterable[str]) -> dict[str, str]:
    """Return a contract's name for each column: lower case letters, digits and _, told apart by number."""
    names: dict[str, str] = {}
    for number, source in enumerate(sources, 1):
        plain = re.sub(r"[^a-z0-9]+", "_", source.lower()).strip("_")
        name = plain if re.match(r"[a-z]", plain) else f"column_{plain or number}"
        names[source] = name if name not in names.values() else f"{name}_{number}"
    return names
