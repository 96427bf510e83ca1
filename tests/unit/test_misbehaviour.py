"""Evidence against a log: a fork and a rewritten log are shown; no honest log can be accused."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from misbehaviour_samples import FORK, HONEST, REWRITE, REWRITTEN, continued, head
from proof_samples import ORIGIN, SIGNER, TRUST, WITNESS

from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.core.canonical import canonical_json
from lakehouse.core.merkle import consistency_path, leaf_hash, root_of, verify_consistency
from lakehouse.core.misbehaviour import STEPS, Misbehaviour, accuse, check_misbehaviour, parse_misbehaviour

NO_CHECKPOINT = SIGNER.sign_note("text\n").render()


def failed(evidence: Misbehaviour) -> list[str]:
    verdict = check_misbehaviour(evidence.render(), TRUST, verify_signature)
    assert verdict.misbehaviour and verdict.record is None
    assert tuple(check.name for check in verdict.checks) == STEPS
    return [check.name for check in verdict.checks if not check.ok]


@pytest.mark.parametrize("evidence", [FORK, REWRITE], ids=["fork", "rewrite"])
def test_two_heads_of_no_one_log_are_evidence(evidence: Misbehaviour) -> None:
    assert failed(evidence) == []
    assert parse_misbehaviour(evidence.render()) == evidence


@pytest.mark.parametrize(("old", "new"), [(old, new) for new in range(2, 10) for old in range(1, new)])
def test_every_rewritten_beginning_is_shown(old: int, new: int) -> None:
    other = [leaf_hash(b"another first"), *HONEST[1:]]
    evidence = accuse(SIGNER.key, head(HONEST, old), head(other, new), **continued(other, old, new))
    assert failed(evidence) == []


def test_notes_from_the_network_are_put_in_order_and_freed_of_other_lines() -> None:
    """Witnesses hold cosigned notes; the accusation needs the log's own line alone."""
    notes = [
        replace(note, signatures=(*note.signatures, WITNESS.cosign(note.text, 1_800_000_000)))
        for note in (head(REWRITTEN, 9), head(HONEST, 5))
    ]
    assert accuse(SIGNER.key, *notes, **continued(REWRITTEN, 5, 9)) == REWRITE
    assert failed(replace(REWRITE, first=notes[1])) == ["signatures"]


def test_an_honest_log_cannot_be_accused() -> None:
    """Its own path, a false root, no root: none shows a contradiction between two true heads."""
    true = {"first": head(HONEST, 5), "second": head(HONEST, 9)}
    path = tuple(consistency_path(HONEST, 5))
    for root in (root_of(HONEST[:5]), root_of(REWRITTEN[:5]), bytes(32), None):
        for nodes in (path, (), path[::-1], path[:-1], (*path, bytes(32))):
            assert failed(Misbehaviour(**true, root=root, path=nodes)) == ["contradiction"]
    assert failed(Misbehaviour(first=head(HONEST, 5), second=head(HONEST, 5))) == ["contradiction"]
    assert failed(Misbehaviour(first=head(HONEST, 9), second=head(HONEST, 5))) == ["contradiction"]


def test_a_check_without_the_root_would_accuse_an_honest_log() -> None:
    """Broken: one that asks only whether some root leads to the second head takes the first one's own."""
    honest = accuse(SIGNER.key, head(HONEST, 5), head(HONEST, 9), **continued(HONEST, 5, 9))
    verify_consistency(5, 9, honest.path, honest.root or b"", root_of(HONEST))
    assert failed(honest) == ["contradiction"]


def test_two_logs_with_one_origin_are_two_keys() -> None:
    """Someone else's log under our name: its heads are not ours, and prove nothing against us."""
    impostor = Signer(ORIGIN, b"\x09" * 32)
    theirs = head(REWRITTEN, 7, impostor)
    assert failed(Misbehaviour(first=head(HONEST, 7), second=theirs)) == ["signatures"]
    renamed = Signer("another.example/log", b"\x01" * 32)
    assert failed(Misbehaviour(first=head(HONEST, 7), second=head(REWRITTEN, 7, renamed))) == ["signatures"]
    data = Misbehaviour(first=head(HONEST, 7), second=theirs).render()
    assert check_misbehaviour(data, TRUST, lambda *_: True).checks[2].ok, "what an unchecked key would show"


def test_no_changed_byte_is_evidence() -> None:
    for evidence in (FORK, REWRITE):
        data = evidence.render()
        for place in range(len(data)):
            changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            assert not check_misbehaviour(changed, TRUST, verify_signature).verified, place


def test_a_fork_needs_nothing_more_and_a_rewrite_nothing_less() -> None:
    assert failed(replace(FORK, root=bytes(32))) == ["contradiction"]
    assert failed(replace(FORK, path=(bytes(32),))) == ["contradiction"]
    assert failed(replace(REWRITE, root=None)) == ["contradiction"]
    assert failed(replace(REWRITE, path=REWRITE.path[:-1])) == ["contradiction"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: b"",
        lambda data: json.dumps(json.loads(data)).encode() + b"\n",
        lambda data: canonical_json({**json.loads(data), "extra": 1}) + b"\n",
        lambda data: canonical_json({**json.loads(data), "first": "not a note"}) + b"\n",
        lambda data: canonical_json({**json.loads(data), "root": "00"}) + b"\n",
        lambda data: canonical_json({**json.loads(data), "path": None}) + b"\n",
        lambda data: (
            canonical_json({**json.loads(data), "second": SIGNER.sign_note("text\n").render()}) + b"\n"
        ),
    ],
)
def test_another_form_is_no_evidence(change: Callable[[bytes], bytes]) -> None:
    verdict = check_misbehaviour(change(REWRITE.render()), TRUST, verify_signature)
    assert [check.ok for check in verdict.checks] == [False, False, False]
