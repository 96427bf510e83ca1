"""Anchoring a home's head: kept once, told when it is missing, and never silent."""

from pathlib import Path

import pytest
from anchored_homes import add_leaf, write_site
from local_authority import LocalAuthority, make_authority, needs_openssl, served_by

from lakehouse.anchors import anchor_names, find_anchor, rfc3161
from lakehouse.errors import ContractError, Damaged, Unavailable
from lakehouse.pipeline.anchoring import anchor_head
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
    assert anchor_head(site, "local_file").size == 3
    assert anchor_head(site, "local_file").size == 3

    (tmp_path / "home" / "registry" / "checkpoint").write_bytes(head)
    with pytest.raises(Damaged, match="2 leaves, a copy of its head 3"):
        anchor_head(site, "local_file")


def test_a_site_without_authorities_asks_nobody(open_home) -> None:
    site = open_home()
    add_leaf(site, 1)

    assert anchor_head(site, "rfc3161").kept == ()
    assert rfc3161.places(site.log_policy) == ()
