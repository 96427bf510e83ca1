"""`livinglab witness` and what commands do where cosignatures are demanded, as people see it."""

import json
import socket
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from home_samples import commit_without_spark, gold_rows
from witness_processes import WitnessProcess, down
from witnessed_logs import SIGNER

from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.log_settings import parse_log_settings
from lakehouse.cli.main import run
from lakehouse.core.toml_section import Section
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import write_tables

Home = Callable[..., Site]
GOLD = "gold.gait_by_cohort"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run one command with --json; its code, its one document, its notices."""
    capsys.readouterr()
    code = run([*arguments, "--json"])
    output = capsys.readouterr()
    return code, json.loads(output.out), output.err


def test_a_witness_is_made_and_its_lines_fit_a_site_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, url = str(tmp_path / "w1"), "https://w.example"
    code, made, _ = said(capsys, "witness", "init", folder, "--name", "a.example/w1", "--url", url)
    assert code == 0
    top = Section(tomllib.loads(made["site"]), file="site.toml")
    log = Section({"witnesses": top.mapping("log")["witnesses"]}, file="site.toml")
    (witness,) = parse_log_settings(log, tmp_path).witnesses
    assert (witness.name, witness.url, len(witness.keys)) == ("a.example/w1", url, 2)
    again = said(capsys, "witness", "init", folder, "--name", "a.example/w1")[1]
    assert again["keys"] == made["keys"]
    assert said(capsys, "witness", "init", folder, "--name", "b.example/w1")[0] == 2


@pytest.mark.parametrize("left", [None, b""])
def test_keys_without_their_memory_are_no_witness(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], left: bytes | None
) -> None:
    """Broken: `init` made a new memory beside the old keys, and the witness signed a second history."""
    folder = tmp_path / "w1"
    assert said(capsys, "witness", "init", str(folder), "--name", "w1.example")[0] == 0
    for file in folder.glob("witness.db*"):
        file.unlink()
    if left is not None:
        (folder / "witness.db").write_bytes(left)
    assert said(capsys, "witness", "init", str(folder), "--name", "w1.example")[0] == 6
    assert said(capsys, "witness", "serve", "--state", str(folder))[0] == 6


def test_logs_are_added_once_and_only_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "w1")
    keys = said(capsys, "witness", "init", folder, "--name", "w1.example")[1]["keys"]
    assert said(capsys, "witness", "add-log", folder, SIGNER.vkey)[1]["added"] is True
    assert said(capsys, "witness", "add-log", folder, SIGNER.vkey)[1]["added"] is False
    for wrong in (keys[0], "junk", SIGNER.vkey[:-4] + "AAA="):
        assert said(capsys, "witness", "add-log", folder, wrong)[0] == 2
    (log,) = said(capsys, "witness", "logs", folder)[1]["logs"]
    assert (log["origin"], log["size"], log["key"]) == (SIGNER.key.name, None, SIGNER.vkey)


def test_what_is_missing_or_in_the_way_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "w1")
    code, told, _ = said(capsys, "witness", "serve", "--state", folder)
    assert (code, told["error"]["message"]) == (3, "there is no witness in 'w1'")
    said(capsys, "witness", "init", folder, "--name", "w1.example")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, told, _ = said(capsys, "witness", "serve", "--state", folder, "--listen", address)
    assert code == 7
    assert "is in use by another program" in told["error"]["message"]
    assert said(capsys, "witness", "serve", "--state", folder, "--name", "w2.example")[0] == 2
    assert said(capsys, "witness", "serve", "--state", folder, "--listen", "8100")[0] == 2
    Path(folder, "keys", "ed25519.key").chmod(0o644)
    assert said(capsys, "witness", "serve", "--state", folder)[0] == 7


def test_the_keys_of_a_witness_do_not_lie_in_a_home(
    open_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(open_home().home.path / "airflow" / "w1")
    assert said(capsys, "witness", "init", folder, "--name", "w1.example")[0] == 2


def test_no_release_is_read_before_it_is_cosigned(
    home: Home,
    witnesses: list[WitnessProcess],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With `refuse`, query and describe end with 7 until enough witnesses stand behind the release."""
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    publish_without_spark(home(when_missing="refuse"))
    options = ["--home", str(tmp_path / "home"), "--site", str(tmp_path / "site.toml")]
    question = ["query", f"SELECT * FROM {GOLD}", "--purpose", "research", *options]
    for asked in (question, ["describe", GOLD, *options]):
        code, told, _ = said(capsys, *asked)
        assert (code, told["error"]["code"]) == (7, "UNAVAILABLE")
        assert "livinglab log cosign" in told["error"]["remedy"]
    listed = said(capsys, "tables", "--layer", "gold", *options)[1]["tables"]
    assert {own["rows"] for own in listed} == {None}
    assert said(capsys, "log", "cosign", *options)[0] == 0
    assert len(said(capsys, *question)[1]["rows"]) == 2
    home(when_missing="warn")
    assert said(capsys, *question)[0] == 0


def publish_without_spark(site: Site) -> None:
    """Write a gold table and its release."""
    release = {
        "release_id": "release-1",
        "product": "gait_by_cohort",
        "table_name": GOLD,
        "state": "PUBLISHED",
        "rows": 2,
        **dict.fromkeys(("version", "leaf_index", "content_digest")),
    }
    write_tables(site, verb="publish", run_key="p", writes=[gold_rows()], rows={"releases": [release]})


def test_a_write_that_is_not_cosigned_says_nothing_else(
    home: Home, witnesses: list[WitnessProcess], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document on stdout: the refusal. The write stands; asked again with witnesses there, it is told."""
    home(cosignatures=1, when_missing="warn")
    home(cosignatures=2, when_missing="refuse")
    options = ["--home", str(tmp_path / "home"), "--site", str(tmp_path / "site.toml")]
    with down(*witnesses):
        code, told, _ = said(capsys, "trust", "--renew", *options)
        assert (code, told["error"]["collected"]) == (7, [])
        status = said(capsys, "status", *options)[1]
    assert status["log"]["cosigned"]["satisfied"] is False
    assert any("cosigned the head" in missing["what"] for missing in status["missing"])
    assert said(capsys, "trust", "--renew", *options)[1]["repeated"] is True
    assert said(capsys, "log", "cosign", *options)[1]["collected"] == [w.name for w in witnesses]
    assert said(capsys, "log", "--tail", "1", *options)[1]["entries"][0]["kind"] == "trust"


def test_without_witnesses_there_is_nobody_to_ask(
    open_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(open_home().home.path)
    for asked in (["log", "cosign"], ["log", "compare"], ["log", "compare", "nowhere"]):
        assert said(capsys, *asked, "--home", home)[0] == 2
    assert said(capsys, "log", "anchor", "local_file", "--home", home)[1]["places"] == []
