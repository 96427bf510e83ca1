"""Logs that grow, fork and are rolled back, and witnesses to show them to: examples the tests share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.witness import Witness
from lakehouse.adapters.witness_keys import make_witness_keys
from lakehouse.adapters.witness_state import WitnessState
from lakehouse.core.checkpoint import Checkpoint, SignedNote
from lakehouse.core.merkle import consistency_path, leaf_hash, root_of
from lakehouse.core.witness_protocol import AddCheckpoint

ORIGIN = "livinglab.local/watched"
SIGNER = Signer(ORIGIN, b"\x01" * 32)
STRANGER = Signer(ORIGIN, b"\x07" * 32)
NOW = 1_800_000_000


@dataclass(frozen=True)
class SampleLog:
    """A log as its operator holds it: leaf hashes and the key."""

    hashes: tuple[bytes, ...]
    signer: Signer = SIGNER

    @classmethod
    def of(cls, size: int, *, shared: int | None = None, branch: str = "other") -> "SampleLog":
        """Return a log of `size` leaves; after the first `shared` of them it has those of another branch."""
        kept = size if shared is None else shared
        names = [f"entry {number}" if number < kept else f"{branch} {number}" for number in range(size)]
        return cls(tuple(leaf_hash(name.encode()) for name in names))

    def head(self, size: int | None = None) -> SignedNote:
        """Return the signed head over the first `size` leaves."""
        hashes = self.hashes[:size]
        root = root_of(hashes)
        return self.signer.sign_note(Checkpoint(origin=ORIGIN, size=len(hashes), root=root).render())

    def path(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the consistency path from `old` leaves; empty where there is none to give."""
        hashes = self.hashes[:size]
        return tuple(consistency_path(hashes, old)) if 0 < old < len(hashes) else ()

    def request(self, old: int, size: int | None = None) -> bytes:
        """Return the body that asks a witness to cosign the first `size` leaves."""
        note = self.head(size)
        return AddCheckpoint(old=old, path=self.path(old, size), note=note).render().encode()


def new_witness(folder: Path, name: str = "w1.example", *, logs: Sequence[Signer] = (SIGNER,)) -> Witness:
    """Return a witness in this process; `said` of it collects what it tells."""
    make_witness_keys(folder / "keys", name)
    state = WitnessState(folder)
    state.create()
    for signer in logs:
        state.add_log(signer.key)
    return opened_witness(folder)


def opened_witness(folder: Path) -> Witness:
    """Return the witness of a folder, as after a restart."""
    from lakehouse.adapters.witness_keys import read_witness_keys

    said: list[str] = []
    witness = Witness(read_witness_keys(folder / "keys"), WitnessState(folder), said.append, lambda: NOW)
    witness.said = said  # type: ignore[attr-defined]
    return witness
