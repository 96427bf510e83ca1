"""Huge and malformed notes, bundles and evidence: refused with little memory and few signature checks."""

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest
from proof_samples import (
    QUORUM_TRUST,
    SIGNER,
    TRUST,
    sample_bundle,
)

from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.core import checkpoint
from lakehouse.core.bundle import ProofBundle
from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import (
    LARGEST_NOTE,
    MOST_SIGNATURES,
    NoteSignature,
    SignedNote,
    VerifierKey,
    parse_note,
    verify_note,
)
from lakehouse.core.document_fields import LARGEST_DOCUMENT
from lakehouse.core.misbehaviour import Misbehaviour, check_misbehaviour
from lakehouse.core.trust import parse_trust
from lakehouse.core.verification import verify_bundle
from lakehouse.errors import NotVerified

NOTE = sample_bundle().proof.checkpoint
LINE = NOTE.signatures[0].render() + "\n"
MOST_MEMORY = 24 * LARGEST_DOCUMENT


def peak_memory(run: Callable[[], object]) -> int:
    """Return the most bytes that were held while it ran."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def with_proof(text: str) -> bytes:
    """Return a bundle in canonical form around any proof text."""
    fields = json.loads(sample_bundle(earlier=None).render())
    return canonical_json({**fields, "proof": text}) + b"\n"


HUGE_NOTES = {
    "one long line": "x" * LARGEST_NOTE,
    "one long signature": NOTE.text + "\n— a " + "A" * LARGEST_NOTE + "\n",
    "thousands of lines": NOTE.text + "\n" + LINE * 5_000,
    "thousands of empty lines": "\n" * LARGEST_NOTE,
    "thousands of spaces": NOTE.text + "\n" + "— " + " " * LARGEST_NOTE + "\n",
    "one line too many": NOTE.text + "\n" + LINE * (MOST_SIGNATURES + 1),
    "a long name": NOTE.text + "\n— " + "n" * 256 + " AAAAAAA=\n",
    "a carriage return": NOTE.text.replace("\n", "\r\n") + "\n" + LINE,
    "a NUL": "\0" + NOTE.text + "\n" + LINE,
    "another dash": NOTE.text + "\n" + LINE.replace("—", "–"),
    "a space of another script": NOTE.text + "\n" + LINE.replace("livinglab", "living\u2003lab"),
}


@pytest.mark.parametrize("name", sorted(HUGE_NOTES))
def test_a_huge_or_malformed_note_is_refused(name: str) -> None:
    def refuse() -> None:
        with pytest.raises(NotVerified):
            parse_note(HUGE_NOTES[name])

    assert peak_memory(refuse) < MOST_MEMORY


def test_sixteen_post_quantum_lines_are_read() -> None:
    """C2SP: every verifier accepts that many. ML-DSA-87, the largest, has 4,627 bytes."""
    line = NoteSignature(name="n" * 255, key_id=bytes(4), signature=bytes(8 + 4_627))
    note = SignedNote(text=NOTE.text, signatures=(line,) * 16)
    assert parse_note(note.render()) == note


HUGE_BUNDLES = {
    "too long": b" " * LARGEST_DOCUMENT + b"\n",
    "deep": b'{"proof":' + b"[" * 500_000 + b"\n",
    "many keys": canonical_json({f"{number:07d}": 0 for number in range(40_000)}) + b"\n",
    "a long number": b'{"schema":' + b"9" * 1_000_000 + b"}\n",
    "a long path": with_proof("c2sp.org/tlog-proof@v1\nindex 4\n" + "A" * 43 + "=\n" * 20_000),
    "no end of a path": with_proof("c2sp.org/tlog-proof@v1\nindex 4\n" + "AAAA\n" * 200_000),
    "a long index": with_proof("c2sp.org/tlog-proof@v1\nindex " + "9" * 900_000 + "\n\n" + NOTE.render()),
    "no UTF-8": b"\xff" * 1_000_000 + b"\n",
    "half a surrogate": b'{"schema":"\\ud800"}\n',
}


@pytest.mark.parametrize("name", sorted(HUGE_BUNDLES))
def test_a_huge_or_malformed_document_is_refused(name: str) -> None:
    data = HUGE_BUNDLES[name]

    def refuse() -> None:
        assert not verify_bundle(data, TRUST, verify_signature).checks[0].ok
        assert not check_misbehaviour(data, TRUST, verify_signature).checks[0].ok
        with pytest.raises(NotVerified):
            parse_trust(data)

    assert peak_memory(refuse) < MOST_MEMORY


class CountedVerifier:
    """Counts how often a signature is checked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, key: VerifierKey, signature: bytes, message: bytes) -> bool:
        self.calls += 1
        return verify_signature(key, signature, message)


def crowded(bundle: ProofBundle, lines: int) -> bytes:
    """Return the bundle with the log's line as often as a note may have lines, in each of its heads."""

    def crowd(note: SignedNote) -> SignedNote:
        return replace(note, signatures=note.signatures[:1] * lines)

    heads = [
        head and replace(head, checkpoint=crowd(head.checkpoint)) for head in (bundle.before, bundle.earlier)
    ]
    proof = replace(bundle.proof, checkpoint=crowd(bundle.proof.checkpoint))
    return replace(bundle, proof=proof, before=heads[0], earlier=heads[1]).render()


def test_few_signatures_are_checked_however_many_a_bundle_holds() -> None:
    """Three heads of 64 lines each; a stranger's lines cost nothing."""
    verifier = CountedVerifier()
    verdict = verify_bundle(crowded(sample_bundle(before=3), MOST_SIGNATURES), TRUST, verifier)
    assert not verdict.verified
    assert verifier.calls <= 3 * MOST_SIGNATURES
    strangers = Signer("stranger.example", b"\x09" * 32).sign_note(NOTE.text).signatures * 63
    crowd = replace(NOTE, signatures=(*strangers, *NOTE.signatures))
    bundle = sample_bundle(earlier=None)
    verifier = CountedVerifier()
    data = replace(bundle, proof=replace(bundle.proof, checkpoint=crowd)).render()
    assert not verify_bundle(data, QUORUM_TRUST, verifier).verified
    assert verifier.calls == 1


def test_evidence_checks_two_signatures_at_most() -> None:
    crowd = replace(NOTE, signatures=NOTE.signatures * MOST_SIGNATURES)
    verifier = CountedVerifier()
    data = Misbehaviour(first=crowd, second=crowd).render()
    assert not check_misbehaviour(data, TRUST, verifier).verified
    assert verifier.calls == 0


def test_a_reader_without_limits_would_take_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: the same reader, its two limits away."""
    monkeypatch.setattr(checkpoint, "LARGEST_NOTE", LARGEST_DOCUMENT)
    monkeypatch.setattr(checkpoint, "MOST_SIGNATURES", LARGEST_DOCUMENT)
    note = parse_note(HUGE_NOTES["thousands of lines"])
    verifier = CountedVerifier()
    verify_note(note, SIGNER.key, verifier)
    assert (len(note.signatures), verifier.calls) == (5_000, 5_000)
