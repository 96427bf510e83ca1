"""Writers of one table with locks of PostgreSQL: they exclude each other; who lost them signs nothing."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.adapters.delta_log import newest_version
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.errors import LivingLabError, Unavailable
from lakehouse.pipeline import committing, writing
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import TableWrite, write_tables
from lakehouse.sites import open_site
from tests.postgres_server import PostgresServer
from tests.unit.home_samples import commit_without_spark

TABLE = "silver.people"
WRITERS = 4
LOSE_LOCKS = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"


class NoLocks:
    """Broken on purpose: everybody has every lock."""

    @contextmanager
    def hold(self, _names: Sequence[str], _wait: float = 0.0) -> Iterator[None]:
        yield

    def require_held(self) -> None:
        """Nothing was taken."""


@pytest.fixture
def site(tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    expectations = Path(__file__).parents[2] / "expectations"
    url, schemas = postgres.url(), ("writing_registry", "writing_vault")
    stores = "".join(
        f'{name} = {{ url = "{url}", schema = "{schema}" }}\n'
        for name, schema in zip(("registry", "vault"), schemas, strict=True)
    )
    file = tmp_path / "site.toml"
    file.write_text(f'name = "pg"\nexpectations = "{expectations}"\n[stores]\n{stores}')
    yield open_site(file, tmp_path / "home", create=True)
    postgres.execute(*(f"DROP SCHEMA {schema} CASCADE" for schema in schemas))


def write(site: Site, number: int) -> None:
    people = list(site.vault.subjects_for("gaitpdb", [f"GaPt{number:02}"]).values())
    rows = pa.table({"subject": people, "steps": [number]})
    write_tables(
        site,
        verb="refine",
        run_key=f"people/{number}",
        writes=[TableWrite(table=TABLE, rows=rows, mode="append")],
    )


def write_at_once(site: Site) -> list[str]:
    """Let writers of one table begin together; returns what went wrong."""
    start, failures = threading.Barrier(WRITERS), []

    def one(number: int) -> None:
        start.wait()
        try:
            write(site, number)
        except (LivingLabError, OSError, ValueError, KeyError) as error:
            failures.append(type(error).__name__)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return failures


def rows_signed(site: Site) -> int:
    with site.registry.reading() as tx:
        return len(tx.many("versions", table_name=TABLE))


def test_writers_at_once_lose_nothing(site: Site) -> None:
    assert write_at_once(site) == []
    assert rows_signed(site) == WRITERS == site.lake.read(TABLE, WRITERS - 1).num_rows
    assert fsck(site, lambda _said: None).findings == ()


def test_writers_without_locks_are_caught(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: all begin from one base, and what they wrote is not what was signed."""
    all_have_read = threading.Barrier(WRITERS, timeout=300)

    def read_together(folder: Path) -> int:
        base = newest_version(folder)
        all_have_read.wait()
        return base

    monkeypatch.setattr(writing, "newest_version", read_together)
    failures = write_at_once(replace(site, locks=NoLocks()))
    assert failures or fsck(site, lambda _said: None).findings


def losing(original: Callable[..., object], postgres: PostgresServer) -> Callable[..., object]:
    """Do a step, and then let the connection of the locks break."""

    def step(*arguments: object, **named: object) -> object:
        done = original(*arguments, **named)
        postgres.execute(LOSE_LOCKS)
        return done

    return step


def test_who_lost_the_locks_after_the_commit_signs_nothing_and_the_next_ends_it(
    site: Site, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(DeltaLake, "commit", losing(commit_without_spark, postgres))
        with pytest.raises(Unavailable):
            write(site, 0)
    assert (rows_signed(site), newest_version(site.lake.folder_of(TABLE))) == (0, 0)
    assert recover(site, with_spark=False).finished == 1
    write(site, 0)
    write(site, 1)
    assert rows_signed(site) == 2
    assert fsck(site, lambda _said: None).findings == ()


def test_who_lost_the_locks_before_the_commit_commits_nothing(
    site: Site, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(committing, "newest_version", losing(newest_version, postgres))
        with pytest.raises(Unavailable):
            write(site, 0)
    assert newest_version(site.lake.folder_of(TABLE)) == -1
    write(site, 0)
    assert rows_signed(site) == 1
    assert fsck(site, lambda _said: None).findings == ()
