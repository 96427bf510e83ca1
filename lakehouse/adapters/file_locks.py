"""Locks between processes: files under `locks/` of the home, freed by the system when their owner dies."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lakehouse.errors import Unavailable
from lakehouse.ports import WAIT_SECONDS


@contextmanager
def hold_locks(folder: Path, names: Iterable[str], wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold one lock a name, taken in order of name; a process may take again what it holds.

    Raises Unavailable where another living process keeps one of them for longer than `wait` seconds.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as held:
        for name in sorted(set(names)):
            lock = FileLock(folder / f"{name}.lock", is_singleton=True)
            try:
                held.enter_context(lock.acquire(timeout=wait))
            except Timeout as error:
                raise Unavailable(
                    f"{name} has been written by another process for {wait:.0f} s",
                    remedy="wait for it, or stop it",
                ) from error
        yield


class FileLocks:
    """The locks of a home whose folder all writers share, on one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hold(self, names: Iterable[str], wait: float = WAIT_SECONDS) -> AbstractContextManager[None]:
        """Hold one lock a name (`hold_locks`)."""
        return hold_locks(self._folder, names, wait)

    def require_held(self) -> None:
        """A file lock lasts as long as its process."""
