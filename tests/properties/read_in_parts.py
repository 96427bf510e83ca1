"""What a file read in parts must be, whatever its format."""

import hashlib
from dataclasses import replace

import pyarrow as pa

from lakehouse.readers.input_files import FileRows, FoundRows


def require_parts_of(whole: FileRows, found: FoundRows, data: bytes, rows: int) -> None:
    """The parts, read twice, hold `rows` at most each, bear the file's digest and make the whole."""
    for parts in (list(found.parts()), list(found.parts())):
        assert all(part.received <= rows for part in parts)
        assert {part.digest for part in parts} == {found.digest} == {hashlib.sha256(data).digest()}
        joined = replace(
            parts[0],
            rows=pa.concat_tables([part.rows for part in parts]),
            rejected=tuple(row for part in parts for row in part.rejected),
            received=sum(part.received for part in parts),
        )
        assert joined == whole
