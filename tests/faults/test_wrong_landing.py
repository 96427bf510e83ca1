"""A landing that cannot begin leaves nothing: no home is made for a wrong name or path."""

from pathlib import Path

import pytest

from lakehouse.cli.main import run


@pytest.mark.parametrize(
    ("dataset", "path"),
    [("no_such_data", "people"), ("gait_people", "nowhere"), ("gait_people", "people"), ("ehr", "people")],
)
def test_no_home_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, path: str
) -> None:
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    (tmp_path / "people").mkdir()
    home = tmp_path / "home"
    assert run(["land", dataset, str(tmp_path / path), "--home", str(home)]) == 2
    assert not home.exists()
    assert not (tmp_path / "keys").exists()
