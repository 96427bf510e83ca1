"""Read one value out of a FHIR resource by a small path.

`code.coding[0].code`: names and indexes; a list without an index means its first entry.
`extension[url=http://...].valueCode` takes the first entry whose field has that value.
`onsetDateTime | onsetPeriod.start`: the first alternative that is there. It is a small part of
FHIRPath (hl7.org/fhirpath), no more.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from lakehouse.errors import ContractError

STEP = re.compile(r"([A-Za-z]\w*)(?:\[(?:(\d+)|([A-Za-z]\w*)=([^\]]+))\])?(?:\.|$)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep:
    """One name of a path, with the entry of a list that it means."""

    name: str
    index: int = 0
    field: str | None = None
    wanted: str | None = None


@cache
def parse_path(path: str) -> tuple[tuple[PathStep, ...], ...]:
    """Return the alternatives of a path; what is no path is a ContractError."""
    return tuple(_parse_steps(alternative.strip()) for alternative in path.split("|"))


def read_path(resource: object, path: str) -> str | None:
    """Return the value as text, None where there is none; an object or list comes as JSON."""
    for steps in parse_path(path):
        value = resource
        for step in steps:
            value = _follow(value, step)
        if value is not None:
            return _as_text(value)
    return None


def _parse_steps(path: str) -> tuple[PathStep, ...]:
    steps: list[PathStep] = []
    place = 0
    while place < len(path) and (found := STEP.match(path, place)):
        name, index, field, wanted = found.groups()
        steps.append(PathStep(name=name, index=int(index or 0), field=field, wanted=wanted))
        place = found.end()
    if not steps or place != len(path) or path.endswith("."):
        raise ContractError("silver contract", "from", f"{path!r} is not a path like code.coding[0].code")
    return tuple(steps)


def _follow(value: object, step: PathStep) -> object:
    inner = value.get(step.name) if isinstance(value, Mapping) else None
    if not isinstance(inner, list):
        return inner
    if step.field is None:
        return inner[step.index] if step.index < len(inner) else None
    matching = (
        entry for entry in inner if isinstance(entry, Mapping) and entry.get(step.field) == step.wanted
    )
    return next(matching, None)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
