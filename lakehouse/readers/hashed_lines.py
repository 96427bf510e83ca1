"""The bytes and lines of a file that is not held in memory, and the digest of what was read."""

import hashlib
import io
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lakehouse.errors import UnreadableInput
from lakehouse.readers.input_files import FILE_LIMIT, RAW_LIMIT, InputFile
from lakehouse.readers.whole_files import BYTE_ORDER_MARK

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 2**20


class HashedFile(io.RawIOBase):
    """The bytes of an input file; raises UnreadableInput where it may not be opened or read."""

    def __init__(self, file: InputFile) -> None:
        super().__init__()
        self._hashed = hashlib.sha256()
        self._file = file.open()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer."""
        view = memoryview(buffer)
        try:
            count = self._file.readinto(view)
        except OSError as problem:
            raise UnreadableInput("an input file cannot be read", remedy="check its disk") from problem
        self._hashed.update(view[:count])
        return count

    def digest(self) -> bytes:
        """Return the SHA-256 of the bytes read so far."""
        return self._hashed.digest()

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


class HashedLines:
    """The lines of a file, without its byte order mark and without their ends.

    A line is as long as the file, or RAW_LIMIT where that is larger than can be set aside.
    """

    def __init__(self, file: InputFile) -> None:
        self._file = HashedFile(file)
        self._buffered = io.BufferedReader(self._file, CHUNK)
        self._longest = FILE_LIMIT if file.size <= FILE_LIMIT else RAW_LIMIT
        if self._buffered.peek(len(BYTE_ORDER_MARK)).startswith(BYTE_ORDER_MARK):
            self._buffered.read(len(BYTE_ORDER_MARK))

    def __enter__(self) -> Self:
        """Return the lines themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._buffered.close()

    def __iter__(self) -> Iterator[bytes]:
        """Return the lines themselves: what was read is not read again."""
        return self

    def __next__(self) -> bytes:
        """Return the next line; the end of the last line begins no new one."""
        line = self._buffered.readline(self._longest + 2)
        if not line:
            raise StopIteration
        if len(line) > self._longest and not line.endswith(b"\n"):
            raise UnreadableInput(
                f"a line of an input file has more than {self._longest:,} bytes and cannot be set aside",
                remedy="mend or split the file",
            )
        return line.removesuffix(b"\n").removesuffix(b"\r")

    def digest(self) -> bytes:
        """Return the SHA-256 of the file; of all of it once there are no more lines."""
        return self._file.digest()
