"""Notes, checkpoints and tiles of others: the C2SP example and Tessera's log."""

import hashlib
from dataclasses import replace

import pytest
from shared_vectors import shared_vectors

from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.core.checkpoint import parse_checkpoint, parse_note, parse_vkey, verify_note
from lakehouse.core.merkle import leaf_hash, root_of
from lakehouse.core.tiles import EMPTY_EDGE, grow
from lakehouse.errors import NotVerified

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
WORDS = b"one two three four five six seven eit nain ten ileven twelf threeten fourten fivten".split()


def test_the_note_of_the_specification_verifies() -> None:
    note = parse_note(EXAMPLE)
    verify_note(note, parse_vkey(EXAMPLE_KEY), verify_signature)
    assert note.render() == EXAMPLE


def test_a_changed_letter_of_that_note_is_refused() -> None:
    with pytest.raises(NotVerified, match="not genuine"):
        verify_note(
            parse_note(EXAMPLE.replace("message", "massage")), parse_vkey(EXAMPLE_KEY), verify_signature
        )


@pytest.mark.parametrize("size", range(16))
def test_each_checkpoint_of_tessera_verifies_and_has_our_root(size: int) -> None:
    text = (shared_vectors("tessera-log") / f"checkpoint.{size}").read_text()
    note = parse_note(text)
    verify_note(note, parse_vkey(TESSERA_KEY), verify_signature)
    head = parse_checkpoint(note.text)
    assert (head.origin, head.size) == ("example.com/log/testdata", size)
    assert head.root == root_of([leaf_hash(word) for word in WORDS[:size]])
    assert (note.render(), head.render()) == (text, note.text)


@pytest.mark.parametrize("size", range(1, 16))
def test_our_tiles_are_those_of_tessera_byte_for_byte(size: int) -> None:
    folder = shared_vectors("tessera-log")
    _, files = grow(EMPTY_EDGE, WORDS[:size])
    assert set(files) == {f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"}
    for name, content in files.items():
        assert (folder / name).read_bytes() == content


def test_leaves_without_their_prefix_give_other_roots_than_tessera() -> None:
    """Broken: a tree whose leaves are hashed like anything else; only the empty log looks the same."""
    same = []
    for size in range(16):
        note = parse_note((shared_vectors("tessera-log") / f"checkpoint.{size}").read_text())
        bare = root_of([hashlib.sha256(word).digest() for word in WORDS[:size]])
        same += [size] if parse_checkpoint(note.text).root == bare else []
    assert same == [0]


def test_a_checkpoint_of_tessera_is_refused_under_another_key_of_that_name() -> None:
    note = parse_note((shared_vectors("tessera-log") / "checkpoint.15").read_text())
    key = parse_vkey(TESSERA_KEY)
    other = replace(key, public=Signer(key.name, b"\x01" * 32).key.public)
    with pytest.raises(NotVerified, match="no signature"):
        verify_note(note, other, verify_signature)
    renamed = replace(note, signatures=(replace(note.signatures[0], key_id=other.key_id),))
    with pytest.raises(NotVerified, match="not genuine"):
        verify_note(renamed, other, verify_signature)
