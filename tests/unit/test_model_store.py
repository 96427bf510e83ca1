"""Trained models on disk: whatever is changed is found before anything is opened."""

import hashlib
import shutil

import pytest

from lakehouse.adapters.model_store import MANIFEST, MODEL_FILES, SIGNATURE, ModelStore, signed_text
from lakehouse.adapters.signatures import Signer
from lakehouse.core.canonical import canonical_json, parse_canonical
from lakehouse.errors import NotVerified

FILES = {name: f"bytes of {name}".encode() for name in MODEL_FILES}
SIGNER = Signer("livinglab.local/test", bytes(32))


@pytest.fixture
def saved(tmp_path):
    store = ModelStore(tmp_path / "models", SIGNER)
    digest = store.save("pd_screen", FILES, {"run_key": "0" * 64})
    return store, digest, tmp_path / "models" / "pd_screen" / digest


def test_what_was_saved_is_opened(saved):
    """The bytes returned are the bytes that were checked."""
    store, digest, _ = saved
    assert store.open("pd_screen", digest).files == FILES
    assert all(check.ok for check in store.checks("pd_screen", digest))


def test_files_are_private(saved):
    """A model is made from people's data."""
    *_, place = saved
    assert place.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}


@pytest.mark.parametrize("name", [*MODEL_FILES, MANIFEST, SIGNATURE])
@pytest.mark.parametrize("place_of_bit", [0, 5, -1])
def test_a_changed_byte_is_found(saved, name, place_of_bit):
    """In every file, at the start, inside and at the end."""
    store, digest, place = saved
    content = bytearray((place / name).read_bytes())
    content[place_of_bit] ^= 1
    (place / name).write_bytes(content)
    with pytest.raises(NotVerified):
        store.open("pd_screen", digest)
    assert not all(check.ok for check in store.checks("pd_screen", digest))


def swapped(place):
    (place / "client.zip").rename(place / "x")
    (place / "server.zip").rename(place / "client.zip")
    (place / "x").rename(place / "server.zip")


def linked(place):
    (place / "server.zip").rename(place.parent / "elsewhere")
    (place / "server.zip").symlink_to(place.parent / "elsewhere")


def with_foreign_file(place):
    (place / "payload.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")


def without_file(place):
    (place / "server.zip").unlink()


def longer(place):
    with (place / "server.zip").open("ab") as file:
        file.write(b" " * 100)


def signed_by_another(place):
    note = Signer("livinglab.local/test", bytes([1]) * 32).sign_note(signed_text("pd_screen", place.name))
    (place / SIGNATURE).write_text(note.render())


def signed_for_another(place):
    (place / SIGNATURE).write_text(SIGNER.sign_note(signed_text("pd_screen", "0" * 64)).render())


def manifest_made_to_fit(place):
    (place / "server.zip").write_bytes(b"other code")
    manifest = parse_canonical((place / MANIFEST).read_bytes(), MANIFEST)
    manifest["files"]["server.zip"] = {"sha256": hashlib.sha256(b"other code").hexdigest(), "size": 10}
    (place / MANIFEST).write_bytes(canonical_json(manifest))


TAMPERINGS = [
    swapped,
    linked,
    with_foreign_file,
    without_file,
    longer,
    signed_by_another,
    signed_for_another,
    manifest_made_to_fit,
    shutil.rmtree,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_found(saved, tamper):
    """Swapped, linked, added, taken away, signed by or for another: nothing is returned."""
    store, digest, place = saved
    tamper(place)
    with pytest.raises(NotVerified):
        store.open("pd_screen", digest)
    assert not all(check.ok for check in store.checks("pd_screen", digest))


def test_an_older_signed_model_under_another_digest_is_found(saved, tmp_path):
    """A genuine signature speaks of one digest."""
    store, old, place = saved
    new = store.save("pd_screen", {**FILES, "server.zip": b"newer"}, {"run_key": "1" * 64})
    shutil.rmtree(place.with_name(new))
    place.rename(place.with_name(new))
    with pytest.raises(NotVerified, match="speaks of another model"):
        store.open("pd_screen", new)
    assert old != new


def test_a_killed_save_leaves_no_model(saved):
    """What is unfinished has no digest for a name."""
    store, digest, place = saved
    place.rename(place.with_name(f".{digest}.new"))
    assert store.digests("pd_screen") == ()
    assert store.save("pd_screen", FILES, {"run_key": "0" * 64}) == digest


def test_a_path_is_no_name(saved):
    """Names and digests never leave the folder."""
    store, digest, _ = saved
    for name, own in [("../x", digest), ("pd_screen", ".."), ("pd_screen", digest.upper())]:
        with pytest.raises(NotVerified, match="malformed"):
            store.open(name, own)
