"""kill -9 while a Spark Connect server lives on: a few points of the drill; `make drills` runs it in full."""

from pathlib import Path

import pytest

from tests.drills.kills import ChainServer, connect_server, drill, prepare

pytestmark = pytest.mark.spark


def test_a_killed_chain_is_run_to_the_same_gold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    with connect_server(tmp_path), ChainServer() as chain:
        clean = prepare(tmp_path, chain, runs=1)
        kills = list(drill(tmp_path, chain, clean, kills=4, seed=4))
    assert [kill for kill in kills if kill.problems] == []
