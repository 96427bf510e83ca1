"""What every test may use: the shared data, and homes of their own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lakehouse.pipeline.site import Site
from tests.kept_stores import InFile, InPostgres, KeptStore
from tests.postgres_server import PostgresServer, postgres_programs, running_server

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
"""Nothing here is decided by a clock: hypothesis' own look at its speed fails on a busy machine."""
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test run; tests that need it are skipped where none is installed."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running_server(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def keep_in(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., KeptStore]]:
    """Return what makes a store (file name, how messages call it, the table that writers lock), in either."""
    made: list[InPostgres] = []

    def keep(name: str, what: str, turn: str) -> KeptStore:
        if request.param == "sqlite":
            return InFile(tmp_path, name, what)
        made.append(InPostgres(request.getfixturevalue("postgres"), what, turn))
        return made[-1]

    yield keep
    for kept in made:
        kept.drop()
