"""kill -9 at random points of land -> refine -> publish -> checkpoint: nothing lost, nothing doubled.

One Spark Connect server lives through the drill, as in `make ui`: a writer that is killed leaves work behind
in an engine that goes on. Every kill meets a copy of one home, in which a first batch is published.
"""

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pyspark.errors import PySparkException

from lakehouse.adapters.delta_log import table_versions
from lakehouse.adapters.delta_tables import _sessions
from lakehouse.adapters.site_file import read_site_file
from lakehouse.adapters.spark_connect_server import ConnectServer, start_connect_server
from lakehouse.errors import LivingLabError
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site
from tests.drills.chain import run_chain, write_batch
from tests.local_ports import free_port, wait_for_port

PROJECT = Path(__file__).resolve().parents[2]
SITE_FILE, WHOLE, WORK = "site.toml", "whole", "work"
PEOPLE = 20
LATE_FILE = "file that no version names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill: after how many seconds, how long the replay took, what was wrong then."""

    after: float
    recovery: float
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How long a chain lived, and whether it came to its end."""

    seconds: float
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRun:
    """What a batch leaves when nobody is killed."""

    seconds: float
    content: str | None
    rows: tuple[tuple[str, int, int], ...]
    leaves: int


@contextmanager
def connect_server(folder: Path) -> Iterator[ConnectServer]:
    """Run a Spark Connect server and yield it; within, sites that are opened use it.

    The session of this process ends before the server: at its own end it would look for it for minutes.
    """
    site_file = make_site_file(folder)
    port = free_port()
    with (folder / "spark.log").open("wb") as said:
        server = start_connect_server(read_site_file(site_file).engine, folder / "spark", port, said)
        before = {name: os.environ.get(name) for name in server.variables}
        os.environ.update(server.variables)
        try:
            wait_for_port(port)
            yield server
        finally:
            while _sessions:
                _sessions.popitem()[1].stop()
            server.process.terminate()
            server.process.wait()
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def make_site_file(folder: Path) -> Path:
    """Write the drill's site file and contracts under `folder`, as far as they are not there."""
    site_file = folder / SITE_FILE
    if not site_file.exists():
        shutil.copytree(PROJECT / "tests" / "drills" / "expectations", folder / "expectations")
        shutil.copytree(PROJECT / "expectations" / "policies", folder / "expectations" / "policies")
        site_file.write_text('name = "drill"\nexpectations = "expectations"\n', encoding="utf-8")
    return site_file


class ChainServer:
    """The server of `chain`, whose children are killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.drills.chain"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT,
        )

    def __enter__(self) -> "ChainServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, home: Path, batch: Path, after: float | None) -> Life:
        """Run the chain, killed `after` seconds unless it has ended by then."""
        assert self._process.stdin and self._process.stdout
        asked = {"home": str(home), "site_file": str(home.with_name(SITE_FILE)), "batch": str(batch)}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        begun = time.monotonic()
        ended, _, _ = select.select([self._process.stdout], [], [], after)
        if not ended:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        finished = self._process.stdout.readline() == b"finished\n"
        lived = time.monotonic() - begun
        if finished:
            self._process.stdout.readline()
        return Life(seconds=lived, finished=finished)


def prepare(folder: Path, chain: ChainServer, runs: int = 3) -> CleanRun:
    """Make the home with its first batch under `folder`, and run the second `runs` times without a kill."""
    site_file = make_site_file(folder)
    first = write_batch(folder / "first.csv", 1, PEOPLE)
    write_batch(folder / "second.csv", 1 + PEOPLE, PEOPLE)
    run_chain(open_site(site_file, folder / WHOLE, create=True), first)
    lived: list[float] = []
    for _ in range(runs):
        site = _copied(folder)
        life = chain.run(site.home.path, folder / "second.csv", None)
        if not life.finished:
            raise RuntimeError("the chain does not run without a kill")
        lived.append(life.seconds)
    release = run_chain(site, folder / "second.csv")
    clean = CleanRun(
        seconds=min(lived),
        content=release.content_digest,
        rows=rows_of(site),
        leaves=site.log.size(),
    )
    found = [*release.reasons, *unsigned_versions(site), *findings_of(site)]
    if clean.content is None or found:
        raise RuntimeError(f"the run without a kill is not clean: {release.state}, {found}")
    return clean


def drill(folder: Path, chain: ChainServer, clean: CleanRun, kills: int, seed: int) -> Iterator[Kill]:
    """Kill the chain at `kills` random points of its life, each in a home of its own.

    A chain that had finished by then was not killed, and is not counted; the next points lie within its life.
    """
    points, span = random.Random(seed), clean.seconds
    while kills:
        after = points.uniform(0.0, span)
        site = _copied(folder)
        life = chain.run(site.home.path, folder / "second.csv", after)
        if life.finished:
            span = min(span, life.seconds)
            continue
        kills -= 1
        begun = time.monotonic()
        problems, recovery = [], 0.0
        try:
            recover(open_site(site.home.path.with_name(SITE_FILE), site.home.path))
            recovery = time.monotonic() - begun
            problems += _problems(site, folder, clean)
        except (LivingLabError, PySparkException) as error:
            problems.append(f"{type(error).__name__}: {error}")
        yield Kill(after=after, recovery=recovery, problems=tuple(problems))


def _copied(folder: Path) -> Site:
    shutil.rmtree(folder / WORK, ignore_errors=True)
    shutil.copytree(folder / WHOLE, folder / WORK)
    return open_site(folder / SITE_FILE, folder / WORK)


def _problems(site: Site, folder: Path, clean: CleanRun) -> Iterator[str]:
    """Yield what is wrong once the replay has ended, and once the batch was run again to its end.

    Between the two the engine may still be writing files for the dead: they end as orphans of the next write.
    """
    yield from unsigned_versions(site)
    yield from (found for found in findings_of(site) if not found.startswith(LATE_FILE))
    content = run_chain(site, folder / "second.csv").content_digest
    if content != clean.content:
        yield f"gold is {content}, in a clean run {clean.content}"
    if rows_of(site) != clean.rows:
        yield f"versions and rows are {rows_of(site)}, in a clean run {clean.rows}"
    if site.log.size() != clean.leaves:
        yield f"{site.log.size()} leaves, in a clean run {clean.leaves}"
    yield from unsigned_versions(site)
    yield from findings_of(site)


def unsigned_versions(site: Site) -> list[str]:
    """Return the Delta versions that have no leaf."""
    with site.registry.reading() as tx:
        signed = {(row["table_name"], row["version"]) for row in tx.many("versions")}
    folders = [path for path in site.lake.folder.glob("*/*") if path.is_dir()]
    there = {(f"{path.parent.name}.{path.name}", one) for path in folders for one in table_versions(path)}
    return [f"{table}@{version} has no leaf" for table, version in sorted(there - signed)]


def findings_of(site: Site) -> Sequence[str]:
    return [f"{found.kind}: {found.place}" for found in fsck(site, lambda _said: None).findings]


def rows_of(site: Site) -> tuple[tuple[str, int, int], ...]:
    """Return (table, version, rows) of every signed version."""
    with site.registry.reading() as tx:
        return tuple((row["table_name"], row["version"], row["rows"]) for row in tx.many("versions"))
