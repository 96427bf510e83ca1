"""Fork a child that appends one leaf to a log, as often as asked: a fork starts where imports have ended.

Each line on stdin is {"home": path, "site_file": path, "broken": name or null}. The child writes its number
and waits for SIGUSR1, so that strace can take hold of it; it writes `acknowledged` once the append has
returned. Then `ended` follows.
"""

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from lakehouse.adapters import durable_files, tile_log
from lakehouse.adapters.tile_log import CHECKPOINT, TileLog
from lakehouse.core.canonical import digest_json
from lakehouse.pipeline import log_records
from lakehouse.pipeline.log_records import add_entry, draft_record, log_record, log_transaction
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site

ACKNOWLEDGED = b"acknowledged\n"
RECEIPT = "answer-drill"


def append_answer(site: Site, receipt: str) -> None:
    """Log one answer with its row of the registry, as `answer` does."""
    said = {"mean": "1.1"}
    question = digest_json({"receipt": receipt})
    draft = draft_record(
        site,
        kind="answer",
        digests={"question": question, "answer": digest_json(said)},
        details={},
        ref=receipt,
    )
    row = {"question_digest": question, "answer": said, "receipt": receipt, "question": {}}
    log_record(site, draft, rows={"answers": [{**row, "leaf_index": None}]})


def write_in_place(path: Path, content: bytes) -> None:
    """Broken: a reader may meet half a file."""
    durable_files.make_private_folder(path.parent)
    path.write_bytes(content)


def write_without_sync(path: Path, content: bytes) -> None:
    """Broken: what is acknowledged may not survive a power cut."""
    durable_files.make_private_folder(path.parent)
    unfinished = path.with_name(f".{path.name}.0badcafe{durable_files.UNFINISHED}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def break_file_order() -> None:
    """Broken: the signed head speaks of tiles that are not there yet."""
    whole = TileLog._write
    held: list[tuple[str, bytes]] = []

    def write(self: TileLog, name: str, content: bytes) -> None:
        if name != CHECKPOINT:
            held.append((name, content))
            return
        whole(self, name, content)
        for waiting in held:
            whole(self, *waiting)

    TileLog._write = write  # type: ignore[method-assign]


def break_transaction() -> None:
    """Broken: the entry and its record are two transactions."""

    def log_apart(site: Site, draft: log_records.Draft, *, rows: log_records.RegistryRows) -> None:
        with log_transaction(site) as tx:
            index = add_entry(tx, draft)
        with site.registry.transaction() as tx:
            log_records.add_record(tx, index, draft)
            log_records.add_rows(tx, rows, {"leaf_index": index})

    globals()["log_record"] = log_apart


BROKEN: Mapping[str, Callable[[], None]] = {
    "files are written in place": lambda: setattr(tile_log, "write_durably", write_in_place),
    "nothing is synced": lambda: setattr(tile_log, "write_durably", write_without_sync),
    "the head is written before the tiles": break_file_order,
    "entry and record are two transactions": break_transaction,
}
ACKNOWLEDGED_FIRST = "acknowledged before it is written"


def append_once(home: Path, site_file: Path, broken: str | None) -> None:
    """Be the child: wait for the signal, append, acknowledge."""
    site = open_site(site_file, home, replay=False)
    if broken in BROKEN:
        BROKEN[broken]()
    os.write(1, b"%d\n" % os.getpid())
    signal.sigwait({signal.SIGUSR1})
    if broken == ACKNOWLEDGED_FIRST:
        os.write(1, ACKNOWLEDGED)
    append_answer(site, RECEIPT)
    os.write(1, ACKNOWLEDGED)


def serve() -> None:
    """Fork one child a line of stdin."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    with tempfile.TemporaryDirectory(prefix="livinglab-warm-") as folder:
        append_answer(open_site(home=Path(folder, "home"), create=True), "warm")
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                append_once(Path(asked["home"]), Path(asked["site_file"]), asked["broken"])
                code = 0
            finally:
                os._exit(code)
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    serve()
