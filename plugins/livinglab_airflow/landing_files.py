"""Files that arrive in the drop zone: which are whole, and when a burst of them is over.

A file counts as whole once size, times and inode stand still; names of files stay in here.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from lakehouse.adapters.file_stamps import Stamp, file_stamp

QUIET_SECONDS = 2.0
"""A file that nobody touched for so long is whole."""

LONGEST_BURST = 120.0
"""Seconds after which files that stand still are told of although others are still being written."""

UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")
"""Endings under which programs write what they will rename."""


def is_unfinished(path: Path) -> bool:
    """Say whether the name says that its writer has not ended: hidden, or with an ending of `UNFINISHED`."""
    return path.name.startswith(".") or path.name.casefold().endswith(UNFINISHED)


def whole_files(files: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files that nobody is writing, waiting once for those touched a moment ago."""
    chosen = [path for path in files if not is_unfinished(path)]
    before = {path: file_stamp(path) for path in chosen}
    now = time.time_ns()
    if any(stamp and now - max(stamp[1:3]) < QUIET_SECONDS * 1e9 for stamp in before.values()):
        time.sleep(QUIET_SECONDS)
    return tuple(path for path in chosen if before[path] is not None and file_stamp(path) == before[path])


@dataclass(slots=True, kw_only=True)
class DropZoneWatch:
    """Looks at a data set's folders again and again, and says when there is something new to take in.

    A burst of files is told of once, when all of them stand still; a file that was told of is not told of
    again before it changes.
    """

    folders: Sequence[Path]
    patterns: Sequence[str]
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, Stamp] = field(default_factory=dict)
    _told: dict[str, Stamp] = field(default_factory=dict)
    _since: float | None = None

    def look(self) -> bool:
        """Return whether files have arrived that were not told of; OSError where a folder cannot be read."""
        found = dict(self._stamps())
        still = {path: stamp for path, stamp in found.items() if self._seen.get(path) == stamp}
        self._seen = found
        self._told = {path: stamp for path, stamp in self._told.items() if found.get(path) == stamp}
        if found.keys() <= self._told.keys():
            self._since = None
            return False
        self._since = self.clock() if self._since is None else self._since
        whole = len(still) == len(found) or self.clock() - self._since >= LONGEST_BURST
        if not whole or still.keys() <= self._told.keys():
            return False
        self._told, self._since = still, None
        return True

    def _stamps(self) -> Iterator[tuple[str, Stamp]]:
        for folder in self.folders:
            for path in _files_below(folder):
                inside = path.relative_to(folder).as_posix()
                named = any(fnmatchcase(path.name, own) or fnmatchcase(inside, own) for own in self.patterns)
                if named and not is_unfinished(path) and (stamp := file_stamp(path)) is not None:
                    yield str(path), stamp


def _files_below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder, onerror=_unless_gone):
        yield from (Path(place, name) for name in names)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
