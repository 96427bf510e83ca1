"""What a verifier answers: one check a step, in order; verified only when each holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.core.lineage import LineageRecord
from lakehouse.errors import NotVerified


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One step: its name, whether it holds, and why in one sentence."""

    name: str
    ok: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All steps of a document. `record` is null where the document has none, or it could not be read.

    `misbehaviour` says that the document accuses a log, so that `verified` means: the accusation holds.
    """

    checks: tuple[Check, ...]
    record: LineageRecord | None = None
    misbehaviour: bool = False

    @property
    def verified(self) -> bool:
        """Say whether there are steps and each of them holds."""
        return bool(self.checks) and all(check.ok for check in self.checks)


def take_steps(steps: Mapping[str, Callable[[], str]]) -> tuple[Check, ...]:
    """Return one check a step, in order; a step says why it holds, or raises `NotVerified`."""
    return tuple(_take_step(name, step) for name, step in steps.items())


def unreadable(names: Sequence[str], problem: str) -> tuple[Check, ...]:
    """Return the checks of a document whose first step, its schema, already fails."""
    others = [
        Check(name=name, ok=False, why="not checked: the document cannot be read") for name in names[1:]
    ]
    return (Check(name=names[0], ok=False, why=problem), *others)


def _take_step(name: str, step: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, why=step())
    except NotVerified as error:
        return Check(name=name, ok=False, why=error.message)
