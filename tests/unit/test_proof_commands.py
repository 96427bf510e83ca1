"""prove, trust and verify as a stranger uses them: in an empty home, without keys."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from home_samples import BRONZE, GOLD, make_home
from misbehaviour_samples import FORK
from proof_samples import TRUST

from lakehouse.cli.main import run
from lakehouse.core.misbehaviour import Misbehaviour
from lakehouse.core.proof import parse_proof

PROVED = {
    "gold": GOLD,
    "first": f"{BRONZE}@0",
    "decision": "decision-1",
    "answer": "answer-1",
    "release": "release-1",
    "model": "pd_screen",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with proofs of everything in it."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("proofs")
        make_home(place, patch)
        assert run(["trust", "-o", str(place / "trust.json")]) == 0
        for name, what in PROVED.items():
            assert (
                run(["prove", what, "-o", str(place / name), "--opening", str(place / f"{name}.open")]) == 0
            )
        yield place


@pytest.fixture
def stranger(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Someone with nothing but the folder of proofs: no home, no keys."""
    monkeypatch.delenv("LIVINGLAB_KEYS", raising=False)
    monkeypatch.setenv("LIVINGLAB_HOME", str(tmp_path / "nothing"))
    return folder


def verify(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(["verify", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def failed(said: dict[str, Any]) -> list[str]:
    return [check["name"] for check in said["checks"] if not check["ok"]]


@pytest.mark.parametrize("name", sorted(PROVED))
def test_a_stranger_verifies(stranger: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(capsys, stranger / name, "--trust", stranger / "trust.json")
    assert (code, said["verified"], len(said["checks"])) == (0, True, 11)


def test_a_bundle_is_small_and_names_no_person(stranger: Path) -> None:
    for name in PROVED:
        content = (stranger / name).read_text()
        assert len(content) < 8192
        assert not any(word in content for word in ("GaCo01", "GaPt02", "reason", "actor", "rows"))


def test_without_a_trust_file_nothing_is_verified(stranger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(capsys, stranger / "gold")
    assert (code, said["error"]["code"]) == (5, "NOT_VERIFIED")


def test_inside_a_home_its_trust_file_is_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(capsys, folder / "gold", "--home", folder / "home")[0] == 0


def test_gold_data_is_compared_without_any_key(
    stranger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(stranger / "home/lake/gold/gait_by_cohort", tmp_path / "data"))
    arguments = (stranger / "gold", "--trust", stranger / "trust.json", "--data", data)
    assert verify(capsys, *arguments)[0] == 0
    file = next(data.glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    code, said = verify(capsys, *arguments)
    assert (code, failed(said)) == (5, ["data"])


@pytest.mark.parametrize("strange", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_data_that_never_ends_is_not_read(
    stranger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], strange: Callable[[Path], None]
) -> None:
    """Broken: a copy from somebody else with a pipe or a link to a device in it is read for ever."""
    data = Path(shutil.copytree(stranger / "home/lake/gold/gait_by_cohort", tmp_path / "data"))
    file = next(data.glob("*.parquet"))
    file.unlink()
    strange(file)
    code, said = verify(capsys, stranger / "gold", "--trust", stranger / "trust.json", "--data", data)
    assert (code, failed(said)) == (5, ["data"])


def test_bronze_data_needs_the_opening_of_that_version(
    stranger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = stranger / "home/lake/bronze/gait_people"
    arguments = (stranger / "first", "--trust", stranger / "trust.json", "--data", data)
    code, said = verify(capsys, *arguments)
    assert (code, failed(said)) == (5, ["data"])
    assert "not checked" in said["checks"][9]["why"]
    assert verify(capsys, *arguments, "--opening", stranger / "first.open")[0] == 0
    code, said = verify(capsys, *arguments, "--opening", stranger / "gold.open")
    assert (code, failed(said)) == (5, ["data"])


def test_an_empty_opening_is_no_opening(
    stranger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_bytes(b"")
    code, said = verify(
        capsys, stranger / "gold", "--trust", stranger / "trust.json", "--opening", tmp_path / "empty"
    )
    assert (code, failed(said)) == (5, ["data"])


def test_evidence_of_misbehaviour_is_recognised(
    stranger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The site's own log cannot be accused with the head it signed; a real fork is in test_misbehaviour."""
    note = parse_proof(json.loads((stranger / "gold").read_text())["proof"]).checkpoint
    evidence = tmp_path / "evidence"
    evidence.write_bytes(Misbehaviour(first=note, second=note).render())
    code, said = verify(capsys, evidence, "--trust", stranger / "trust.json")
    assert (code, failed(said), said["misbehaviour"]) == (5, ["contradiction"], True)
    evidence.write_bytes(FORK.render())
    (tmp_path / "trust.json").write_text(TRUST.render())
    code, said = verify(capsys, evidence, "--trust", tmp_path / "trust.json")
    assert (code, failed(said), said["misbehaviour"]) == (0, [], True)
    code = run(["verify", str(evidence), "--trust", str(tmp_path / "trust.json")])
    assert code == 0
    assert "two heads that cannot belong to one log" in capsys.readouterr().out


def test_the_log_grew_and_the_proof_shows_it(stranger: Path) -> None:
    """The first head that held the leaf goes with the proof, and the path to the newest."""
    assert json.loads((stranger / "first").read_text())["earlier"] is not None
    assert json.loads((stranger / "model").read_text())["earlier"] is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[" * 50_000, b"\x00" * 2_000_000])
def test_what_is_no_bundle_is_not_verified(
    stranger: Path, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert verify(capsys, tmp_path / "file", "--trust", stranger / "trust.json")[0] == 5


def test_a_missing_file_is_unreadable_input(
    stranger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(capsys, tmp_path / "none", "--trust", stranger / "trust.json")[0] == 2


def test_a_changed_trust_file_trusts_nobody(
    stranger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (stranger / "trust.json").read_bytes()
    (tmp_path / "trust.json").write_bytes(whole.replace(b'"cosignatures":0', b'"cosignatures":1'))
    assert verify(capsys, stranger / "gold", "--trust", tmp_path / "trust.json")[0] == 5


def test_an_analyst_gets_a_proof_and_no_opening(folder: Path, tmp_path: Path) -> None:
    command = ["--home", str(folder / "home"), "--as", "analyst", "prove", GOLD, "-o", str(tmp_path / "p")]
    assert run(command) == 0
    assert run([*command, "--opening", str(tmp_path / "o")]) == 4
    assert not (tmp_path / "o").exists()


def test_an_unknown_name_has_no_proof(folder: Path, tmp_path: Path) -> None:
    for what in ("gold.nothing", f"{GOLD}@99", "answer-0"):
        assert run(["--home", str(folder / "home"), "prove", what, "-o", str(tmp_path / "p")]) == 2


def test_the_log_is_read_newest_last(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["--home", str(folder / "home"), "log", "--tail", "2", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [(entry["leaf"], entry["kind"]) for entry in entries] == [(4, "answer"), (5, "model")]
