"""MACs made many at once are those of `hmac`, whatever the key and the texts."""

import hmac

from hypothesis import example, given
from hypothesis import strategies as st

from lakehouse.core.many_macs import many_macs, paired_macs

KEYS = st.binary(max_size=150)


@given(KEYS, st.lists(st.binary(max_size=150)))
@example(b"", [b""])
@example(b"k" * 64, [b"a", b"a"])
@example(b"k" * 65, [b"a"])
def test_many_macs_are_those_of_hmac_one_by_one(key: bytes, messages: list[bytes]) -> None:
    """A key of one block is used as it is, a longer one is hashed first (RFC 2104 section 2)."""
    assert list(many_macs(key, messages)) == [hmac.digest(key, said, "sha256") for said in messages]


@given(st.lists(st.tuples(KEYS, st.binary(max_size=150))))
@example([(b"", b""), (b"k" * 64, b"a"), (b"k" * 65, b"a")])
def test_macs_each_under_a_key_of_its_own_are_those_of_hmac(pairs: list[tuple[bytes, bytes]]) -> None:
    """Under many keys as under one."""
    assert list(paired_macs(pairs)) == [hmac.digest(key, said, "sha256") for key, said in pairs]


def test_the_mac_of_rfc_4231_case_2() -> None:
    """https://www.rfc-editor.org/rfc/rfc4231#section-4.3"""
    (made,) = many_macs(b"Jefe", [b"what do ya want for nothing?"])
    assert made.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_the_broken_variant_that_cuts_a_long_key_is_caught() -> None:
    """Positive control: keys that differ behind their first block would share their MACs."""
    assert list(many_macs(b"k" * 64 + b"1", [b"a"])) != list(many_macs(b"k" * 64 + b"2", [b"a"]))
