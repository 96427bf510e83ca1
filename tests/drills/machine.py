"""What a machine does to a command: too few files, no Java, a home that nobody may write, a server that dies.

Each breaks the machine under real commands, asks for one sentence and its exit code, mends the machine,
runs the same command again and compares with a run that nobody broke. A drill yields what was wrong.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from lakehouse.adapters.spark_connect_server import ConnectServer
from lakehouse.sites import open_site
from tests.drills.chain import DATASET, write_batch
from tests.drills.commands import Break, Caller, in_child
from tests.drills.kills import (
    WHOLE,
    ChainServer,
    CleanRun,
    drill,
    findings_of,
    rows_of,
    unsigned_versions,
)
from tests.drills.stages import Stages, caller_of

IN_PROCESS = {"LIVINGLAB_SPARK": "local[2]"}
NO_JAVA = {**IN_PROCESS, "PATH": "/nowhere", "JAVA_HOME": ""}
FEW = 64
WRITERS = 8
PEOPLE_EACH = 10
SIGN_SECONDS = 300.0
QUERY = "SELECT age_band, count(*) AS people FROM gold.walkers_open GROUP BY age_band"

Drill = Callable[[Stages, Sequence[str], Break | None], Generator[str, None, None]]


def reading_commands(folder: Path) -> list[list[str]]:
    """Return command lines that write nothing into the home; what they make goes to `folder`."""
    return [
        ["status"],
        ["status", "--metrics"],
        ["tables"],
        ["describe", "gold.walkers_open"],
        ["query", QUERY, "--purpose", "research"],
        ["releases"],
        ["budget"],
        ["quarantine", DATASET],
        ["log"],
        ["fsck"],
        ["trust", "-o", str(folder / "trust.json")],
        ["prove", "gold.walkers_open", "-o", str(folder / "proof.json")],
        ["verify", str(folder / "proof.json"), "--trust", str(folder / "trust.json")],
        ["report", "--site", "-o", str(folder / "reports")],
        ["contracts", "lint"],
    ]


def few_files(
    stages: Stages, verbs: Sequence[str], broken: Break | None = None
) -> Generator[str, None, None]:
    """Let every process open 64 files: all goes on, but for a Spark of its own, which says what it needs."""
    for verb in verbs:
        caller = stages.copied(verb)
        ended = caller.run(*stages.arguments(verb), open_files=FEW, environment=IN_PROCESS, broken=broken)
        yield from ended.problems(7)
        if str(FEW) not in ended.error:
            yield f"{verb} does not say that {FEW} files are too few"
        again = caller.run(*stages.arguments(verb), open_files=FEW, broken=broken)
        yield from stages.problems_after(caller, verb, again)
    for command in reading_commands(stages.folder):
        yield from caller.run(*command, open_files=FEW, broken=broken).problems(0)


def no_java(stages: Stages, verbs: Sequence[str], broken: Break | None = None) -> Generator[str, None, None]:
    """Take Java away before a verb."""
    for verb in verbs:
        caller = stages.copied(verb)
        yield from caller.run(*stages.arguments(verb), environment=NO_JAVA, broken=broken).problems(3)
        again = caller.run(*stages.arguments(verb), broken=broken)
        yield from stages.problems_after(caller, verb, again)


def read_only_home(
    stages: Stages, verbs: Sequence[str], broken: Break | None = None
) -> Generator[str, None, None]:
    """Mount the home so that nobody may write: reading works or says why, writing says why."""
    caller = stages.copied("publish")
    with _nobody_writes(caller.home):
        for command in reading_commands(stages.folder):
            yield from caller.run(*command, broken=broken).problems(0, 7)
        for verb in verbs:
            yield from caller.run(*stages.arguments(verb), broken=broken).problems(7)
    again = caller.run(*stages.arguments("publish"))
    yield from stages.problems_after(caller, "publish", again)


@contextmanager
def _nobody_writes(home: Path) -> Iterator[None]:
    """Bind the folder over itself, read-only: modes are no barrier to root. Needs our own namespace."""
    subprocess.run(["mount", "--bind", home, home], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", home], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", home], check=True)


def server_killed(
    stages: Stages, server: ConnectServer, broken: Break | None = None
) -> Generator[str, None, None]:
    """Kill the Spark Connect server when a landing is about to commit; the home is left as it then is."""
    caller = stages.copied("land")
    about, killed = (stages.folder / name for name in ("about-to-commit", "server-killed"))
    for sign in (about, killed):
        sign.unlink(missing_ok=True)
    running = caller.start(*stages.arguments("land"), broken=lambda: _pause_in_commit(about, killed, broken))
    await_sign(about)
    server.process.kill()
    server.process.wait()
    killed.touch()
    yield from running.ended().problems(7)


def new_server(stages: Stages) -> Generator[str, None, None]:
    """Run the landing again whose server was killed."""
    caller = caller_of(stages.folder, stages.folder / "work")
    again = caller.run(*stages.arguments("land"))
    yield from stages.problems_after(caller, "land", again)


def _pause_in_commit(about: Path, killed: Path, broken: Break | None) -> None:
    """Tell that the next call commits, and go on when the server is dead; wait for none that has gone."""
    from pyspark.sql.connect.readwriter import DataFrameWriter

    from lakehouse.adapters import spark_failures

    spark_failures.RETRIES = 2
    save = DataFrameWriter.save

    def told(self: DataFrameWriter, *arguments: object, **named: object) -> None:
        about.touch()
        await_sign(killed)
        save(self, *arguments, **named)  # type: ignore[arg-type]

    DataFrameWriter.save = told  # type: ignore[method-assign]
    if broken is not None:
        broken()


def await_sign(sign: Path) -> None:
    """Wait until another process has made a file; TimeoutError where it does not in SIGN_SECONDS."""
    deadline = time.monotonic() + SIGN_SECONDS
    while not sign.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no sign from another process after {SIGN_SECONDS:.0f} s")
        time.sleep(0.05)


def killed_anywhere(stages: Stages, kills: int, seed: int) -> Generator[str, None, None]:
    """Kill a whole chain at random points of its life, on homes in which a first batch is published."""
    second, clean = stages.folder / "second.csv", stages.clean["publish"]
    shutil.copytree(stages.folder / "before-land", stages.folder / WHOLE)
    with ChainServer() as chain:
        life = chain.run(stages.copied("land").home, second, None)
        unbroken = CleanRun(
            seconds=life.seconds, content=clean.gold[-1], rows=clean.rows, leaves=clean.leaves
        )
        for kill in drill(stages.folder, chain, unbroken, kills, seed):
            yield from (f"killed after {kill.after:.2f} s: {problem}" for problem in kill.problems)


def writers_of_one_batch(
    stages: Stages, _verbs: Sequence[str], broken: Break | None = None
) -> Generator[str, None, None]:
    """Land one batch from eight processes at once: one version, seven repeats."""
    caller = stages.copied("land")
    started = [caller.start(*stages.arguments("land"), "--json", broken=broken) for _ in range(WRITERS)]
    ended = [running.ended() for running in started]
    for one in ended:
        yield from one.problems(0)
    repeats = sum('"repeated": true' in one.out for one in ended)
    if repeats != WRITERS - 1:
        yield f"{repeats} of {WRITERS} landings of one batch were repeats"
    yield from stages.problems_after(caller, "land", ended[0])


def writers_of_many_batches(
    stages: Stages, _verbs: Sequence[str], broken: Break | None = None
) -> Generator[str, None, None]:
    """Land a batch each from eight processes at once: every row is there, one version a batch and table."""
    caller = stages.copied("land")
    before = _counts(caller)
    batches = [
        write_batch(stages.folder / f"batch-{number}.csv", 1000 + number * PEOPLE_EACH, PEOPLE_EACH)
        for number in range(WRITERS)
    ]
    started = [caller.start("land", DATASET, str(batch), broken=broken) for batch in batches]
    for ended in [running.ended() for running in started]:
        yield from ended.problems(0)
    expected = {
        "versions": before["versions"] + 2 * WRITERS,
        "rows": before["rows"] + WRITERS * PEOPLE_EACH,
        "leaves": before["leaves"] + 2 * WRITERS,
    }
    after = _counts(caller)
    if after != expected:
        yield f"after {WRITERS} writers: {after}, expected {expected}"
    yield from in_child(lambda: _unsound(caller))


def _counts(caller: Caller) -> Mapping[str, int]:
    """Return versions of all tables, rows of the newest bronze version, leaves."""

    def count() -> dict[str, int]:
        site = open_site(caller.site_file, caller.home)
        rows = rows_of(site)
        bronze = [many for table, _, many in rows if table == f"bronze.{DATASET}"]
        return {"versions": len(rows), "rows": max(bronze), "leaves": site.log.size()}

    return in_child(count)


def _unsound(caller: Caller) -> list[str]:
    site = open_site(caller.site_file, caller.home)
    return [*unsigned_versions(site), *findings_of(site)]


def swallow_failures() -> None:
    """Broken: a command that failed says that it is done."""
    from lakehouse.cli import main

    main._fail = lambda *_arguments: 0


def name_nothing() -> None:
    """Broken: what the system refuses is called a fault of ours."""
    from lakehouse.cli import failures

    failures._known_cause = lambda _error: None


def name_no_spark_failure() -> None:
    """Broken: what Spark meets passes as it is."""
    from lakehouse.adapters import delta_tables

    delta_tables.named_failures = nullcontext


def ask_no_java() -> None:
    """Broken: Spark is started without a look at Java and at the limits."""
    from lakehouse.adapters import spark_session

    spark_session.check_java = lambda: 17


def lock_nothing() -> None:
    """Broken: nobody waits for another writer."""
    from lakehouse.adapters.file_locks import FileLocks

    FileLocks.hold = lambda *_arguments: nullcontext()  # type: ignore[method-assign]
