"""A thousand requests at once never roll a witness back, and never let it cosign two roots of one size."""

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from witness_processes import start_witness
from witnessed_logs import ORIGIN, SIGNER, SampleLog, new_witness

from lakehouse.adapters.witness import Witness
from lakehouse.adapters.witness_state import StoredHead, Turn, WitnessState
from lakehouse.core.checkpoint import Checkpoint, SignedNote, decode_base64

REQUESTS = 1_000
LOGS = [SampleLog.of(60), SampleLog.of(60, shared=0)]
BODIES = [
    LOGS[number % 2].request(max(0, size - step), size)
    for number in range(REQUESTS)
    for size, step in [(1 + number % 47, number % 5)]
]
Answers = list[tuple[bytes, int, str]]


def faults(answers: Answers, sizes: list[int]) -> list[str]:
    """Return what a witness did that it must not: two roots at a size, a size that fell."""
    cosigned: dict[str, set[str]] = {}
    for body, status, _ in answers:
        if status == 200:
            _, size, root = body.decode().partition("\n\n")[2].split("\n")[:3]
            cosigned.setdefault(size, set()).add(root)
    found = [f"two roots at {size}" for size, roots in cosigned.items() if len(roots) > 1]
    return found + ["its size fell" for before, after in pairwise(sizes) if after < before]


def stored_size(state: WitnessState) -> int:
    with state.reading() as turn:
        stored = turn.head(ORIGIN)
    return stored.size if stored else 0


@contextmanager
def watched(state: WitnessState, pause: float = 0.002) -> Iterator[list[int]]:
    """Read the stored size again and again meanwhile."""
    sizes: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            sizes.append(stored_size(state))
            stop.wait(pause)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield sizes
    finally:
        stop.set()
        reader.join()
        sizes.append(stored_size(state))


def test_a_thousand_requests_over_http(tmp_path: Path) -> None:
    running = start_witness(tmp_path, "w1.example", SIGNER.vkey)

    async def ask_all() -> Answers:
        limits = httpx.Limits(max_connections=32)
        async with httpx.AsyncClient(limits=limits, timeout=300) as client:

            async def ask(body: bytes) -> tuple[bytes, int, str]:
                answer = await client.post(f"{running.url}/add-checkpoint", content=body)
                return body, answer.status_code, answer.text

            return await asyncio.gather(*(ask(body) for body in BODIES))

    try:
        with watched(running.state, 0.05) as sizes:
            answers = asyncio.run(ask_all())
    finally:
        running.kill()
    assert faults(answers, sizes) == []
    assert {status for _, status, _ in answers} <= {200, 409, 422}
    assert sum(status == 200 for _, status, _ in answers) >= 2


def ask_in_threads(witness: Witness) -> list[str]:
    """Return the faults of a witness in this process, asked by many threads."""
    with watched(witness.state) as sizes, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(witness.add_checkpoint, BODIES[:400]))
    told = zip(BODIES, answers, strict=False)
    return faults([(body, answer.status, answer.body) for body, answer in told], sizes)


def test_many_threads_of_one_process(tmp_path: Path) -> None:
    assert ask_in_threads(new_witness(tmp_path)) == []


DECIDING = WitnessState.deciding
BOTH_HAVE_READ = threading.Barrier(2)


class LateTurn(Turn):
    """The broken variant: reads in one transaction, stores in a later one, holds no lock in between."""

    def __init__(self, state: WitnessState) -> None:
        self._state = state

    def head(self, origin: str, size: int | None = None) -> StoredHead | None:
        with self._state.reading() as turn:
            found = turn.head(origin, size)
        BOTH_HAVE_READ.wait(timeout=30)
        return found

    def last_second(self) -> int:
        return 0

    def keep(self, head: Checkpoint, note: SignedNote, cosigned: SignedNote, seconds: int) -> None:
        with DECIDING(self._state) as turn:
            turn.keep(head, note, cosigned, seconds)

    def keep_shown(self, head: Checkpoint, note: SignedNote) -> None:
        return None

    def others(self, origin: str, size: int, root: bytes) -> list[SignedNote]:
        return []


@contextmanager
def late(self: WitnessState) -> Iterator[Turn]:
    yield LateTurn(self)


def test_a_witness_that_checks_before_it_locks_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two first heads at once: both are new to it, and it signs both."""
    witness = new_witness(tmp_path)
    monkeypatch.setattr(WitnessState, "deciding", late)
    bodies = [log.request(0, 1) for log in LOGS]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(witness.add_checkpoint, bodies))
    told = [(body, answer.status, answer.body) for body, answer in zip(bodies, answers, strict=True)]
    assert faults(told, []) == ["two roots at 1"]


def test_its_time_never_falls(tmp_path: Path) -> None:
    """A clock that is set back by a year makes no cosignature look earlier than the last."""
    clock = [2_000_000_000.0, 1_968_000_000.0, 2_000_000_001.0]
    witness = new_witness(tmp_path)
    witness._clock = lambda: clock.pop(0)
    log = LOGS[0]
    times = []
    for old, size in ((0, 3), (3, 5), (5, 9)):
        answer = witness.add_checkpoint(log.request(old, size))
        line = re.findall(r"— \S+ (\S+)", answer.body)[0]
        times.append(int.from_bytes(decode_base64(line, "a line")[4:12], "big"))
    assert times == [2_000_000_000, 2_000_000_000, 2_000_000_001]
