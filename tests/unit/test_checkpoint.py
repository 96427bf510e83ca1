"""Notes, keys and checkpoints: each malformed form has one error, each round trip is exact."""

import pytest

from lakehouse.adapters.signatures import Signer, WitnessSigner, verify_signature
from lakehouse.core.checkpoint import (
    Checkpoint,
    SignedNote,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    verify_note,
)
from lakehouse.core.cosignature import verify_cosignature
from lakehouse.core.trust import Trust, parse_trust
from lakehouse.errors import NotVerified

SIGNER = Signer("livinglab.local/test", b"\x01" * 32)
WITNESS = WitnessSigner("witness.example/w1", b"\x02" * 32)
HEAD = Checkpoint(origin="livinglab.local/test", size=5, root=b"\x07" * 32)
NOTE = SIGNER.sign_note(HEAD.render())


def test_a_signed_checkpoint_reads_back() -> None:
    note = parse_note(NOTE.render())
    verify_note(note, parse_vkey(SIGNER.vkey), verify_signature)
    assert (note, parse_checkpoint(note.text)) == (NOTE, HEAD)


def test_signing_is_deterministic() -> None:
    assert SIGNER.sign_note("x\n") == SIGNER.sign_note("x\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no signature\n",
        "\n\n— a AAAAAAA=\n",
        "text\n\n",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n— a AAAAAAA\n",
        "text\n\n— a AAAAAAB=\n",
        "text\n\n— a AAAA\n",
        "text\n\n— a+b AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— a AAAAAAA=",
        "te\rxt\n\n— a AAAAAAA=\n",
        "text\n\n— a AAAAAAA=\n\n",
        "text\n\n" + "— a AAAAAAA=\n" * 65,
        "x" * 70_000,
    ],
)
def test_a_malformed_note_has_one_error(text: str) -> None:
    with pytest.raises(NotVerified):
        parse_note(text)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n5\n",
        "origin\n05\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
        "origin\n+5\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
        "origin\n٥\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
        "origin\n5\nBwcH\n",
        "\n5\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
        "origin\n5\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "origin\n9999999999999999999\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
    ],
)
def test_a_malformed_checkpoint_has_one_error(text: str) -> None:
    with pytest.raises(NotVerified):
        parse_checkpoint(text)


@pytest.mark.parametrize("change", [("+", "-"), ("livinglab", "livinglob"), ("AYq", "BYq")])
def test_a_changed_verifier_key_is_refused(change: tuple[str, str]) -> None:
    assert change[0] in SIGNER.vkey
    with pytest.raises(NotVerified):
        parse_vkey(SIGNER.vkey.replace(*change))


def test_unknown_signatures_of_a_note_from_the_network_are_ignored() -> None:
    stranger = Signer("stranger.example", b"\x09" * 32).sign_note(NOTE.text)
    verify_note(
        SignedNote(text=NOTE.text, signatures=(*stranger.signatures, *NOTE.signatures)),
        SIGNER.key,
        verify_signature,
    )
    with pytest.raises(NotVerified, match="no signature"):
        verify_note(stranger, SIGNER.key, verify_signature)


def test_a_cosignature_tells_its_time_and_covers_it() -> None:
    line = WITNESS.cosign(NOTE.text, 1_800_000_000)
    note = SignedNote(text=NOTE.text, signatures=(*NOTE.signatures, line))
    assert verify_cosignature(note, WITNESS.key, verify_signature) == 1_800_000_000
    later = type(line)(
        name=line.name, key_id=line.key_id, signature=(1_800_000_001).to_bytes(8, "big") + line.signature[8:]
    )
    with pytest.raises(NotVerified, match="not genuine"):
        verify_cosignature(SignedNote(text=NOTE.text, signatures=(later,)), WITNESS.key, verify_signature)


def test_a_witness_key_is_no_log_key() -> None:
    """Key confusion: the same Ed25519 key under the other type is another key, refused in its place."""
    with pytest.raises(NotVerified):
        Trust(log=WITNESS.key)
    with pytest.raises(NotVerified):
        Trust(log=SIGNER.key, witnesses=(SIGNER.key,))
    with pytest.raises(NotVerified, match="twice"):
        Trust(log=SIGNER.key, witnesses=(WitnessSigner("other.example", b"\x01" * 32).key,))


def test_a_trust_file_reads_back_and_any_other_byte_is_refused() -> None:
    trust = Trust(log=SIGNER.key, witnesses=(WITNESS.key,), cosignatures=1)
    data = trust.render().encode()
    assert parse_trust(data) == trust
    for place in range(len(data)):
        with pytest.raises(NotVerified):
            changed = parse_trust(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert changed != trust, "another well-formed trust file is not this one"
            raise NotVerified("another trust file")
