"""The whole way with registry, vault and locks in PostgreSQL: the same gold as with files of the home."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse.adapters.site_file import read_site_file
from lakehouse.core.question import Question
from lakehouse.core.trust import parse_trust
from lakehouse.errors import NotReady, Unavailable
from lakehouse.pipeline import moving_stores
from lakehouse.pipeline.answer import answer
from lakehouse.pipeline.backup import backup
from lakehouse.pipeline.fsck import fsck, unwatched
from lakehouse.pipeline.land import land
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.status import site_status
from lakehouse.pipeline.verify import verify
from lakehouse.samples.source_folder import write_sample
from lakehouse.sites import move_home_stores, open_site, restore_home
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.spark

PEOPLE = 20
PRODUCT = "gait_people_open"


@dataclass(frozen=True)
class Journey:
    """A home after the whole way, and what its gold holds."""

    site: Site
    gold: Mapping[str, object]


def travel(folder: Path, source: Path, site_file: Path | None) -> Journey:
    """Land, refine, publish and ask in a new home."""
    site = open_site(site_file, folder / "home", create=True)
    land(site, "gait_people", [source / "gaitpdb" / "demographics.txt"])
    land(site, "gait_walks", sorted((source / "gaitpdb").glob("*_01.txt")))
    for dataset in ("gait_people", "gait_walks"):
        refine(site, dataset)
    release = publish(site, PRODUCT)
    answer(site, Question.of("count", on="silver.gait_features", epsilon="0.5"))
    rows = site.lake.read(release.table, release.version or 0).to_pydict()
    return Journey(site, {"rows": rows, "state": str(release.state), "k": release.k, "t": str(release.t)})


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Mapping[str, Journey]:
    folder = tmp_path_factory.mktemp("journeys")
    write_sample(folder / "source", people=PEOPLE, seed=1)
    site_file = folder / "site.toml"
    expectations = Path(__file__).parents[2] / "expectations"
    url = postgres.url()
    site_file.write_text(
        f'name = "pg"\nexpectations = "{expectations}"\n[stores]\nregistry = "{url}"\nvault = "{url}"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
        return {
            "sqlite": travel(folder / "files", folder / "source", None),
            "postgresql": travel(folder / "pg", folder / "source", site_file),
        }


def test_the_gold_is_that_of_files(journeys: Mapping[str, Journey]) -> None:
    """Pseudonyms, nonces and file names differ between two homes; what is released does not."""
    assert journeys["postgresql"].gold["state"] == "PUBLISHED"
    assert journeys["postgresql"].gold == journeys["sqlite"].gold


def test_a_proof_is_verified_and_nothing_disagrees(journeys: Mapping[str, Journey]) -> None:
    site = journeys["postgresql"].site
    bundle = prove(site, f"gold.{PRODUCT}").bundle
    trust = parse_trust(site.home.place("registry", "trust.json").read_bytes())
    assert verify(bundle, trust).verified
    found = fsck(site, lambda _said: None)
    assert (found.findings, found.tables > 5) == ((), True)


def test_the_home_has_no_store_and_says_where_they_are(journeys: Mapping[str, Journey]) -> None:
    """Without its site file such a home is not given an empty registry."""
    home = journeys["postgresql"].site.home
    assert not list(home.path.glob("*.db")) and not home.place("locks", "log.lock").exists()
    status = site_status(journeys["postgresql"].site, read_site_file()).as_json()["stores"]
    assert status["registry"]["kind"] == status["vault"]["kind"] == "postgresql"
    with pytest.raises(NotReady, match="kept by PostgreSQL"):
        open_site(None, home.path, create=True)


def test_a_new_home_does_not_take_the_stores_of_another(
    journeys: Mapping[str, Journey], tmp_path: Path
) -> None:
    site_file = journeys["postgresql"].site.home.path.parents[1] / "site.toml"
    with pytest.raises(NotReady, match="another home"):
        open_site(site_file, tmp_path / "home", create=True)
    with pytest.raises(NotReady, match="there is no LivingLab home"):
        open_site(site_file, tmp_path / "home")


def test_a_backup_of_schemas_is_a_home_in_files_that_moves_back(
    journeys: Mapping[str, Journey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row bears its MAC through backup, restore and move; what was left behind is gone."""
    site, folder = journeys["postgresql"].site, journeys["postgresql"].site.home.path.parents[1]
    monkeypatch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
    backup(site, tmp_path / "backup", unwatched)
    restore_home(tmp_path / "backup", home=tmp_path / "home")
    restored = open_site(None, tmp_path / "home")
    assert fsck(restored, lambda _said: None).findings == ()
    moved_file = tmp_path / "moved.toml"
    text = (folder / "site.toml").read_text()
    moved_file.write_text(text.replace("vault = ", "vault.url = ").replace("registry = ", "registry.url = "))
    with moved_file.open("a") as file:
        file.write('registry.schema = "moved_registry"\nvault.schema = "moved_vault"\n')
    assert move_home_stores(restored, moved_file).rows > 0
    assert not list((tmp_path / "home").glob("*.db*"))
    moved = open_site(moved_file, tmp_path / "home")
    assert fsck(moved, lambda _said: None).findings == ()
    assert move_home_stores(moved, moved_file).rows == 0
    with pytest.raises(Unavailable, match="the registry is missing"), restored.registry.reading():
        pass


def test_a_move_that_is_killed_leaves_the_home_as_it_was(
    journeys: Mapping[str, Journey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new place is written in home.json once everything is there, and the old is dropped after that."""
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    site = open_site(None, tmp_path / "home", create=True)
    monkeypatch.setattr(moving_stores, "write_identity", killed)
    elsewhere = journeys["postgresql"].site.home.path.parents[1] / "killed.toml"
    elsewhere.write_text(
        elsewhere.with_name("site.toml")
        .read_text()
        .replace("vault = ", "vault.url = ")
        .replace("registry = ", "registry.url = ")
        + 'registry.schema = "killed_registry"\nvault.schema = "killed_vault"\n'
    )
    with pytest.raises(KeyboardInterrupt):
        move_home_stores(site, elsewhere)
    again = open_site(None, tmp_path / "home")
    assert (again.registry.check(), again.vault.broken_seals()) == ([], ())
    with pytest.raises(NotReady, match="holds rows"):
        move_home_stores(again, elsewhere)


def killed(*_arguments: object) -> None:
    raise KeyboardInterrupt
