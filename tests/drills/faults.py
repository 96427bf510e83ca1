"""Every fault of the machine in one process: `python -m tests.drills.faults FOLDER quick|full`.

Prints a JSON list: of each drill what was wrong and its seconds; of a broken variant there must be something.
Drills that mount run where a namespace of our own lets us (`stages.in_own_namespace`).
"""

import json
import os
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from tests.drills import machine, small_disk
from tests.drills.commands import Break, import_what_is_slow, in_child
from tests.drills.kills import connect_server
from tests.drills.stages import VERBS, Stages, prepare_stages

MOUNTING = "LIVINGLAB_DRILL_MOUNTS"
"""Set where the process has a mount namespace of its own."""

Try = Callable[[], Generator[str, None, None]]
QUICK_VERBS = ("land",)
QUICK_PAGES: Mapping[str, Sequence[int]] = {"land": (0, 24), "publish": (24,)}
FULL_PAGES = range(0, 61, 2)
KILLS, SEED = 3, 4
SWALLOWED_PAGES: Mapping[str, Sequence[int]] = {"land": (12,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one drill found; of a broken variant, `caught` says whether there were problems, as there must."""

    drill: str
    broken: str | None
    problems: list[str]
    seconds: float

    @property
    def passed(self) -> bool:
        """Say whether the drill went as it should."""
        return bool(self.problems) if self.broken else not self.problems


def drills(stages: Stages, *, full: bool) -> Generator[Outcome, None, None]:
    """Run those that leave the Spark server alone."""
    verbs = VERBS if full else QUICK_VERBS
    yield from _both(stages, verbs, "few files", machine.few_files, "nobody asks", machine.ask_no_java)
    yield from _both(stages, verbs, "no Java", machine.no_java, "nobody asks", machine.ask_no_java)
    one = machine.writers_of_one_batch
    yield from _both(stages, verbs, "writers of one batch", one, "no lock", machine.lock_nothing)
    if full:
        many = machine.writers_of_many_batches
        yield from _both(stages, verbs, "writers of many batches", many, "no lock", machine.lock_nothing)
    if os.environ.get(MOUNTING):
        home = machine.read_only_home
        yield from _both(stages, verbs, "read-only home", home, "nothing is named", machine.name_nothing)
        pages = dict.fromkeys(VERBS, FULL_PAGES) if full else QUICK_PAGES
        yield _outcome("disk full", None, lambda: _fill(stages, pages, None))
        swallow = machine.swallow_failures
        yield _outcome("disk full", "failures say 0", lambda: _fill(stages, SWALLOWED_PAGES, swallow))


def _both(
    stages: Stages, verbs: Sequence[str], name: str, drill: machine.Drill, broken: str, variant: Break
) -> Generator[Outcome, None, None]:
    yield _outcome(name, None, lambda: drill(stages, verbs, None))
    yield _outcome(name, broken, lambda: drill(stages, verbs, variant))


def _fill(
    stages: Stages, pages: Mapping[str, Sequence[int]], broken: Break | None
) -> Generator[str, None, None]:
    codes = set()
    with small_disk.small_disk(stages.folder) as disk:
        for verb in pages:
            for one in small_disk.drill(stages, disk, verb, pages[verb], broken):
                codes.add(one.code)
                yield from (f"{one.free} bytes free: {problem}" for problem in one.problems)
    if small_disk.FULL not in codes:
        yield f"the disk was never full: {sorted(codes)}"


def _killed_anywhere(stages: Stages) -> Generator[str, None, None]:
    """Some of the hundred kills of `make drills`; looked at in a child, which may use Spark."""
    yield from in_child(lambda: list(machine.killed_anywhere(stages, KILLS, SEED)))


def run_drills(folder: Path, *, full: bool) -> Generator[Outcome, None, None]:
    """Prepare homes under `folder` and run every drill."""
    import_what_is_slow()
    with connect_server(folder) as first:
        stages = prepare_stages(folder)
        yield from drills(stages, full=full)
        if not full:
            yield _outcome("killed anywhere", None, lambda: _killed_anywhere(stages))
        yield _outcome("server killed", None, lambda: machine.server_killed(stages, first))
    with connect_server(folder) as second:
        yield _outcome("server killed, a new one", None, lambda: machine.new_server(stages))
        unnamed = machine.name_no_spark_failure
        yield _outcome("server killed", "not named", lambda: machine.server_killed(stages, second, unnamed))


def _outcome(drill: str, broken: str | None, attempt: Try) -> Outcome:
    """Run a drill to its end, a broken variant until it is caught."""
    begun = time.monotonic()
    with closing(attempt()) as found:
        problems = list(islice(found, 1) if broken else found)
    seconds = round(time.monotonic() - begun, 1)
    return Outcome(drill=drill, broken=broken, problems=problems, seconds=seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every drill; 1 where one did not go as it should."""
    folder, size = arguments or sys.argv[1:]
    outcomes = []
    for outcome in run_drills(Path(folder), full=size == "full"):
        outcomes.append(outcome)
        sys.stderr.write(f"{outcome.drill}, {outcome.broken or 'whole'}: {outcome.seconds} s\n")
    sys.stdout.write(json.dumps([asdict(outcome) for outcome in outcomes]))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
