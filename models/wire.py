"""Frames on the socket between client and server: 8 bytes of length (big endian), then the bytes."""

import socket
import struct

HEADER = struct.Struct(">Q")
LARGEST_FRAME = 1 << 28
"""256 MiB; a linear circuit needs 64 bytes of evaluation keys and about 12 kB of ciphertext."""


class ChannelError(Exception):
    """The other process ended inside a frame, or announced one that is too large."""


def send_frame(channel: socket.socket, payload: bytes) -> None:
    """Send one frame."""
    channel.sendall(HEADER.pack(len(payload)) + payload)


def receive_frame(channel: socket.socket) -> bytes | None:
    """Return the next frame, or None where the other process closed the channel between frames."""
    header = _receive_bytes(channel, HEADER.size)
    if not header:
        return None
    (length,) = HEADER.unpack(_whole(header, HEADER.size))
    if length > LARGEST_FRAME:
        raise ChannelError(f"a frame of {length} bytes; at most {LARGEST_FRAME}")
    return _whole(_receive_bytes(channel, length), length)


def _receive_bytes(channel: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        part = channel.recv(min(length - len(received), 1 << 20))
        if not part:
            break
        received += part
    return bytes(received)


def _whole(received: bytes, length: int) -> bytes:
    if len(received) != length:
        raise ChannelError(f"{len(received)} of {length} bytes, then the end")
    return received
