"""Commitments to many people are those of each of them, and those that homes of before have signed."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.core.canonical import canonical_json, canonical_text
from lakehouse.core.consent import commit_permission, commit_permissions, derive_nonces, permissions_root
from lakehouse.errors import WrongUse

KEY = bytes(range(32))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
BASES = st.dictionaries(TEXT, st.sampled_from(["record", "policy", 'a "basis"\n']), max_size=6)


@given(TEXT, BASES)
def test_many_commitments_are_those_of_each_person(purpose: str, bases: dict[str, str]) -> None:
    nonces = list(derive_nonces(KEY, purpose, bases))
    assert nonces == [hmac.digest(KEY, canonical_json([purpose, name]), hashlib.sha256) for name in bases]
    assert list(commit_permissions(nonces, purpose, bases)) == [
        commit_permission(nonce, purpose, name, basis)
        for nonce, (name, basis) in zip(nonces, bases.items(), strict=True)
    ]


@given(TEXT)
def test_the_canonical_form_of_a_text_is_that_of_any_value(text: str) -> None:
    assert canonical_text(text) == canonical_json(text)


def test_the_root_is_what_it_was_when_each_commitment_was_made_alone() -> None:
    """A vector of commit e371688: two people by record, one by the policy."""
    bases = {"a" * 32: "record", "b" * 32: "policy", "c" * 32: "record"}
    root = permissions_root(commit_permissions(derive_nonces(KEY, "research", bases), "research", bases))
    assert root == "165a56de12cdc11ac8719dc62f3fe0c513a8b2e989663353601a9b455f3aec67"


@pytest.mark.parametrize("purpose, name", [("\ud800", "a"), ("research", "\udfff")])
def test_a_lone_surrogate_is_refused_as_everywhere(purpose: str, name: str) -> None:
    with pytest.raises(WrongUse, match="lone surrogate"):
        list(derive_nonces(KEY, purpose, [name]))


def test_the_broken_variant_that_leaves_out_the_basis_is_caught() -> None:
    """Positive control: without it, a person permitted by the policy could be passed off as one by record."""
    nonce = next(derive_nonces(KEY, "research", ["a"]))
    by_record, by_policy = (
        next(commit_permissions([nonce], "research", {"a": basis})) for basis in ("record", "policy")
    )
    assert by_record != by_policy
