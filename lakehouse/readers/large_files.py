"""What holds for each file that is read in parts: how large it may be, how it is set aside, that it stays."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import UnreadableInput
from lakehouse.readers.casting import Failure
from lakehouse.readers.input_files import FILE_LIMIT, FileRows, InputFile
from lakehouse.readers.whole_files import reject_file

STREAM_LIMIT = 2**34


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFile:
    """A file whose rows are read when they are asked for.

    source: the file. digest: SHA-256 of its bytes. read: yields its rows in parts, the same ones each time;
    raises UnreadableInput where the file is no longer what it was when it was found.
    """

    source: InputFile
    digest: bytes
    read: Callable[[], Iterator[FileRows]]
    identity: str = ""
    constants: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def file(self) -> int:
        """Its number in the batch."""
        return self.source.number

    def parts(self) -> Iterator[FileRows]:
        """Yield the rows in parts."""
        return self.read()


def require_readable_size(file: InputFile) -> None:
    """Raise UnreadableInput where a file is larger than STREAM_LIMIT."""
    if file.size > STREAM_LIMIT:
        raise UnreadableInput(
            f"an input file has {file.size:,} bytes; {STREAM_LIMIT:,} can be read", remedy="split it"
        )


def set_aside_large(file: InputFile, contract: DatasetContract, fault: Failure) -> FileRows:
    """Return a file set aside as a whole.

    Raises:
        UnreadableInput: it is larger than what can be kept as one entry.
    """
    if file.size > FILE_LIMIT:
        raise UnreadableInput(
            f"an input file of {file.size:,} bytes cannot be taken as it is ({fault.reason}), and one of "
            f"more than {FILE_LIMIT:,} cannot be set aside",
            remedy="mend it or its contract, or split it",
            reason=fault.reason,
        )
    return reject_file(file, contract, fault.reason, fault.column or None)


def changed_while_read() -> UnreadableInput:
    """Return the error that says so."""
    return UnreadableInput(
        "an input file changed while it was read", remedy="land it again when nobody writes to it"
    )
