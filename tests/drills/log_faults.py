"""Each file system call of one append fails or kills: the log stays one log, and keeps what it acknowledged.

The anchor is Tessera's fault test (integration/fault/posix). Two appends are drilled: an ordinary one, and
the one that completes a tile.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.core.checkpoint import Checkpoint, parse_checkpoint, parse_note
from lakehouse.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from lakehouse.errors import LivingLabError
from lakehouse.pipeline.fsck_registry import (
    check_log,
    check_records,
    check_rows,
    check_statements,
    read_snapshot,
)
from lakehouse.pipeline.log_records import add_entry, add_record, draft_record, log_transaction
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site
from tests.drills.append_server import RECEIPT, append_answer
from tests.drills.injections import Append, AppendServer, Injection, calls_of, injections_of

ORDINARY, LAST_OF_A_TILE = 3, 255
SITE_FILE, WORK = "site.toml", "work"
EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What one injection did, and what was wrong afterwards."""

    size: int
    injection: Injection
    append: Append
    problems: tuple[str, ...]


def make_log(folder: Path, size: int) -> Path:
    """Make a home under `folder` whose log has `size` leaves; its site has no contracts, so it opens fast."""
    site_file = folder / SITE_FILE
    if not site_file.exists():
        shutil.copytree(EXPECTATIONS / "policies", folder / "policies")
        site_file.write_text('name = "drill"\nexpectations = "."\n', encoding="utf-8")
    home = folder / f"log-{size}"
    site = open_site(site_file, home, create=True)
    with log_transaction(site) as tx:
        for number in range(size):
            draft = draft_record(site, kind="answer", digests={}, details={}, ref=f"answer-{number}")
            add_record(tx, add_entry(tx, draft), draft)
    return home


def drill(
    server: AppendServer,
    folder: Path,
    size: int,
    *,
    every: int = 1,
    only: str | None = None,
    broken: str | None = None,
) -> Iterator[Fault]:
    """Yield what each injection, or each `every`-th, or those into calls of one name, does to an append.

    The log of `size` leaves is made under `folder` where it is not there. LIVINGLAB_KEYS must be set.
    """
    whole = folder / f"log-{size}"
    if not whole.exists():
        make_log(folder, size)
    head = _head_on_disk(open_site(folder / SITE_FILE, whole))
    planned = injections_of(calls_of(_append(server, whole, None, None)))
    for injection in [one for one in planned if only in (None, one.call)][::every]:
        append = _append(server, whole, injection, broken)
        problems = tuple(_problems(folder, head, append.acknowledged))
        yield Fault(size=size, injection=injection, append=append, problems=problems)


def _append(server: AppendServer, whole: Path, injection: Injection | None, broken: str | None) -> Append:
    work = whole.parent / WORK
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(whole, work)
    return server.append(work, whole.parent / SITE_FILE, injection, broken)


def _problems(folder: Path, before: Checkpoint, acknowledged: bool) -> Iterator[str]:
    """Yield what is wrong with the home as the append left it, once it is replayed, and after one more."""
    try:
        site = open_site(folder / SITE_FILE, folder / WORK, replay=False)
        crashed = _head_on_disk(site)
        yield from _check_served(site, before, crashed)
        recover(site)
        yield from _check_kept(site, crashed, acknowledged, before.size)
        size = site.log.size()
        append_answer(site, "answer-after")
        if site.log.size() != size + 1:
            yield "the next append added no leaf"
    except (LivingLabError, OSError) as error:
        yield f"{type(error).__name__}: {error}"


def _head_on_disk(site: Site) -> Checkpoint:
    return parse_checkpoint(parse_note(site.log.checkpoint_text()).text)


def _check_served(site: Site, before: Checkpoint, head: Checkpoint) -> Iterator[str]:
    """Check the static files as a web server would serve them at this moment."""
    if head.size not in (before.size, before.size + 1):
        yield f"a head of {head.size} leaves was signed, before it {before.size}"
        return
    last = head.size - 1
    verify_inclusion(
        leaf_hash(site.log.entry(last)), last, head.size, site.log.inclusion(last, head.size), head.root
    )
    _require_extends(site, before, head)


def _require_extends(site: Site, old: Checkpoint, new: Checkpoint) -> None:
    verify_consistency(old.size, new.size, site.log.consistency(old.size, new.size), old.root, new.root)


def _check_kept(site: Site, crashed: Checkpoint, acknowledged: bool, size: int) -> Iterator[str]:
    """Check that the leaf is there once with all its rows, or not at all; and there where acknowledged."""
    with site.registry.reading() as tx:
        entries, ours = tx.count("entries"), tx.count("entries", ref=RECEIPT)
        rows = {tx.count("records", ref=RECEIPT), tx.count("answers", receipt=RECEIPT)}
    if entries != size + ours or ours > 1 or rows != {ours}:
        yield f"{entries} entries after {size}, {ours} of the append, rows {sorted(rows)}"
    if acknowledged and not ours:
        yield "an acknowledged leaf is lost"
    if site.log.size() != entries:
        yield f"the head speaks of {site.log.size()} of {entries} leaves"
    _require_extends(site, crashed, _head_on_disk(site))
    yield from _check_sound(site)


def _check_sound(site: Site) -> Iterator[str]:
    snapshot = read_snapshot(site)
    for findings in (
        check_rows(site),
        check_log(site, snapshot),
        check_records(snapshot),
        check_statements(snapshot),
    ):
        yield from (f"{found.kind}: {found.place}" for found in findings)


def unsynced(trace: Sequence[str]) -> list[str]:
    """Return what of registry/ and registry.db was not on disk, or not by its name, when it was acknowledged.

    `trace` is one append's, with the paths of its handles (strace -y).
    """
    waiting: set[str] = set()
    for line in trace:
        call = line.split(maxsplit=1)[-1].strip()
        name, _, rest = call.partition("(")
        if name == "write" and "acknowledged" in rest:
            break
        handle = rest.partition("<")[2].partition(">")[0]
        if name in ("write", "pwrite64") and "/registry" in handle and not handle.endswith("-shm"):
            waiting.add(handle)
        elif name == "unlink":
            waiting.discard(rest.split('"')[1])
        elif name in ("fsync", "fdatasync"):
            waiting.discard(handle)
        elif name.startswith("rename"):
            target = rest.split('"')[-2]
            waiting = {target if path == rest.split('"')[1] else path for path in waiting} | {
                str(Path(target).parent)
            }
    return sorted(waiting)
