"""What every test may use: the shared data, and homes of their own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from lakehouse.pipeline.site import Site

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("LIVINGLAB_SHARED") or PROJECT / ".." / "shared") / "data"
    if not folder.is_dir():
        pytest.skip("the real data is not here: set LIVINGLAB_SHARED")
    return folder.resolve()


@pytest.fixture
def open_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Open a home under the test's folder, its keys outside it; called again, the same home."""
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    from lakehouse.sites import open_site

    def opened(name: str = "home", actor: str | None = None, site_file: Path | None = None) -> Site:
        return open_site(site_file, tmp_path / name, actor, create=True)

    yield opened
