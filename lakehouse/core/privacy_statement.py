"""What the log says about the privacy of a release, an answer or a model: `livinglab/privacy/v1`.

A statement is public once somebody proves it, so it holds no value of a person, no exact count and no
number of people below the target: counts are rounded, a measure that misses its floor is null, and shares
and losses are those of the rounded counts. Shares and distances are decimal text, rounded up.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lakehouse.core.document_fields import count, items, text
from lakehouse.core.groups import GroupMeasures, GroupTargets, SensitiveColumn
from lakehouse.core.hierarchies import ANY, JOIN, UNKNOWN, Bands, Categories, Hierarchy
from lakehouse.core.release_rules import QuasiIdentifier, Recoding, ReleaseKind, ReleaseRules
from lakehouse.core.utility import told_loss
from lakehouse.errors import NotVerified

PRIVACY, CONSENTS, ERASURE = "privacy", "consents", "erasure"
"""Names of statements among a record's digests."""
SCHEMA = "livinglab/privacy/v1"
CONSENTS_SCHEMA = "livinglab/consents/v1"
_BAND = re.compile(r"(?P<start>[0-9]{1,9})(-(?P<end>[0-9]{1,9})|\+)", re.ASCII)
_START_OF_BAND = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedInput:
    """One version that something was made from: its leaf and its content digest (hex)."""

    leaf: int
    content: str

    def as_json(self) -> dict[str, object]:
        """Return the input as statements hold it."""
        return {"leaf": self.leaf, "content": self.content}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRelease:
    """What was measured on a finished product, exact; `release_measures` makes it fit to be told.

    rows: of the released table; suppressed of total: rows (people) or cells (counts) left out.
    """

    groups: GroupMeasures
    rows: int
    suppressed: int
    total: int
    loss: Fraction | None
    findings: int


