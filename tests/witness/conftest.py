"""Three witnesses as processes of their own, started once; and homes whose site file names them."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from witness_processes import WitnessProcess, start_witness, watched_home

from lakehouse.pipeline.site import Site

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))


@pytest.fixture(scope="session")
def witnesses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[WitnessProcess]]:
    """Return three witnesses; a test that stops one starts it again."""
    folder = tmp_path_factory.mktemp("witnesses")
    started = [start_witness(folder / f"w{number}", f"w{number}.example") for number in (1, 2, 3)]
    yield started
    for witness in started:
        witness.kill()


@pytest.fixture
def home(
    tmp_path: Path, witnesses: list[WitnessProcess], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Site]:
    """Open a home under a policy of two of the three witnesses, who watch its log."""
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    return partial(watched_home, tmp_path, witnesses)
