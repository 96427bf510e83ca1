"""Two histories of one log, shown to different witnesses: never a quorum for both, always found, proved.

Two of three witnesses must cosign. Whoever shows one log to two of them and another to two meets one twice.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from witness_processes import WitnessProcess, down, watched_home
from witnessed_logs import ORIGIN, SampleLog, new_witness

from lakehouse.adapters.witness import Witness, WitnessAnswer
from lakehouse.cli.main import run
from lakehouse.core.checkpoint import parse_checkpoint
from lakehouse.core.witness_protocol import AddCheckpoint, parse_stored_size
from lakehouse.errors import Damaged, Unavailable
from lakehouse.pipeline.compare import compare_log
from lakehouse.pipeline.cosign import Cosigning, cosign_head, read_cosigning
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site

Home = Callable[..., Site]
HONEST = SampleLog.of(40)


def show(log: SampleLog, size: int, witness: Witness) -> bool:
    """Ask one witness as a log does, once more with the size it tells; whether it cosigned."""
    answer = witness.add_checkpoint(log.request(0, size))
    if answer.status == 409:
        stored = parse_stored_size(answer.body)
        if stored <= size:
            answer = witness.add_checkpoint(log.request(stored, size))
    return answer.status == 200


def quorums(witnesses: Sequence[Witness], shown: Sequence[tuple[SampleLog, int, Sequence[int]]]) -> list[int]:
    """Return how many witnesses cosigned each (log, size, whom it was shown to), shown in turn."""
    return [sum(show(log, size, witnesses[number]) for number in whom) for log, size, whom in shown]


def three(folder: Path, start: int) -> list[Witness]:
    """Return three witnesses that have all cosigned the first `start` leaves."""
    made = [new_witness(folder / f"w{number}", f"w{number}.example") for number in range(3)]
    assert all(show(HONEST, start, witness) for witness in made)
    return made


PAIRS = list(permutations(range(3), 2))


@pytest.mark.parametrize(("first", "second"), list(product(PAIRS[::2], PAIRS[1::2])))
def test_a_fork_never_has_two_quorums_and_a_witness_that_met_both_has_proof(
    tmp_path: Path, first: tuple[int, int], second: tuple[int, int]
) -> None:
    witnesses = three(tmp_path, 5)
    fork = SampleLog.of(40, shared=5)
    counts = quorums(witnesses, [(HONEST, 9, first), (fork, 9, second)])
    assert counts[0] == 2
    assert counts[1] < 2
    for number in set(first) & set(second):
        assert witnesses[number].evidence_against(ORIGIN).status == 200


@pytest.mark.parametrize("grown", [7, 9, 12])
def test_a_rolled_back_log_never_has_a_quorum_again(tmp_path: Path, grown: int) -> None:
    """Two saw 9 leaves; rolled back to 5 and grown anew, only the third follows."""
    witnesses = three(tmp_path, 5)
    rolled_back = SampleLog.of(40, shared=5)
    assert quorums(witnesses, [(HONEST, 9, (0, 1)), (rolled_back, grown, (0, 1, 2))]) == [2, 1]


class Careless(Witness):
    """The broken variant: cosigns whatever the log signed."""

    def _decide(self, turn: Any, request: AddCheckpoint, head: Any) -> WitnessAnswer:
        lines = self.keys.cosign(request.note.text, 1_800_000_000)
        return WitnessAnswer(status=200, body="".join(line.render() + "\n" for line in lines))


def test_the_drill_catches_witnesses_that_do_not_check(tmp_path: Path) -> None:
    made = three(tmp_path, 5)
    careless = [Careless(witness.keys, witness.state, print) for witness in made]
    fork = SampleLog.of(40, shared=5)
    assert quorums(careless, [(HONEST, 9, (0, 1)), (fork, 9, (1, 2))]) == [2, 2]
    assert quorums(careless, [(HONEST, 9, (0, 1)), (fork, 7, (0, 1, 2))]) == [2, 3]


def add_leaf(site: Site, said: str) -> int:
    """Add a leaf as a site does that has taken out the question to those outside: it forks on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lakehouse.pipeline.log_records.require_newest_home", lambda _site: None)
        draft = draft_record(site, kind="decision", digests={}, details={"said": said}, ref=said)
    return log_record(site, draft)


def cosigned_by(site: Site) -> Cosigning:
    """Return who stands behind the head once all have been asked; contradiction is no obstacle here."""
    try:
        return cosign_head(site)
    except Damaged:
        return read_cosigning(site)


def switch(folder: Path, chosen: str) -> None:
    """Let another copy of the home take its place."""
    if (folder / "home").exists():
        shutil.rmtree(folder / "home")
    shutil.copytree(folder / chosen, folder / "home")


def keep(folder: Path, name: str) -> None:
    shutil.copytree(folder / "home", folder / name)


