"""A log that forked and one that was rewritten: examples that several tests share."""

from typing import Any

from proof_samples import SIGNER

from lakehouse.adapters.signatures import Signer
from lakehouse.core.checkpoint import Checkpoint, SignedNote
from lakehouse.core.merkle import consistency_path, leaf_hash, root_of
from lakehouse.core.misbehaviour import accuse

HONEST = [leaf_hash(f"entry {number}".encode()) for number in range(9)]
REWRITTEN = [*HONEST[:2], leaf_hash(b"another entry"), *HONEST[3:]]


def head(hashes: list[bytes], size: int, signer: Signer = SIGNER) -> SignedNote:
    """Return the signed checkpoint over the first `size` leaves."""
    text = Checkpoint(origin=signer.key.name, size=size, root=root_of(hashes[:size])).render()
    return signer.sign_note(text)


def continued(hashes: list[bytes], old: int, new: int) -> dict[str, Any]:
    """Return the root of the first `old` leaves and the path that leads from it to the first `new`."""
    return {"root": root_of(hashes[:old]), "path": consistency_path(hashes[:new], old)}


FORK = accuse(SIGNER.key, head(HONEST, 7), head(REWRITTEN, 7))
REWRITE = accuse(SIGNER.key, head(HONEST, 5), head(REWRITTEN, 9), **continued(REWRITTEN, 5, 9))
