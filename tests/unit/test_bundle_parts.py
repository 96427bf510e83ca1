"""What a bundle may hold beside its leaf: statements, content, heads before, cosignatures, time stamps."""

import hashlib
import json
import os
from dataclasses import replace
from typing import Any

import pytest
from proof_samples import (
    CERTIFICATE,
    CONTENT,
    ORIGIN,
    QUANTUM,
    QUORUM_TRUST,
    SALT,
    SECOND,
    SIGNER,
    STATEMENT,
    WITNESS,
    content_leaf,
    erasure_record,
    failed_steps,
    sample_bundle,
    sample_record,
    stated_record,
)

from lakehouse.adapters.signatures import WitnessSigner
from lakehouse.core.bundle import EarlierHead, ProofBundle, TimeStamp, parse_bundle
from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import Checkpoint
from lakehouse.core.merkle import consistency_ranges, inclusion_ranges, leaf_hash
from lakehouse.core.proof import InclusionProof
from lakehouse.core.trust import Authority, Trust
from lakehouse.core.verification import STEPS


def proved(**members: Any) -> bytes:
    """Return the bundle of a record with statement and content, changed where the test says so."""
    return replace(sample_bundle(record=stated_record(), earlier=None), **members).render()


def test_an_opened_statement_is_the_one_that_the_record_commits_to() -> None:
    assert failed_steps(proved(statements={"privacy": STATEMENT})) == []
    other = replace(STATEMENT, value={**STATEMENT.value, "k": 2})
    assert failed_steps(proved(statements={"privacy": other})) == ["statements"]
    assert failed_steps(proved(statements={"privacy": replace(STATEMENT, salt=SALT)})) == ["statements"]
    assert failed_steps(proved(statements={"consents": STATEMENT})) == ["statements"]


def test_a_statement_cannot_pass_for_another_of_the_same_record() -> None:
    """Broken: a verifier that looks for the commitment under any name takes consents for privacy."""
    commitments = stated_record().digests.values()
    opened = replace(sample_bundle(record=stated_record()), statements={"privacy": STATEMENT})
    moved = replace(opened, statements={"content": STATEMENT})
    assert opened.record.digests["privacy"] in commitments
    assert failed_steps(moved.render()) == ["statements"]


@pytest.mark.parametrize("index", range(len(CONTENT)))
def test_a_person_s_leaf_stands_in_the_content_of_the_version(index: int) -> None:
    assert failed_steps(proved(content=content_leaf(index))) == []


def test_another_leaf_or_place_is_not_in_the_content() -> None:
    real = content_leaf(3)
    for forged in (
        replace(real, leaf=leaf_hash(b"nobody")),
        replace(real, index=2),
        replace(real, size=4),
        replace(real, path=()),
    ):
        assert failed_steps(proved(content=forged)) == ["content"]
    answer = replace(sample_bundle(3, earlier=None), content=real)
    assert failed_steps(answer.render()) == ["content"]


def test_a_head_from_before_the_leaf_shows_what_was_added() -> None:
    assert failed_steps(sample_bundle(before=4).render()) == []
    assert failed_steps(sample_bundle(before=5).render()) == ["consistency"]
    forked = sample_bundle(record=sample_record(4), before=3).before
    other = replace(sample_bundle(), before=replace(forked, path=forked.path[::-1]) if forked else None)
    assert failed_steps(other.render()) == ["consistency"]


def test_an_erasure_needs_its_certificate_and_a_head_from_before() -> None:
    whole = replace(sample_bundle(record=erasure_record(), before=3), statements={"erasure": CERTIFICATE})
    assert failed_steps(whole.render()) == []
    assert failed_steps(replace(whole, statements={}).render()) == ["statements"]
    assert failed_steps(replace(whole, before=None).render()) == ["consistency"]


def test_hashes_that_two_paths_share_are_written_once() -> None:
    """A path names the hashes of the inclusion path by number; no other spelling of them is read."""
    fields = json.loads(sample_bundle().render())
    path, inclusion = fields["earlier"]["path"], fields["proof"].split("\n")[2:5]
    assert any(isinstance(node, int) for node in path)
    place, number = next((at, node) for at, node in enumerate(path) if isinstance(node, int))
    for spelling in (inclusion[number], number + 100, -1, True, None, str(number)):
        fields["earlier"]["path"] = [*path[:place], spelling, *path[place + 1 :]]
        assert failed_steps(canonical_json(fields) + b"\n") == list(STEPS)


