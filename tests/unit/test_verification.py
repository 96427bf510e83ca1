"""Bundles: each step can fail, each forgery is refused, and a broken verifier would not notice."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from proof_samples import (
    ORIGIN,
    SALT,
    SIGNER,
    TRUST,
    WITNESS,
    WITNESSED_TRUST,
    failed_steps,
    sample_bundle,
    sample_record,
)

from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.core.bundle import OpenedDetails, parse_bundle
from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import Checkpoint
from lakehouse.core.trust import Trust
from lakehouse.core.verification import STEPS, verify_bundle


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


def test_a_verifier_that_skips_a_step_would_accept_a_forgery() -> None:
    """Positive control: with signatures unchecked, a log that nobody signed verifies."""
    record = replace(sample_record(4), code_version="forged")
    forged = sample_bundle(record=record, earlier=None)
    note = forged.proof.checkpoint
    unsigned = replace(note, signatures=(replace(note.signatures[0], signature=bytes(64)),))
    data = replace(forged, proof=replace(forged.proof, checkpoint=unsigned)).render()
    assert failed_steps(data) == ["checkpoint signature"]
    assert verify_bundle(data, TRUST, lambda *_: True).verified
