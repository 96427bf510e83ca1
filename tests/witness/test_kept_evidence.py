"""A witness that is shown two histories keeps proof of it, which anybody can check; junk fills no disk."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from witnessed_logs import ORIGIN, SIGNER, STRANGER, SampleLog, new_witness, opened_witness

from lakehouse.adapters import witness as witness_module
from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.witness import Witness
from lakehouse.core.merkle import consistency_path, root_of
from lakehouse.core.misbehaviour import check_misbehaviour
from lakehouse.core.trust import Trust
from lakehouse.core.witness_protocol import continued_root

TRUST = Trust(log=SIGNER.key)
LOG = SampleLog.of(40)


def shown(folder: Path, *requests: bytes) -> Witness:
    """Return a witness that was asked these."""
    witness = new_witness(folder)
    for request in requests:
        witness.add_checkpoint(request)
    return witness


def kept(witness: Witness) -> list[bytes]:
    return [path.read_bytes() for path in (witness.state.folder / "misbehaviour").rglob("*.json")]


def holds(evidence: bytes) -> str:
    verdict = check_misbehaviour(evidence, TRUST, verify_signature)
    assert verdict.verified, verdict
    return verdict.checks[-1].why


def test_another_root_at_the_size_it_has_is_a_fork(tmp_path: Path) -> None:
    fork = SampleLog.of(40, shared=5)
    witness = shown(tmp_path, LOG.request(0, 9), fork.request(9, 9))
    (evidence,) = kept(witness)
    assert holds(evidence).startswith("forked: two roots for 9")
    assert witness.evidence_against(ORIGIN).body.encode() == evidence
    assert any("MISBEHAVIOUR" in said for said in witness.said)


def test_a_head_that_continues_other_leaves_is_rewritten(tmp_path: Path) -> None:
    """Rolled back to 5 leaves and grown to 12 others; the path shows which 9 leaves they continue."""
    rolled_back = SampleLog.of(40, shared=5)
    witness = shown(tmp_path, LOG.request(0, 9), rolled_back.request(9, 12))
    assert "continues other first 9 leaves" in holds(*kept(witness))


def test_an_earlier_size_with_another_root_is_found_in_its_memory(tmp_path: Path) -> None:
    """A smaller head than the last, of a size it cosigned long ago, with other leaves; after a restart."""
    shown(tmp_path, LOG.request(0, 6), LOG.request(6, 9), LOG.request(9, 20))
    witness = opened_witness(tmp_path)
    assert witness.add_checkpoint(SampleLog.of(6, shared=2).request(0)).status == 409
    assert holds(*kept(witness)).startswith("forked: two roots for 6")


def test_two_refused_heads_that_contradict_each_other_are_evidence_too(tmp_path: Path) -> None:
    refused = [SampleLog.of(7, shared=2, branch=branch).request(3) for branch in ("one", "two")]
    witness = shown(tmp_path, LOG.request(0, 9), *refused)
    assert holds(*kept(witness)).startswith("forked: two roots for 7")


def test_a_smaller_head_of_the_same_log_accuses_nobody(tmp_path: Path) -> None:
    witness = shown(tmp_path, LOG.request(0, 9), LOG.request(0, 5), LOG.request(3, 7), LOG.request(9, 20))
    assert kept(witness) == []


def test_what_the_log_did_not_sign_is_no_evidence(tmp_path: Path) -> None:
    forged = [
        replace(SampleLog.of(9, shared=2, branch=str(n)), signer=STRANGER).request(9) for n in range(20)
    ]
    witness = shown(tmp_path, LOG.request(0, 9), *forged, b"junk" * 1000)
    assert kept(witness) == []
    with witness.state.reading() as turn:
        assert turn.others(ORIGIN, 9, b"\0" * 32) == [LOG.head(9)]


def test_evidence_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that forks at every request fills no disk: the first proofs are enough."""
    monkeypatch.setattr(witness_module, "EVIDENCE_KEPT", 3)
    forks = [SampleLog.of(9, shared=2, branch=str(n)).request(9) for n in range(6)]
    assert len(kept(shown(tmp_path, LOG.request(0, 9), *forks))) == 3


def test_keys_memory_and_evidence_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "w1"
    shown(folder, LOG.request(0, 9), SampleLog.of(40, shared=5).request(9, 9))
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_path_tells_which_tree_it_continues() -> None:
    """For all sizes up to 40, but for powers of two, whose paths leave the old root out."""
    for size in range(2, 41):
        for old in range(1, size):
            root = continued_root(old, size, tuple(consistency_path(LOG.hashes[:size], old)))
            whole = old & (old - 1) == 0
            assert root == (None if whole else root_of(LOG.hashes[:old]))
