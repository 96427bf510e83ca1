"""Anchoring a home's head: kept once, told when it is missing, and never silent."""

import json
from pathlib import Path

import pytest
from anchored_homes import add_leaf, write_site
from local_authority import LocalAuthority, make_authority, needs_openssl, served_by

from lakehouse.anchors import anchor_names, find_anchor, rfc3161
from lakehouse.cli.main import run
from lakehouse.errors import ContractError, Damaged, Unavailable
from lakehouse.pipeline.anchoring import anchor_head
from lakehouse.pipeline.settle import settle_head
from lakehouse.pipeline.site import Site


@pytest.fixture
def site(tmp_path: Path, open_home, served: LocalAuthority) -> Site:
    """A home of two leaves with one authority and one folder for copies."""
    (tmp_path / "copies").mkdir()
    opened = open_home(site_file=write_site(tmp_path, [served], [tmp_path / "copies"]))
    add_leaf(opened, 1)
    add_leaf(opened, 2)
    return opened


def kept(site: Site) -> list[tuple[int, str]]:
    with site.registry.reading() as tx:
        return [(row["size"], row["authority"]) for row in tx.many("time_stamps")]


def test_backends_are_found_by_name_and_an_unknown_one_lists_them() -> None:
    assert {"local_file", "rfc3161", "witness"} <= set(anchor_names())
    with pytest.raises(ContractError, match="no 'blockchain'") as caught:
        find_anchor("blockchain")
    assert caught.value.allowed == anchor_names()


@needs_openssl
def test_a_stamp_is_kept_once_for_each_head(site: Site, served: LocalAuthority) -> None:
    first, second = anchor_head(site, "rfc3161"), anchor_head(site, "rfc3161")

    assert ([given.place for given in first.kept], first.already) == ([served.name], ())
    assert (second.kept, second.already, served.asked) == ((), (served.name,), 1)
    add_leaf(site, 3)
    assert [given.place for given in anchor_head(site, "rfc3161").kept] == [served.name]
    assert kept(site) == [(2, served.name), (3, served.name)]


@needs_openssl
def test_a_stamp_of_a_certificate_that_was_replaced_is_asked_for_again(
    site: Site, served: LocalAuthority, tmp_path: Path, open_home
) -> None:
    anchor_head(site, "rfc3161")
    renewed = make_authority(tmp_path / "renewed", "p256", name=served.name)
    with served_by(renewed):
        (tmp_path / "new").mkdir()
        again = open_home(site_file=write_site(tmp_path / "new", [renewed], []))

        assert [given.place for given in anchor_head(again, "rfc3161").kept] == [served.name]
    assert kept(again) == [(2, served.name)]


@needs_openssl
def test_an_authority_that_is_down_is_named_and_the_others_are_kept(
    tmp_path: Path, open_home, served: LocalAuthority
) -> None:
    down = make_authority(tmp_path / "down", "p256", name="down.example")
    down.url = "http://127.0.0.1:9/"
    site = open_home(site_file=write_site(tmp_path, [down, served], []))
    add_leaf(site, 1)

    with pytest.raises(Unavailable, match="1 places of the anchor rfc3161") as caught:
        anchor_head(site, "rfc3161")
    assert (caught.value.exit_code, caught.value.facts["missing"]) == (7, ["down.example"])
    assert kept(site) == [(1, served.name)]


@needs_openssl
def test_a_process_killed_before_it_kept_a_stamp_asks_again(
    site: Site, served: LocalAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lakehouse.pipeline import anchoring

    with monkeypatch.context() as killed:
        killed.setattr(anchoring, "_keep", _stop)
        with pytest.raises(KeyboardInterrupt):
            anchor_head(site, "rfc3161")
    assert kept(site) == []
    assert len(anchor_head(site, "rfc3161").kept) == 1


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_copy_finds_a_log_that_was_rolled_back(site: Site, tmp_path: Path, monkeypatch) -> None:
    head = (tmp_path / "home" / "registry" / "checkpoint").read_bytes()
    add_leaf(site, 3)
    first, second = anchor_head(site, "local_file"), anchor_head(site, "local_file")
    assert [given.place for given in first.kept] == [str(tmp_path / "copies")]
    assert (second.kept, second.already) == ((), (str(tmp_path / "copies"),))

    (tmp_path / "home" / "registry" / "checkpoint").write_bytes(head)
    with pytest.raises(Damaged, match="2 leaves, a copy of its head 3"):
        anchor_head(site, "local_file")


def test_a_site_without_authorities_asks_nobody(open_home) -> None:
    site = open_home()
    add_leaf(site, 1)

    assert anchor_head(site, "rfc3161").kept == ()
    assert rfc3161.places(site.log_policy) == ()


@pytest.mark.parametrize(("when", "code"), [("warn", 0), ("refuse", 7), ("wait", 7)])
def test_a_write_whose_head_gets_no_stamp_ends_as_the_site_file_says(
    tmp_path: Path, open_home, when: str, code: int
) -> None:
    down = make_authority(tmp_path / "down", "p256", name="down.example")
    down.url = "http://127.0.0.1:9/"
    file = write_site(tmp_path, [down], [], stamps=1)
    demands = f'\n[log]\nwhen_missing = "{when}"\nwait_seconds = 1'
    file.write_text(file.read_text().replace("\n[log]", demands))
    site = open_home(site_file=file)
    add_leaf(site, 1)
    told: list[str] = []

    try:
        settle_head(site, told.append)
        ended = 0
    except Unavailable as error:
        ended = error.exit_code
    assert ended == code
    assert all("down.example" in sentence for sentence in told)
    assert told


@needs_openssl
def test_a_write_is_stamped_where_the_site_demands_it_and_only_there(
    tmp_path: Path, open_home, served: LocalAuthority
) -> None:
    for demanded in (0, 1):
        site = open_home(site_file=write_site(tmp_path, [served], [], stamps=demanded))
        add_leaf(site, demanded)
        settle_head(site, _stop)
        settle_head(site, _stop)

    assert kept(site) == [(2, served.name)]
    assert served.asked == 1


@needs_openssl
def test_one_of_two_stamps_is_enough_where_one_is_demanded(
    tmp_path: Path, open_home, served: LocalAuthority
) -> None:
    down = make_authority(tmp_path / "down", "p256", name="down.example")
    down.url = "http://127.0.0.1:9/"
    site = open_home(site_file=write_site(tmp_path, [served, down], [], stamps=1))
    add_leaf(site, 1)
    told: list[str] = []

    settle_head(site, told.append)
    assert kept(site) == [(1, served.name)]
    assert "down.example" in told[0]


@needs_openssl
def test_the_command_names_the_place_and_the_time(
    site: Site, tmp_path: Path, served: LocalAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--home", str(tmp_path / "home"), "--site", str(tmp_path / "site.toml"), "--json"]

    assert run(["log", "anchor", "rfc3161", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["size"], told["places"][0]["place"], told["repeated"]) == (2, served.name, False)
    served.url = "http://127.0.0.1:9/"
    (tmp_path / "site.toml").write_text(
        write_site(tmp_path, [served], []).read_text().replace(served.name, "other.example", 1)
    )
    assert run(["log", "anchor", "rfc3161", *options]) == 7
    assert json.loads(capsys.readouterr().out)["error"]["missing"] == ["other.example"]
    assert run(["log", "anchor", "blockchain", *options]) == 2
