"""Keys below a secret are HKDF-SHA256's: the vector of RFC 5869, and the library's HKDF for any secret."""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.adapters.key_tree import derive_key, digest_under, expand_blocks, extract_roots, frame_parts
from lakehouse.adapters.person_secrets import PersonSecrets

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


def test_the_vector_of_rfc_5869_without_salt() -> None:
    """Appendix A.3: 22 bytes 0x0b, no salt, no info; the first of its two blocks."""
    (root,) = extract_roots([b"\x0b" * 22])
    assert root.hex() == "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"
    (block,) = expand_blocks([root], b"")
    assert block.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


@given(st.binary(max_size=100), TEXT)
def test_a_key_is_what_the_library_derives(secret: bytes, name: str) -> None:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=b"", info=f"livinglab/v1/{name}".encode())
    assert derive_key(secret, name) == hkdf.derive(secret)


def test_a_persons_digest_key_hangs_below_the_receipt_key() -> None:
    """Whoever is given the receipt key recomputes digests; the other keys are beside it."""
    secrets = PersonSecrets(lambda: {"ann": b"s" * 32})
    for use in ("seal", "date_shift", "receipt"):
        assert secrets.keys(use) == {"ann": derive_key(b"s" * 32, use)}
    assert secrets.keys("digest") == {"ann": derive_key(secrets.keys("receipt")["ann"], "digest")}


@given(st.lists(TEXT, max_size=3), TEXT)
def test_a_digest_whose_beginning_is_kept_is_that_of_all_its_parts(fixed: list[str], value: str) -> None:
    whole = hmac.digest(b"k" * 32, frame_parts(*fixed, value), "sha256")
    assert digest_under(b"k" * 32, *fixed)(value) == whole
