"""The log at its largest: roots and proofs of a million leaves, fsck of ten thousand."""

import resource
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median

from pymerkle import InmemoryTree

from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.sql_registry import Transaction
from lakehouse.adapters.tile_log import TileLog
from lakehouse.core.canonical import digest_json
from lakehouse.core.merkle import leaf_hash, root_of, verify_inclusion
from lakehouse.pipeline.fsck import FsckResult, fsck
from lakehouse.pipeline.log_records import Draft, add_entry, add_record, draft_record, log_transaction
from lakehouse.pipeline.site import Site
from tests.bench.figures import Figure, seconds

MANY = 1_000_000
BATCH = 100_000
WALKED = 10_000
HEADS = 200


def root_figure(leaves: int = MANY) -> Figure:
    """The root over entries, by pure hashlib, beside pymerkle that appends them; the roots are equal."""
    entries = [b"%d" % number for number in range(leaves)]
    roots: list[bytes] = []
    before = _peak_mib()
    ours = seconds(lambda: roots.append(root_of(map(leaf_hash, entries))))
    grown = _peak_mib() - before
    tree = InmemoryTree(algorithm="sha256")

    def append() -> None:
        for entry in entries:
            tree.append_entry(entry)
        roots.append(tree.get_root())

    peer = seconds(append)
    if roots[0] != roots[1]:
        raise RuntimeError("the two roots differ")
    return Figure(
        what=f"Merkle root of {leaves:,} leaves (hashlib), {grown} MiB more at its peak",
        ours=f"{ours:.2f} s",
        peer=f"{peer:.2f} s: pymerkle 7, in memory",
        ratio=ours / peer,
        goal="at most 0.10x",
    )


def _peak_mib() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // (1 << 20)


class CountingLog(TileLog):
    """A log that counts the files it reads."""

    reads = 0

    def _read(self, name: str) -> bytes:
        self.reads += 1
        return super()._read(name)


def make_log(folder: Path, leaves: int) -> CountingLog:
    """Return a log of `leaves` small entries."""
    log = CountingLog(folder, "bench", Signer("bench", b"s" * 32))
    for first in range(0, leaves, BATCH):
        log.extend([b"%d" % number for number in range(first, min(first + BATCH, leaves))], first)
    return log


def inclusion_figure(folder: Path, leaves: int = MANY) -> Figure:
    """A proof from tiles, verified; how many of the log's files it reads."""
    log = make_log(folder, leaves)
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    taken, most = [], 0
    for index in range(0, leaves, leaves // 50):
        log.reads = 0
        path: list[bytes] = []
        taken.append(seconds(lambda index=index, path=path: path.extend(log.inclusion(index, leaves))))
        most = max(most, log.reads)
        verify_inclusion(leaf_hash(b"%d" % index), index, leaves, path, log.root())
    return Figure(
        what=f"inclusion proof at {leaves:,} leaves, from tiles",
        ours=f"{median(taken) * 1000:.1f} ms, at most {most} files read",
        peer=f"{files:,} files in the log",
        ratio=None,
        goal="logarithmic: the checkpoint and two tiles a level",
    )


def fsck_figure(site: Site) -> Figure:
    """Fsck of a home whose log has ten thousand answers, with their rows and MACs, and a head every fifty."""
    sample = draft_record(site, kind="answer", digests={}, details={}, ref="answer")
    for first in range(0, WALKED, WALKED // HEADS):
        with log_transaction(site) as tx:
            for number in range(first, first + WALKED // HEADS):
                _add_answer(tx, sample, number)
    results: list[FsckResult] = []
    taken = seconds(lambda: results.append(fsck(site, lambda _said: None)))
    if not results[0].clean:
        raise RuntimeError("the measured home is not clean")
    return Figure(
        what=f"fsck of {WALKED:,} leaves under {HEADS:,} signed heads",
        ours=f"{taken:.1f} s",
        peer="",
        ratio=None,
        goal="under 20 s",
    )


def _add_answer(tx: Transaction, sample: Draft, number: int) -> None:
    question, said = digest_json(["question", number]), {"mean": str(number)}
    record = replace(sample.record, digests={"question": question, "answer": digest_json(said)})
    draft = replace(sample, record=record, ref=f"answer-{number}")
    index = add_entry(tx, draft)
    add_record(tx, index, draft)
    row = {"question_digest": question, "answer": said, "receipt": draft.ref, "question": {}}
    tx.add("answers", **row, leaf_index=index)