def rounded_count(exact: int, step: int) -> int:
    """Return a count to the nearest multiple of `step`, halves up: how every exact count leaves."""
    return (exact + step // 2) // step * step


def share_text(share: Fraction | None) -> str | None:
    """Return a share as decimal text, at most four places, rounded up: no distance is understated."""
    if share is None:
        return None
    whole = -(-share.numerator * 10_000 // share.denominator)
    return f"{whole // 10_000}.{whole % 10_000:04d}".rstrip("0").rstrip(".")


def release_rules_json(rules: ReleaseRules, levels: Sequence[int | None]) -> dict[str, object]:
    """Return what a release had to reach, and how coarse it is, as its statement holds them.

    levels: None where a column was recoded locally.
    """
    counts = rules.kind is not ReleaseKind.PEOPLE
    return {
        "kind": str(rules.kind),
        "purpose": rules.purpose,
        "quasi_identifiers": [
            {
                "released_as": quasi.released_as,
                "level": level,
                "hierarchy": _hierarchy_json(quasi.hierarchy),
            }
            for quasi, level in zip(rules.quasi_identifiers, levels, strict=True)
        ],
        "sensitive": [{"column": column.name, "ordered": column.ordered} for column in rules.sensitive],
        "cells": list(rules.cells),
        "round_to": rules.round_to,
        "targets": {
            "k": rules.minimum_cell if counts else rules.targets.k,
            "l": None if counts else rules.targets.l,
            "t": None if counts else share_text(rules.targets.t),
            "minimum_cell": rules.minimum_cell if counts else None,
            "suppression": None if counts else share_text(rules.targets.suppression),
        },
    }


def release_measures(rules: ReleaseRules, measured: MeasuredRelease) -> dict[str, object]:
    """Return the figures of a statement; people left out count as the rounded number of them."""
    counts, step = rules.kind is not ReleaseKind.PEOPLE, rules.round_to
    floor = rules.minimum_cell if counts else rules.targets.k
    k = measured.groups.k if measured.groups.k >= floor else None
    left_out = rounded_count(measured.suppressed, step)
    kept = rounded_count(measured.total - measured.suppressed, step)
    return {
        "rows": rounded_count(measured.rows, step),
        "k": k,
        "l": measured.groups.l,
        "t": share_text(measured.groups.t),
        "minimum_cell": k if counts else None,
        "suppression": share_text(Fraction(left_out, kept + left_out or 1)),
        "loss": _loss_text(measured, step),
        "findings": -(-measured.findings // step) * step,
    }


def _loss_text(measured: MeasuredRelease, step: int) -> str | None:
    if measured.loss is None:
        return None
    rows, suppressed = measured.total, measured.suppressed
    return share_text(told_loss(measured.loss, rows=rows, suppressed=suppressed, step=step))


def parse_release_rules_json(value: Mapping[str, Any]) -> tuple[ReleaseRules, tuple[int | None, ...]]:
    """Return the rules and the levels of a release's statement, as far as measuring again needs them.

    Anything else than `release_rules_json` writes is NotVerified.
    """
    try:
        kind, targets, quasi = value["kind"], value["targets"], value["quasi_identifiers"]
        levels = tuple(_parse_level(found["level"]) for found in quasi)
        rules = ReleaseRules(
            kind=ReleaseKind(kind),
            purpose=text(value["purpose"], "a purpose"),
            recoding=Recoding.LOCAL if None in levels else Recoding.FULL_DOMAIN,
            quasi_identifiers=tuple(_parse_quasi(found) for found in quasi),
            sensitive=tuple(_parse_sensitive(found) for found in value["sensitive"]),
            targets=GroupTargets(k=count(targets["k"], "k"), l=0, t=Fraction(1), suppression=Fraction(1)),
            cells=tuple(text(name, "a cell column") for name in items(value["cells"], "cells")),
            minimum_cell=count(targets["minimum_cell"] or 0, "the smallest cell"),
            round_to=max(1, count(value["round_to"], "the rounding")),
            tightenings=0,
            asks_about_small_cells=False,
            weight=None,
            dominance=None,
            private=(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotVerified(f"a privacy statement is not of the schema {SCHEMA}") from error
    pairs = zip(levels, rules.quasi_identifiers, strict=True)
    if any(level is not None and level >= own.hierarchy.levels for level, own in pairs):
        raise NotVerified("a privacy statement names a level that its hierarchy lacks")
    return rules, levels


def _parse_level(value: object) -> int | None:
    return None if value is None else count(value, "a level")


def _parse_quasi(value: Mapping[str, Any]) -> QuasiIdentifier:
    name = text(value["released_as"], "a quasi-identifier")
    return QuasiIdentifier(column=name, released_as=name, hierarchy=_parse_hierarchy(value["hierarchy"]))


def _parse_sensitive(value: Mapping[str, Any]) -> SensitiveColumn:
    return SensitiveColumn(name=text(value["column"], "a sensitive column"), ordered=bool(value["ordered"]))


def foreign_labels(hierarchy: Hierarchy, level: int | None, labels: Iterable[object]) -> int:
    """Return how many of these labels the hierarchy cannot make at this level; None: by joining values."""
    if level is None:
        return sum(not _joins(hierarchy, label) for label in labels)
    return sum(not _makes(hierarchy, level, label) for label in labels)


def _joins(hierarchy: Hierarchy, label: object) -> bool:
    if label in (ANY, UNKNOWN):
        return True
    if isinstance(hierarchy, Categories):
        parts = str(label).split(JOIN)
        known = [value for value in (*hierarchy.values, UNKNOWN) if value in parts]
        return known == parts
    ends = _BAND.fullmatch(str(label))
    if ends is None:
        return False
    last = hierarchy.top if ends["end"] is None else int(ends["end"])
    return last is not None and hierarchy.joined([int(ends["start"]), last]) == label


def _makes(hierarchy: Hierarchy, level: int, label: object) -> bool:
    if level == hierarchy.levels - 1 or label in (ANY, UNKNOWN):
        return label == (ANY if level == hierarchy.levels - 1 else UNKNOWN)
    if isinstance(hierarchy, Categories):
        return label in {hierarchy.label(value, level) for value in hierarchy.values}
    start = _START_OF_BAND.match(str(label))
    return start is not None and hierarchy.label(int(start[0]), level) == label


def _hierarchy_json(hierarchy: Hierarchy) -> dict[str, object]:
    if isinstance(hierarchy, Bands):
        return {
            "bands": list(hierarchy.widths),
            "domain": list(hierarchy.domain),
            "top": hierarchy.top,
        }
    return {"values": list(hierarchy.values), "groupings": [dict(found) for found in hierarchy.groupings]}


def _parse_hierarchy(value: Mapping[str, Any]) -> Hierarchy:
    if "bands" in value:
        low, high = (count(end, "an end of a domain") for end in value["domain"])
        top = None if value["top"] is None else count(value["top"], "a top code")
        widths = tuple(max(1, count(width, "the width of a band")) for width in value["bands"])
        return Bands(widths=widths, domain=(low, high), top=top)
    values = tuple(text(label, "a category") for label in items(value["values"], "categories"))
    groupings = tuple(
        {text(old, "a category"): text(new, "a group") for old, new in grouping.items()}
        for grouping in items(value["groupings"], "groupings")
        if isinstance(grouping, Mapping)
    )
    return Categories(values=values, groupings=groupings)
