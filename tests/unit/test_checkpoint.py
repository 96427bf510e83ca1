"""Notes, keys and checkpoints: each malformed form has one error, each round trip is exact."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lakehouse.adapters.signatures import Signer, WitnessSigner, verify_signature
from lakehouse.core.checkpoint import (
    COSIGNATURE_ML_DSA_44,
    COSIGNATURE_V1,
    ED25519,
    Checkpoint,
    NoteSignature,
    SignedNote,
    VerifierKey,
    keep_known,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    unknown_lines,
    verify_note,
)
from lakehouse.core.cosignature import cosignature_line, cosigned_message, verify_cosignature
from lakehouse.core.merkle import leaf_hash, root_of
from lakehouse.errors import NotVerified, WrongUse

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
        "x" * 140_000,
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


QUANTUM = WitnessSigner("witness.example/w1", b"\x03" * 32, COSIGNATURE_ML_DSA_44)


def note_with(*lines: NoteSignature) -> SignedNote:
    return SignedNote(text=NOTE.text, signatures=lines)


def test_ml_dsa_signs_the_structure_of_the_specification() -> None:
    """c2sp.org/tlog-cosignature, byte by byte."""
    message = cosigned_message(QUANTUM.key, NOTE.text, 1_800_000_000)
    expected = (
        b"subtree/v1\n\x00"
        b"\x12witness.example/w1"
        b"\x00\x00\x00\x00\x6b\x49\xd2\x00"
        b"\x14livinglab.local/test"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x05"
    )
    assert message == expected + b"\x07" * 32


def test_an_ml_dsa_key_comes_from_its_seed_and_its_signatures_are_hedged() -> None:
    again = WitnessSigner("witness.example/w1", b"\x03" * 32, COSIGNATURE_ML_DSA_44)
    first, second = QUANTUM.cosign(NOTE.text, 1), again.cosign(NOTE.text, 1)
    assert again.key == QUANTUM.key and len(QUANTUM.key.public) == 1312
    assert first != second and len(first.signature) == 8 + 2420
    for line in (first, second):
        assert verify_cosignature(note_with(line), QUANTUM.key, verify_signature) == 1
    assert parse_vkey(QUANTUM.key.render()) == QUANTUM.key


def test_no_flipped_bit_of_an_ml_dsa_cosignature_is_accepted() -> None:
    """Every bit of the time, every 61st of the signature."""
    line = QUANTUM.cosign(NOTE.text, 1_800_000_000)
    for bit in [*range(64), *range(64, len(line.signature) * 8, 61)]:
        changed = bytearray(line.signature)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NotVerified):
            verify_cosignature(
                note_with(replace(line, signature=bytes(changed))), QUANTUM.key, verify_signature
            )


def test_ml_dsa_commits_to_the_witness_s_name_and_ed25519_does_not() -> None:
    """Broken: an Ed25519 line moves to another name of its key; so trust refuses one key under two names."""
    for witness, moves in ((QUANTUM, False), (WITNESS, True)):
        other = replace(witness.key, name="witness.example/other")
        line = witness.cosign(NOTE.text, 1_800_000_000)
        moved = note_with(replace(line, name=other.name, key_id=other.key_id))
        if moves:
            assert verify_cosignature(moved, other, verify_signature) == 1_800_000_000
        else:
            with pytest.raises(NotVerified, match="not genuine"):
                verify_cosignature(moved, other, verify_signature)


def test_a_log_signature_is_no_cosignature_nor_the_reverse() -> None:
    """One Ed25519 key under both types: neither line serves in the other's place."""
    as_witness = replace(SIGNER.key, algorithm=COSIGNATURE_V1)
    stolen = cosignature_line(as_witness, 1_800_000_000, NOTE.signatures[0].signature)
    with pytest.raises(NotVerified, match="not genuine"):
        verify_cosignature(note_with(stolen), as_witness, verify_signature)
    as_log = replace(WITNESS.key, algorithm=ED25519)
    line = WITNESS.cosign(NOTE.text, 1_800_000_000)
    for signature in (line.signature, line.signature[8:]):
        relabelled = replace(line, key_id=as_log.key_id, signature=signature)
        with pytest.raises(NotVerified, match="not genuine"):
            verify_note(note_with(relabelled), as_log, verify_signature)


def test_without_the_header_a_log_signature_would_be_a_cosignature() -> None:
    """Broken: a witness message without its header and time is the note itself."""
    as_witness = replace(SIGNER.key, algorithm=COSIGNATURE_V1)
    assert verify_signature(as_witness, NOTE.signatures[0].signature, NOTE.text.encode())
    assert cosigned_message(as_witness, NOTE.text, 1) != NOTE.text.encode()


