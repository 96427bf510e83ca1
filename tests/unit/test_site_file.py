"""A site file says which engine; one variable of the environment stands above it."""

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.adapters.log_settings import LogSettings
from lakehouse.adapters.signatures import WitnessSigner
from lakehouse.adapters.site_file import DEFAULT_SITE, read_site_file
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


WITNESSES = [WitnessSigner(f"w{number}.example", bytes([number]) * 32).key for number in (1, 2, 3)]


def test_a_site_names_who_must_cosign_its_log(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('name = "x"\n[log]\ncosignatures = 2\nwhen_missing = "refuse"\n' + _witness_lines())
    log = read_site_file(file).log
    assert (log.cosignatures, log.when_missing, log.wait_seconds) == (2, "refuse", 60)
    assert [(witness.name, witness.url) for witness in log.witnesses] == [
        (f"w{number}.example", f"http://127.0.0.1:900{number}") for number in (1, 2, 3)
    ]


def test_a_site_without_witnesses_asks_for_none() -> None:
    assert read_site_file().log == LogSettings()


def test_copies_lie_beside_the_site_file(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('name = "x"\n[[log.copies]]\nfolder = "paper"\n')
    assert read_site_file(file).log.copies[0].folder == tmp_path / "paper"


def test_a_site_may_be_another_with_witnesses_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text('name = "plain"\npolicy = "strict"\n')
    file = tmp_path / "site.toml"
    file.write_text('base = "plain.toml"\n[log]\ncosignatures = 1\n' + _witness_lines())
    settings = read_site_file(file)
    assert (settings.name, settings.policy, settings.log.cosignatures) == ("plain", "strict", 1)
    (tmp_path / "third.toml").write_text('base = "site.toml"')
    with pytest.raises(ContractError, match="without a base"):
        read_site_file(tmp_path / "third.toml")


def test_the_shipped_example_is_the_local_site() -> None:
    example = read_site_file(DEFAULT_SITE.with_name("witnessed.toml"))
    assert replace(example, log=LogSettings()) == read_site_file()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("cosignatures = 1", "log.cosignatures"),
        ("post_quantum = 1", "log.post_quantum"),
        ("time_stamps = 1", "log.time_stamps"),
        ("cosignatures = -1", "log.cosignatures"),
        ('when_missing = "hope"', "log.when_missing"),
        ("wait_seconds = 86400", "log.wait_seconds"),
        ("quorum = 2", "log.quorum"),
        ('[[log.witnesses]]\nkeys = ["w+1+AA"]\nurl = "http://w"', "log.witnesses[1].keys"),
        ('[[log.witnesses]]\nkeys = []\nurl = "http://w"', "log.witnesses[1].keys"),
        (f'[[log.witnesses]]\nkeys = ["{WITNESSES[0].render()}"]\nurl = "ftp://w"', "log.witnesses[1].url"),
        (
            f'[[log.witnesses]]\nkeys = ["{WITNESSES[0].render()}"]\nurl = "http://a:b@w"',
            "log.witnesses[1].url",
        ),
        (f'[[log.witnesses]]\nkeys = ["{WITNESSES[0].render()}"]\nurl = "http://w"\n' * 2, "log.witnesses"),
        (
            '[[log.authorities]]\nname = "a"\nurl = "http://a"\ncertificate = "none.pem"',
            "log.authorities[a].certificate",
        ),
    ],
)
def test_a_policy_that_no_head_could_meet_is_refused(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text('name = "x"\n[log]\n' + text)
    with pytest.raises(ContractError) as caught:
        read_site_file(file)
    assert caught.value.facts["key"] == key


def _witness_lines() -> str:
    return "".join(
        f'[[log.witnesses]]\nkeys = ["{key.render()}"]\nurl = "http://127.0.0.1:900{number}/"\n'
        for number, key in enumerate(WITNESSES, 1)
    )
