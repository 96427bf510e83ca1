"""A site file says which engine; one variable of the environment stands above it."""

from pathlib import Path

import pytest

from lakehouse.adapters.site_file import read_site_file
from lakehouse.errors import ContractError


def test_the_shipped_site_is_one_process() -> None:
    assert read_site_file().engine.master == "local[2]"


def test_the_environment_names_a_shared_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVINGLAB_SPARK", "sc://127.0.0.1:15002")
    assert read_site_file().engine.master == "sc://127.0.0.1:15002"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name = "x"\n[engine]\nspork = "local"', "engine.spork"),
        ("[engine]", "name"),
        ("name = 3", "name"),
        ("name =", "(file)"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(text)
    with pytest.raises(ContractError) as caught:
        read_site_file(file)
    assert (caught.value.facts["file"], caught.value.facts["key"]) == ("site.toml", key)