@pytest.mark.parametrize("signer", [WITNESS, QUANTUM])
@pytest.mark.parametrize("seconds", [0, 253_402_300_800, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_cosignature_at_no_time_of_ours_is_refused(signer: WitnessSigner, seconds: int) -> None:
    """From 1970-01-01T00:00:01Z to the end of the year 9999; its signature is otherwise genuine."""
    line = signer.cosign(NOTE.text, seconds)
    with pytest.raises(NotVerified, match="tells no time"):
        verify_cosignature(note_with(line), signer.key, verify_signature)
    last = signer.cosign(NOTE.text, 253_402_300_799)
    assert verify_cosignature(note_with(last), signer.key, verify_signature) == 253_402_300_799


@pytest.mark.parametrize("length", [0, 7, 8, 9])
def test_a_cosignature_cut_short_is_refused(length: int) -> None:
    line = WITNESS.cosign(NOTE.text, 1)
    with pytest.raises(NotVerified):
        verify_cosignature(
            note_with(replace(line, signature=line.signature[:length])), WITNESS.key, verify_signature
        )


def test_lines_of_unknown_keys_are_dropped_from_a_note_of_the_network() -> None:
    """Even such as share a name or an id with a key that is known."""
    cosigned = WITNESS.cosign(NOTE.text, 1)
    strangers = (
        replace(NOTE.signatures[0], key_id=b"\x00" * 4),
        replace(NOTE.signatures[0], name="stranger.example"),
        Signer("stranger.example", b"\x09" * 32).sign_note(NOTE.text).signatures[0],
    )
    note = note_with(*strangers, *NOTE.signatures, cosigned)
    keys = [SIGNER.key, WITNESS.key]
    assert keep_known(note, keys) == note_with(*NOTE.signatures, cosigned)
    assert unknown_lines(note, keys) == len(strangers)


@pytest.mark.parametrize("algorithm", [0, 2, 3, 5, 7, 0xFF])
def test_keys_of_other_types_are_refused(algorithm: int) -> None:
    for size in (32, 1312):
        key = VerifierKey(name="a", algorithm=algorithm, public=bytes(size))
        with pytest.raises(NotVerified, match="neither"):
            parse_vkey(key.render())


@pytest.mark.parametrize("algorithm", [ED25519, COSIGNATURE_V1, COSIGNATURE_ML_DSA_44])
def test_a_key_of_another_length_is_refused_and_verifies_nothing(algorithm: int) -> None:
    for size in (0, 31, 33, 1311, 1313, 32 if algorithm == COSIGNATURE_ML_DSA_44 else 1312):
        key = VerifierKey(name="a", algorithm=algorithm, public=bytes(size))
        assert not verify_signature(key, bytes(64), b"message")
        with pytest.raises(NotVerified):
            parse_vkey(key.render())


def test_a_log_key_makes_no_cosignatures() -> None:
    with pytest.raises(NotVerified, match="type 1"):
        cosigned_message(SIGNER.key, NOTE.text, 1)
    with pytest.raises(WrongUse):
        WitnessSigner("witness.example/w1", b"\x02" * 32, ED25519)


def test_a_name_too_long_for_the_message_is_refused() -> None:
    key = replace(QUANTUM.key, name="é" * 200)
    with pytest.raises(NotVerified, match="400 bytes"):
        cosigned_message(key, NOTE.text, 1)


def accepts(data: bytes, *, broken: bool = False) -> bool:
    """Say whether the bytes are a checkpoint signed by our log; broken: without looking at the signature."""
    try:
        note = parse_note(data.decode())
        verify_note(note, SIGNER.key, (lambda *_: True) if broken else verify_signature)
        return parse_checkpoint(note.text).origin == SIGNER.key.name
    except (UnicodeDecodeError, NotVerified):
        return False


def flips(size: int) -> Iterator[bytes]:
    """Yield the signed checkpoint of `size` leaves with one bit flipped; every 7th from 17 leaves on."""
    root = root_of([leaf_hash(bytes([number])) for number in range(size)])
    text = SIGNER.sign_note(Checkpoint(origin=SIGNER.key.name, size=size, root=root).render()).render()
    whole = text.encode()
    assert accepts(whole)
    for bit in range(0 if size <= 16 else size % 7, len(whole) * 8, 1 if size <= 16 else 7):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def test_no_flipped_bit_of_a_signed_checkpoint_is_accepted() -> None:
    """Trees of 1 to 64 leaves."""
    tried = 0
    for size in range(1, 65):
        for changed in flips(size):
            assert not accepts(changed), changed
            tried += 1
    assert tried > 30_000
    assert sum(accepts(changed, broken=True) for changed in flips(5)) > 100