def compared(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    out = folder / "said.json"
    options = ["--home", str(folder / "home"), "--site", str(folder / "site.toml"), "--json"]
    with pytest.MonkeyPatch.context() as patch, out.open("w") as file:
        patch.setattr("sys.stdout", file)
        code = run(["log", "compare", *arguments, *options])
    return code, json.loads(out.read_text())


@pytest.fixture(scope="module")
def fork_folder(tmp_path_factory: pytest.TempPathFactory, witnesses: list[WitnessProcess]) -> Path:
    """A site of which w1 and w2 saw one log of 3 leaves and w3 another; its home holds the second."""
    folder = tmp_path_factory.mktemp("forked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
        site = watched_home(folder, witnesses)
        add_leaf(site, "both")
        add_leaf(site, "both too")
        cosign_head(site)
        keep(folder, "before")
        add_leaf(site, "told to two")
        with down(witnesses[2]):
            assert cosign_head(site).collected == ("w1.example", "w2.example")
        keep(folder, "first")
        switch(folder, "before")
        other = watched_home(folder, witnesses)
        add_leaf(other, "told to the third")
        result = cosigned_by(other)
        assert (result.collected, result.satisfied) == (("w3.example",), False)
        keep(folder, "second")
    return folder


@pytest.fixture
def forked(fork_folder: Path, tmp_path: Path, home: Home) -> Path:
    """A copy of it that a test may change; `home` opens it."""
    return Path(shutil.copytree(fork_folder, tmp_path, dirs_exist_ok=True))


def test_a_fork_is_found_by_comparing_and_the_evidence_verifies(
    forked: Path, witnesses: list[WitnessProcess]
) -> None:
    evidence = forked / "evidence.json"
    code, said = compared(forked, "-o", str(evidence))
    assert code == 5
    verdicts = {own["place"]: own["verdict"] for own in said["places"]}
    assert verdicts == {
        witnesses[0].url: "forked",
        witnesses[1].url: "forked",
        witnesses[2].url: "same",
    }
    trust = forked / "home" / "registry" / "trust.json"
    assert run(["verify", str(evidence), "--trust", str(trust)]) == 0


def test_a_copy_of_the_log_in_a_folder_shows_the_fork_too(forked: Path) -> None:
    code, said = compared(forked, str(forked / "first" / "registry"))
    assert (code, said["places"][0]["verdict"]) == (5, "forked")
    assert compared(forked, str(forked / "before" / "registry"))[1]["places"][0]["verdict"] == "behind"
    assert compared(forked, str(forked / "second" / "registry"))[0] == 0


def test_a_fork_that_went_on_is_proved_from_the_tiles(forked: Path, home: Home) -> None:
    """The first log had 3 leaves; the second now has 5: the path from its own 3 is the proof."""
    site = home()
    add_leaf(site, "more")
    add_leaf(site, "and more")
    evidence = forked / "evidence.json"
    code, said = compared(forked, str(forked / "first" / "registry"), "-o", str(evidence))
    assert (code, said["places"][0]["verdict"]) == (5, "rewritten")
    trust = forked / "home" / "registry" / "trust.json"
    assert run(["verify", str(evidence), "--trust", str(trust)]) == 0


def test_a_log_rolled_back_is_named_even_where_nothing_can_be_proved(
    forked: Path, witnesses: list[WitnessProcess]
) -> None:
    """Back at 2 leaves, all of them genuine: no two signatures contradict, but witnesses have seen 3."""
    switch(forked, "before")
    code, said = compared(forked, witnesses[0].url, str(forked / "first" / "registry"))
    assert (code, {own["verdict"] for own in said["places"]}) == (5, {"longer"})


def test_whoever_cannot_be_reached_is_named(
    forked: Path, home: Home, witnesses: list[WitnessProcess]
) -> None:
    with down(witnesses[2]):
        result = compare_log(home(), [witnesses[2].url])
    assert result.unreachable == (witnesses[2].url,)
    assert not result.contradicted


def test_a_head_that_this_log_did_not_sign_proves_nothing(forked: Path, tmp_path: Path, home: Home) -> None:
    copy = shutil.copytree(forked / "first" / "registry", tmp_path / "forged")
    text = (copy / "checkpoint").read_text()
    (copy / "checkpoint").write_text(text.replace("\n3\n", "\n4\n"))
    result = compare_log(home(), [str(copy)])
    assert (result.places[0].verdict, result.evidence) == ("not signed by this log", None)


def test_a_log_rebuilt_by_someone_with_its_key_but_no_witness_is_named_by_fsck(
    home: Home, tmp_path: Path
) -> None:
    """Every key of the operator, a log of other leaves, registry.db and tiles to match: no cosignatures."""
    site = home(when_missing="refuse")
    add_leaf(site, "before")
    keep(tmp_path, "empty")
    add_leaf(site, "what happened")
    cosign_head(site)
    with site.registry.reading() as tx:
        genuine = tx.many("cosignatures", size=2)
    switch(tmp_path, "empty")
    rebuilt = home(when_missing="refuse")
    add_leaf(rebuilt, "what we wish had happened")
    assert named(rebuilt) == {
        "newest head has fewer cosignatures than 2 (0 of ML-DSA-44): livinglab log cosign"
    }
    with rebuilt.registry.transaction() as tx:
        for row in genuine:
            tx.add("cosignatures", **row)
    assert "cosignature is not genuine" in named(home(when_missing="refuse"))
    with pytest.raises((Damaged, Unavailable)):
        cosign_head(rebuilt)


def named(site: Site) -> set[str]:
    return {found.kind for found in fsck(site, lambda sentence: None).findings}


def test_the_witness_whose_path_shows_nothing_still_refuses(tmp_path: Path) -> None:
    """Where the old size is a power of two the path does not show which tree it continues: 422, no proof."""
    (witness, *_) = three(tmp_path, 8)
    assert not show(SampleLog.of(40, shared=5), 12, witness)
    assert witness.evidence_against(ORIGIN).status == 404
    with witness.state.reading() as turn:
        stored = turn.head(ORIGIN)
    assert stored is not None
    assert parse_checkpoint(stored.note.text).size == 8
