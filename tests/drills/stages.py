"""Homes that stand before land, refine and publish, and how each verb should leave them.

A drill copies one, breaks something under the verb, mends it, runs the verb again and compares.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LivingLabError
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site
from tests.drills.chain import DATASET, PRODUCT, write_batch
from tests.drills.commands import Caller, Ended, in_child
from tests.drills.kills import PEOPLE, findings_of, make_site_file, rows_of, unsigned_versions

VERBS = ("land", "refine", "publish")
TABLE = f"gold.{PRODUCT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a home holds: versions with their rows, leaves, and the content of gold."""

    rows: tuple[tuple[str, int, int], ...]
    leaves: int
    gold: tuple[str, ...]


def facts_of(site: Site) -> Facts:
    """Return what a home holds."""
    with site.registry.reading() as tx:
        gold = tuple(row["content_digest"] for row in tx.many("versions", table_name=TABLE))
    return Facts(rows=rows_of(site), leaves=site.log.size(), gold=gold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """A folder with one home a verb, as it stands before it, and what an unbroken run leaves."""

    folder: Path
    clean: Mapping[str, Facts]

    def arguments(self, verb: str) -> list[str]:
        """Return a verb's command line."""
        second = str(self.folder / "second.csv")
        return {
            "land": ["land", DATASET, second],
            "refine": ["refine", DATASET],
            "publish": ["publish", PRODUCT],
        }[verb]

    def copied(self, verb: str, place: Path | None = None) -> Caller:
        """Return a copy of the home that stands before a verb, at `place`."""
        home = (place or self.folder) / "work"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.folder / f"before-{verb}", home)
        return caller_of(self.folder, home)

    def problems_after(self, caller: Caller, verb: str, ended: Ended) -> Iterator[str]:
        """Yield how a home differs from one in which the verb ran to its end unbroken."""
        yield from ended.problems(0)
        yield from in_child(lambda: list(problems_of(caller, verb, self.clean[verb])))


def problems_of(caller: Caller, verb: str, clean: Facts) -> Iterator[str]:
    """Yield how a home differs from what it should hold after a verb, and what fsck finds; opens the home."""
    try:
        site = open_site(caller.site_file, caller.home)
        if facts_of(site) != clean:
            yield f"after {verb}: {facts_of(site)}, in a clean run {clean}"
        yield from unsigned_versions(site)
        yield from findings_of(site)
    except LivingLabError as error:
        yield f"after {verb}: {type(error).__name__}: {error}"


def caller_of(folder: Path, home: Path) -> Caller:
    """Return whoever runs commands on a home; what they say is kept under `folder`."""
    return Caller(home=home, site_file=make_site_file(folder), scratch=folder / "said")


def prepare_stages(folder: Path) -> Stages:
    """Make the homes under `folder`; every verb runs in a process of its own."""
    first = write_batch(folder / "first.csv", 1, PEOPLE)
    write_batch(folder / "second.csv", 1 + PEOPLE, PEOPLE)
    caller = caller_of(folder, folder / "made")
    stages = Stages(folder=folder, clean={})
    _must(caller.run("land", DATASET, str(first)))
    for verb in VERBS[1:]:
        _must(caller.run(*stages.arguments(verb)))
    clean = {}
    for verb in VERBS:
        shutil.copytree(caller.home, folder / f"before-{verb}")
        _must(caller.run(*stages.arguments(verb)))
        clean[verb] = in_child(lambda: facts_of(open_site(caller.site_file, caller.home)))
    return Stages(folder=folder, clean=clean)


def _must(ended: Ended) -> None:
    if ended.code:
        raise RuntimeError(f"{ended.command} does not run unbroken: {ended.error}")


def in_own_namespace() -> list[str]:
    """Return the command in front of a program that may then mount for itself; empty where none may."""
    for options in (["--mount"], ["--mount", "--user", "--map-root-user"]):
        command = ["unshare", *options]
        mounting = ["sh", "-c", "mount -t tmpfs none /mnt"]
        try:
            tried = subprocess.run([*command, *mounting], capture_output=True, check=False)
        except FileNotFoundError:
            return []
        if tried.returncode == 0:
            return command
    return []
