"""A stream out of .xz that refuses to take more memory than an honest one needs.

`lzma.LZMAFile` takes no limit: a header of a few bytes may ask for 4 GiB of dictionary.
Format: https://tukaani.org/xz/xz-file-format.txt
"""

import io
import lzma
from typing import IO, cast

MEMORY_LIMIT = 2**28
"""`xz -9` needs 65 MiB to decompress."""
_PIECE = 2**16


class _XzStream(io.RawIOBase):
    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._waiting = b""
        self._decoder = _new_decoder()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._next_bytes(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next_bytes(self, size: int) -> bytes:
        while not self._decoder.eof or self._next_stream():
            fed = self._compressed() if self._decoder.needs_input else b""
            if self._decoder.needs_input and not fed:
                raise EOFError("the compressed stream breaks off")
            if data := self._decoder.decompress(fed, size):
                return data
        return b""

    def _compressed(self) -> bytes:
        fed, self._waiting = self._waiting or self._raw.read(_PIECE), b""
        return fed

    def _next_stream(self) -> bool:
        """Whether another stream follows; zeros may pad the place between two."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest and (piece := self._raw.read(_PIECE)):
            rest = piece.lstrip(b"\0")
        self._waiting = rest
        self._decoder = _new_decoder() if rest else self._decoder
        return bool(rest)


def open_xz(raw: IO[bytes]) -> IO[bytes]:
    """Return the decompressed stream; reading it raises LZMAError where it asks for too much memory."""
    return cast("IO[bytes]", io.BufferedReader(_XzStream(raw), 2**18))


def _new_decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MEMORY_LIMIT)
