"""Keys of a test's vault: what a keyring gives, without files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FixedKeys:
    """Two keys that stand in for the keyring."""

    wrapping: bytes = b"w" * 32
    index: bytes = b"i" * 32

    def wrapping_key(self) -> bytes:
        return self.wrapping

    def index_key(self) -> bytes:
        return self.index