def test_one_witness_with_two_keys_is_one_witness() -> None:
    both = sample_bundle(cosigners=(WITNESS, QUANTUM), earlier=None).render()
    assert failed_steps(both, replace(QUORUM_TRUST, cosignatures=1)) == []
    assert failed_steps(both, QUORUM_TRUST) == ["policy"]
    assert failed_steps(sample_bundle(cosigners=(QUANTUM, SECOND), earlier=None).render(), QUORUM_TRUST) == []
    classic = sample_bundle(cosigners=(WITNESS, SECOND), earlier=None).render()
    assert failed_steps(classic, QUORUM_TRUST) == ["policy"]


@pytest.mark.parametrize("doubled", [WITNESS, QUANTUM])
def test_a_cosignature_given_twice_is_refused(doubled: WitnessSigner) -> None:
    """Broken: a verifier that counts lines takes one witness for two."""
    bundle = sample_bundle(cosigners=(doubled, doubled), earlier=None)
    lines = [line for line in bundle.proof.checkpoint.signatures if line.is_of(doubled.key)]
    assert len(lines) == QUORUM_TRUST.cosignatures
    assert failed_steps(bundle.render(), replace(QUORUM_TRUST, post_quantum=0)) == ["cosignatures", "policy"]


def test_a_verifier_without_time_stamps_refuses_them() -> None:
    """Real tokens, good and bad: tests/vectors/bundles.json and tests/anchors."""
    authority = Authority(name="tsa.example", certificate=b"certificate")
    trust = Trust(log=SIGNER.key, authorities=(authority,), time_stamps=1)
    stamp = TimeStamp(authority="tsa.example", token=b"x")
    data = replace(sample_bundle(earlier=None), time_stamps=(stamp,)).render()
    assert failed_steps(data, trust) == ["time stamps"]


@pytest.mark.parametrize("index", [0, 524_287, 524_288, 777_777, 999_998])
def test_a_bundle_of_a_million_leaves_stays_under_8_kib(index: int) -> None:
    """Three Ed25519 and one ML-DSA-44 cosignature, a time stamp of 1.2 KiB, an earlier head."""
    size, record = 1_000_000, replace(stated_record(), inputs=(index,), consent_root="d" * 64)
    nodes = {leaves: os.urandom(32) for leaves in inclusion_ranges(index, size)}
    path = tuple(nodes.get(leaves, bytes(32)) for leaves in consistency_ranges(index + 1, size))
    witnesses = [WITNESS, QUANTUM, SECOND, WitnessSigner("witness.example/w3", b"\x08" * 32)]
    note = SIGNER.sign_note(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)).render())
    lines = [witness.cosign(note.text, 1_800_000_000) for witness in witnesses]
    early = SIGNER.sign_note(Checkpoint(origin=ORIGIN, size=index + 1, root=bytes(32)).render())
    bundle = ProofBundle(
        record=record,
        proof=InclusionProof(
            index=index,
            path=tuple(nodes.values()),
            checkpoint=replace(note, signatures=(*note.signatures, *lines)),
        ),
        earlier=EarlierHead(checkpoint=early, path=path),
        time_stamps=(TimeStamp(authority="tsa.example", token=os.urandom(1229)),),
    )
    data = bundle.render()
    assert len(data) < 8192
    assert parse_bundle(data) == bundle


def test_membership_in_the_content_is_proved_and_the_place_only_claimed() -> None:
    """The content digest does not hash the number of people: a path that fits two sizes says nothing of it.

    What is proved holds for any claim: the value is a leaf, because leaves and nodes are hashed apart.
    """
    real = content_leaf(3)
    claimed = [
        (index, size)
        for size in range(1, 12)
        for index in range(size)
        if failed_steps(proved(content=replace(real, index=index, size=size))) == []
    ]
    assert (3, 5) in claimed and len(claimed) > 1
    node = leaf_hash(CONTENT[0]) + leaf_hash(CONTENT[1])
    for value in (leaf_hash(b"nobody"), node[:32], node[32:], hashlib.sha256(b"\x01" + node).digest()):
        for index, size in claimed:
            forged = replace(real, leaf=value, index=index, size=size)
            assert failed_steps(proved(content=forged)) == ["content"]
