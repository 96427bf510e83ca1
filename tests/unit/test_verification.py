"""Bundles: each step can fail, each forgery is refused, and a broken verifier would not notice."""

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from proof_samples import (
    CERTIFICATE,
    CONTENT,
    DETAILS,
    ORIGIN,
    QUANTUM,
    QUORUM_TRUST,
    SALT,
    SECOND,
    SIGNER,
    STATEMENT,
    TRUST,
    WITNESS,
    WITNESSED_TRUST,
    content_leaf,
    erasure_record,
    sample_bundle,
    sample_record,
    stated_record,
)

from lakehouse.adapters.signatures import Signer, WitnessSigner, verify_signature
from lakehouse.core.bundle import EarlierHead, OpenedDetails, ProofBundle, TimeStamp, parse_bundle
from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import Checkpoint
from lakehouse.core.merkle import consistency_ranges, inclusion_ranges, leaf_hash
from lakehouse.core.opening import Opening, parse_opening
from lakehouse.core.proof import InclusionProof
from lakehouse.core.trust import Authority, Trust
from lakehouse.core.verification import STEPS, verify_bundle
from lakehouse.errors import NotVerified


def failed_steps(data: bytes, trust: Trust = TRUST) -> list[str]:
    return [check.name for check in verify_bundle(data, trust, verify_signature).checks if not check.ok]


@pytest.mark.parametrize("index", range(7))
def test_every_leaf_of_a_log_verifies(index: int) -> None:
    verdict = verify_bundle(sample_bundle(index, earlier=None).render(), TRUST, verify_signature)
    assert verdict.verified, verdict.checks
    assert tuple(check.name for check in verdict.checks) == STEPS


@pytest.mark.parametrize(
    ("opened", "cosigned", "earlier"), [(True, True, 5), (False, True, None), (True, False, 7)]
)
def test_a_bundle_reads_back(opened: bool, cosigned: bool, earlier: int | None) -> None:
    bundle = sample_bundle(opened=opened, cosigned=cosigned, earlier=earlier)
    assert parse_bundle(bundle.render()) == bundle


def test_no_changed_byte_is_accepted() -> None:
    data = sample_bundle(opened=True).render()
    for place in range(len(data)):
        for bit in (0, 5):
            changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            assert failed_steps(changed), place


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: data[:-1],
        lambda data: b" " + data,
        lambda data: data + data,
        lambda data: data.replace(b'"earlier":', b'"earlier":null,"earlier":'),
        lambda data: data.replace(b'"details":null', b'"details":null,"note":1'),
        lambda data: data.replace(b"bundle/v1", b"bundle/v2"),
        lambda data: json.dumps(json.loads(data), indent=1).encode() + b"\n",
        lambda data: b"",
        lambda data: b"\n" * (2 << 20),
        lambda data: b"[" * 100_000 + b"\n",
    ],
)
def test_another_form_of_the_same_bundle_is_refused(change: Callable[[bytes], bytes]) -> None:
    assert failed_steps(change(sample_bundle().render())) == list(STEPS)


