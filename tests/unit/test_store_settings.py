"""`[stores]` and `[airflow]`: where the databases are, no password, the server checked over a network."""

import json
from pathlib import Path

import pytest

from lakehouse.adapters.site_file import DEFAULT_SITE, read_site_file
from lakehouse.adapters.store_settings import StoreSettings
from lakehouse.errors import ContractError, Damaged, NotReady
from lakehouse.pipeline.home_identity import parse_identity, read_home, require_stores, write_identity
from lakehouse.pipeline.site import Home

WORD = "correct-horse-battery"


def settings(folder: Path, text: str) -> StoreSettings:
    file = folder / "site.toml"
    file.write_text('name = "x"\n' + text)
    return read_site_file(file).stores


def test_a_site_that_names_no_stores_keeps_files(tmp_path: Path) -> None:
    assert settings(tmp_path, "").kinds() == {"registry": "sqlite", "vault": "sqlite"}


def test_a_text_is_an_address_and_a_table_says_more(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        '[stores]\nregistry = "postgresql://writer@/lab?host=/run/postgresql"\n'
        '[stores.vault]\nurl = "postgresql://keeper@db.example/vaults"\nschema = "clinic_a"\n'
        'password_env = "VAULT_PASSWORD"\n',
    )
    assert found.registry is not None and found.vault is not None
    assert found.registry.place == "schema livinglab_registry of lab on /run/postgresql"
    assert found.vault.place == "schema clinic_a of vaults on db.example"
    assert (found.registry.password_env, found.vault.password_env) == (None, "VAULT_PASSWORD")


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://db.example/lab", "verify-full"),
        ("postgresql://127.0.0.1,db.example/lab", "verify-full"),
        ("postgresql://db.example/lab?sslmode=require", "require"),
        ("postgresql:///lab?hostaddr=192.0.2.1", "verify-full"),
        ("postgresql:///lab?service=lab", None),
        ("postgresql://localhost/lab", None),
        ("postgresql:///lab?host=/run/postgresql", None),
    ],
)
def test_over_a_network_the_server_must_prove_who_it_is(tmp_path: Path, address: str, mode: str) -> None:
    """libpq would take a connection in clear where a server offers no other."""
    found = settings(tmp_path, f'[stores]\nregistry = "{address}"\n').registry
    assert found is not None and found.parameters.get("sslmode") == mode


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f'[stores]\nvault = "postgresql://keeper:{WORD}@db/lab"', "stores.vault.url"),
        (f'[stores]\nvault = "postgresql://keeper@db/lab?password={WORD}"', "stores.vault.url"),
        (f'[stores]\nvault = "postgresql://db/lab?sslpassword={WORD}"', "stores.vault.url"),
        (f'[airflow]\ndatabase = "postgresql://a:{WORD}@db/airflow"', "airflow.database.url"),
        ('[stores]\nvault = "postgresql:///lab?options=-csearch_path%3Dx"', "stores.vault.url"),
        (f'[stores]\nvault = "postgresql://{WORD}:x:y@[db/lab"', "stores.vault.url"),
        ('[stores]\nvault = "mysql://db/lab"', "stores.vault.url"),
        ('[stores]\nvault = "postgresql:///lab?hots=db"', "stores.vault.url"),
        ('[stores]\nlog = "postgresql:///lab"', "stores.log"),
        ('[stores.vault]\nschema = "lab"', "stores.vault.url"),
        ('[stores.vault]\nurl = "postgresql:///lab"\nschema = "a; DROP"', "stores.vault.schema"),
        ('[stores.vault]\nurl = "postgresql:///lab"\nschema = "pg_catalog"', "stores.vault.schema"),
        (f'[stores.vault]\nurl = "postgresql:///lab"\nschema = "{"a" * 64}"', "stores.vault.schema"),
        ('[airflow.database]\nurl = "postgresql:///lab"\nschema = "x"', "airflow.database.schema"),
        ("[stores]\nvault = 3", "stores.vault"),
        (
            '[stores]\nregistry = "postgresql:///lab"\n[stores.vault]\nurl = "postgresql:///lab"\n'
            'schema = "livinglab_registry"',
            "stores.vault",
        ),
    ],
)
def test_a_mistake_names_its_key_and_never_a_password(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ContractError) as caught:
        settings(tmp_path, text)
    assert caught.value.facts["key"] == key
    assert WORD not in json.dumps(caught.value.as_json())


def test_the_password_comes_from_the_variable_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[airflow.database]\nurl = "postgresql://a@/airflow?host=/run/pg"\npassword_env = "LAB_WORD"\n'
    found = settings(tmp_path, text).airflow
    assert found is not None and WORD not in repr(found)
    monkeypatch.delenv("LAB_WORD", raising=False)
    with pytest.raises(NotReady, match="LAB_WORD is not set"):
        found.connection()
    monkeypatch.setenv("LAB_WORD", "p@ss/w:rd")
    assert found.connection()["password"] == "p@ss/w:rd"
    assert found.url("postgresql+psycopg") == (
        "postgresql+psycopg://a:p%40ss%2Fw%3Ard@/airflow?host=%2Frun%2Fpg"
    )


def test_a_site_may_be_another_with_stores_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text('name = "plain"\n[stores]\nvault = "postgresql:///one"\n')
    (tmp_path / "site.toml").write_text('base = "plain.toml"\n[stores]\nvault = "postgresql:///two"\n')
    vault = read_site_file(tmp_path / "site.toml").stores.vault
    assert vault is not None and vault.parameters["dbname"] == "two"


def test_the_shipped_example_names_stores_and_the_airflow_database() -> None:
    found = read_site_file(DEFAULT_SITE.with_name("postgresql.toml")).stores
    assert found.kinds() == {"registry": "postgresql", "vault": "postgresql"}
    assert found.airflow is not None


def test_a_home_says_what_keeps_its_stores(tmp_path: Path) -> None:
    """home.json of a home with files says nothing of it; another site file than the home's is refused."""
    kinds = {"registry": "postgresql", "vault": "sqlite"}
    home = Home(path=tmp_path, id="0" * 16, origin="livinglab.local/0", stores=kinds)
    write_identity(home)
    assert read_home(tmp_path) == home
    require_stores(home, kinds)
    with pytest.raises(NotReady, match="the registry of this home is kept by PostgreSQL"):
        require_stores(home, StoreSettings().kinds())
    plain = Home(path=tmp_path, id="0" * 16, origin="livinglab.local/0")
    write_identity(plain)
    assert "stores" not in (tmp_path / "home.json").read_text()
    with pytest.raises(NotReady, match="the vault of this home is kept by a file of the home"):
        require_stores(plain, {"registry": "sqlite", "vault": "postgresql"})


@pytest.mark.parametrize("said", ['"x"', '{"registry": "oracle"}', '{"log": "sqlite"}', "[]"])
def test_stores_that_cannot_be_understood_are_damage(said: str) -> None:
    with pytest.raises(Damaged):
        parse_identity(f'{{"id": "{"0" * 16}", "origin": "o", "stores": {said}}}'.encode())