def edited(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a bundle changed by someone who keeps the canonical form."""
    fields = json.loads(sample_bundle().render())
    change(fields)
    return canonical_json(fields) + b"\n"


def test_another_record_at_the_same_place_is_not_included() -> None:
    assert failed_steps(edited(lambda fields: fields["record"].update(version=99, kind="write"))) == [
        "inclusion"
    ]


def test_another_index_is_not_included() -> None:
    def relabel(fields: dict[str, Any]) -> None:
        fields["proof"] = fields["proof"].replace("index 4", "index 5")

    assert "inclusion" in failed_steps(edited(relabel))


def test_another_size_breaks_the_signature() -> None:
    """A path may fit two sizes; the signed checkpoint says which it is."""

    def relabel(fields: dict[str, Any]) -> None:
        fields["proof"] = fields["proof"].replace(f"{ORIGIN}\n7\n", f"{ORIGIN}\n8\n")

    assert "checkpoint signature" in failed_steps(edited(relabel))


def test_a_bundle_cannot_vouch_for_itself() -> None:
    """Someone signs a log of their own with their own key under our name."""
    theirs = Signer(ORIGIN, b"\x07" * 32)
    bundle = sample_bundle(earlier=None)
    forged = replace(
        bundle, proof=replace(bundle.proof, checkpoint=theirs.sign_note(bundle.proof.checkpoint.text))
    )
    assert failed_steps(forged.render()) == ["checkpoint signature", "cosignatures"]
    assert failed_steps(forged.render(), Trust(log=theirs.key)) == []


def test_our_key_under_another_origin_is_another_log() -> None:
    bundle = sample_bundle(earlier=None)
    head = Checkpoint(origin="another.example/log", size=7, root=b"\x00" * 32)
    forged = replace(bundle, proof=replace(bundle.proof, checkpoint=SIGNER.sign_note(head.render())))
    assert "checkpoint signature" in failed_steps(forged.render())


def test_a_stranger_s_signature_is_refused_in_a_bundle() -> None:
    bundle = sample_bundle(earlier=None)
    note = bundle.proof.checkpoint
    stranger = Signer("stranger.example", b"\x09" * 32).sign_note(note.text)
    signed = replace(note, signatures=(*note.signatures, *stranger.signatures))
    assert failed_steps(replace(bundle, proof=replace(bundle.proof, checkpoint=signed)).render()) == [
        "cosignatures"
    ]


def test_one_false_line_in_the_name_of_a_witness_fails() -> None:
    bundle = sample_bundle(earlier=None)
    note = bundle.proof.checkpoint
    line = WITNESS.cosign(note.text + "other\n", 1_800_000_000)
    signed = replace(note, signatures=(*note.signatures, line))
    forged = replace(bundle, proof=replace(bundle.proof, checkpoint=signed)).render()
    assert failed_steps(forged, replace(WITNESSED_TRUST, cosignatures=0)) == ["cosignatures"]


def test_the_trust_file_demands_its_witnesses() -> None:
    assert failed_steps(sample_bundle(cosigned=True).render(), WITNESSED_TRUST) == []
    assert failed_steps(sample_bundle().render(), WITNESSED_TRUST) == ["policy"]


def test_an_earlier_head_of_another_history_is_inconsistent() -> None:
    forked = sample_bundle(record=replace(sample_record(4), vault_counter=99)).earlier
    assert failed_steps(replace(sample_bundle(), earlier=forked).render()) == ["consistency"]


def test_an_earlier_head_must_already_hold_the_leaf() -> None:
    assert failed_steps(sample_bundle(earlier=4).render()) == ["consistency"]


def test_other_details_than_those_committed_to_fail() -> None:
    bundle = sample_bundle(opened=True)
    assert failed_steps(bundle.render()) == []
    for details in ({"rows": 13}, {}):
        opened = replace(bundle, details=OpenedDetails(value=details, salt=SALT))
        assert failed_steps(opened.render()) == ["leaf"]


def test_an_opening_reads_back_and_any_other_form_is_refused() -> None:
    opening = Opening(
        leaf=leaf_hash(sample_record(2).public_bytes()).hex(),
        key=b"\x04" * 32,
        details=OpenedDetails(value=DETAILS, salt=SALT),
    )
    data = opening.render()
    assert parse_opening(data) == opening
    short = base64.b64encode(b"\x04" * 31).decode()
    for changed in (data[:-1], data + b"\n", data.replace(base64.b64encode(b"\x04" * 32), short.encode())):
        with pytest.raises(NotVerified):
            parse_opening(changed)


def test_a_verifier_that_skips_a_step_would_accept_a_forgery() -> None:
    """Positive control: with signatures unchecked, a log that nobody signed verifies."""
    record = replace(sample_record(4), code_version="forged")
    forged = sample_bundle(record=record, earlier=None)
    note = forged.proof.checkpoint
    unsigned = replace(note, signatures=(replace(note.signatures[0], signature=bytes(64)),))
    data = replace(forged, proof=replace(forged.proof, checkpoint=unsigned)).render()
    assert failed_steps(data) == ["checkpoint signature"]
    assert verify_bundle(data, TRUST, lambda *_: True).verified


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


STAMPED = datetime(2026, 11, 22, 10, tzinfo=UTC)
AUTHORITY = Authority(name="tsa.example", certificate=b"certificate")
STAMP_TRUST = Trust(log=SIGNER.key, authorities=(AUTHORITY,), time_stamps=1)


def read_stamp(authority: Authority, token: bytes, digest: bytes) -> datetime:
    """Stand for RFC 3161 where only the steps around it are looked at: a token is name and digest."""
    if token != authority.name.encode() + digest:
        raise NotVerified("the token is of another text")
    return STAMPED


def stamped_steps(*stamps: TimeStamp, trust: Trust = STAMP_TRUST) -> list[str]:
    data = replace(sample_bundle(earlier=None), time_stamps=stamps).render()
    verdict = verify_bundle(data, trust, verify_signature, check_stamp=read_stamp)
    return [check.name for check in verdict.checks if not check.ok]


def test_a_time_stamp_is_over_the_checkpoint_by_an_authority_we_know() -> None:
    text = sample_bundle(earlier=None).proof.checkpoint.text.encode()
    genuine = TimeStamp(authority="tsa.example", token=b"tsa.example" + hashlib.sha256(text).digest())
    assert stamped_steps(genuine) == []
    assert stamped_steps() == ["policy"]
    assert stamped_steps(replace(genuine, token=b"tsa.example" + bytes(32))) == ["time stamps"]
    assert stamped_steps(replace(genuine, authority="other.example")) == ["time stamps"]
    assert stamped_steps(genuine, genuine) == list(STEPS)
    assert stamped_steps(genuine, trust=TRUST) == ["time stamps"]


def test_a_verifier_without_time_stamps_refuses_them() -> None:
    stamp = TimeStamp(authority="tsa.example", token=b"x")
    data = replace(sample_bundle(earlier=None), time_stamps=(stamp,)).render()
    assert failed_steps(data, STAMP_TRUST) == ["time stamps"]


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
