"""A person checks their own rows with a receipt key that opens nothing, and nobody else's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from home_samples import BRONZE, GOLD, bronze_rows, make_home

from lakehouse.adapters.arrow_rows import content_leaf
from lakehouse.adapters.person_rows import PersonRows, check_person_rows, parse_person_rows
from lakehouse.cli.main import run
from lakehouse.core.bundle import parse_bundle
from lakehouse.errors import NotVerified, Refused, WrongUse
from lakehouse.pipeline.person_receipt import prove_rows
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import write_tables


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("receipts")


@pytest.fixture(scope="module")
def site(place: Path) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        yield make_home(place, patch)


def test_a_person_verifies_their_own_rows_and_nobody_s_else(
    site: Site, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["trust", "-o", str(place / "trust.json")])
    for name in ("GaCo01", "GaPt02"):
        files = ["-o", str(place / name), "--rows", str(place / f"{name}.rows")]
        assert run(["prove", BRONZE, "--person", name, "--system", "gaitpdb", *files]) == 0
    arguments = ["verify", str(place / "GaCo01"), "--trust", str(place / "trust.json"), "--json", "--rows"]
    capsys.readouterr()
    assert run([*arguments, str(place / "GaCo01.rows")]) == 0
    content = next(c for c in json.loads(capsys.readouterr().out)["checks"] if c["name"] == "content")
    assert content["why"].startswith("2 rows of one person")
    assert run([*arguments, str(place / "GaPt02.rows")]) == 5


def test_the_rows_are_private_and_the_bundle_holds_none_of_them(site: Site, place: Path) -> None:
    own = prove_rows(site, BRONZE, "SiPt03", "gaitpdb")[0]
    rows = parse_person_rows(own.rows)
    assert rows.pseudonym.encode() not in own.proof.bundle
    assert (place / "GaCo01.rows").stat().st_mode & 0o077 == 0
    assert b"SiPt03" not in own.rows + own.proof.bundle


@pytest.mark.parametrize("what", ["a cell", "the key", "the order", "a row less", "the table", "the intent"])
def test_one_change_and_the_leaf_is_another(site: Site, what: str) -> None:
    own = prove_rows(site, BRONZE, "GaPt02", "gaitpdb")[0]
    fields = json.loads(own.rows)
    row = next(column for column in fields["columns"] if column["name"] == "row")
    if what == "a cell":
        row["values"][0] = "7"
    elif what == "the key":
        fields["key"] = json.loads(prove_rows(site, BRONZE, "GaCo01", "gaitpdb")[0].rows)["key"]
    elif what == "the order":
        for column in fields["columns"]:
            column["values"].reverse()
    elif what == "a row less":
        for column in fields["columns"]:
            column["values"].pop()
    elif what == "the table":
        fields["table"] = "bronze.ehr"
    else:
        fields["intent"] = "0" * 32
    changed = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    bundle = parse_bundle(own.proof.bundle)
    assert check_person_rows(bundle, own.rows)
    with pytest.raises(NotVerified):
        check_person_rows(bundle, changed)


def test_a_leaf_under_a_key_of_everybody_would_let_one_person_test_guesses_of_another(site: Site) -> None:
    """The broken variant: with one key for all, whoever has theirs confirms somebody else's rows."""
    one, other = (prove_rows(site, BRONZE, name, "gaitpdb")[0] for name in ("GaCo01", "GaPt02"))
    mine, theirs = parse_person_rows(one.rows), parse_person_rows(other.rows)
    shared = content_leaf(b"\0" * 32, theirs.table, theirs.intent, theirs.pseudonym, theirs.rows)
    guessed = PersonRows(
        table=theirs.table, intent=theirs.intent, pseudonym=theirs.pseudonym, key=mine.key, rows=theirs.rows
    )
    leaf = parse_bundle(other.proof.bundle).content
    assert leaf is not None and guessed.leaf() != leaf.leaf
    assert content_leaf(b"\0" * 32, BRONZE, theirs.intent, theirs.pseudonym, theirs.rows) == shared


def test_a_version_whose_leaves_were_replaced_says_which_one_has_them(site: Site) -> None:
    with pytest.raises(WrongUse, match="has no leaves of people any more"):
        prove_rows(site, f"{BRONZE}@0", "GaCo01", "gaitpdb")
    with pytest.raises(WrongUse, match="has no rows of people"):
        prove_rows(site, GOLD, "GaCo01", "gaitpdb")


def test_who_is_not_held_gets_no_proof(site: Site) -> None:
    with pytest.raises(Refused, match="holds no row of that person"):
        prove_rows(site, BRONZE, "GaPt99", "gaitpdb")
    with pytest.raises(WrongUse, match="no source uses that id system"):
        prove_rows(site, BRONZE, "GaCo01", "passport")
    assert run(["prove", BRONZE, "--person", "GaCo01", "-o", "x"]) == 2
    files = ["-o", "x", "--rows", "y", "--as", "analyst"]
    assert run(["prove", BRONZE, "--person", "GaCo01", "--system", "gaitpdb", *files]) == 4


def test_a_person_with_two_pseudonyms_gets_a_proof_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_home(tmp_path, monkeypatch)
    site.vault.link_all([(site.vault.find_subject("gaitpdb", "GaCo01"), "gaitpdb", "GaPt02")])
    files = ["-o", str(tmp_path / "p.json"), "--rows", str(tmp_path / "r.json")]
    assert run(["prove", BRONZE, "--person", "GaCo01", "--system", "gaitpdb", *files]) == 0
    assert run(["trust", "-o", str(tmp_path / "trust.json")]) == 0
    for end in ("", "-2"):
        own = [str(tmp_path / f"p{end}.json"), "--rows", str(tmp_path / f"r{end}.json")]
        assert run(["verify", *own, "--trust", str(tmp_path / "trust.json")]) == 0


def test_rows_before_and_after_a_later_batch_are_other_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_home(tmp_path, monkeypatch)
    before = prove_rows(site, BRONZE, "GaCo01", "gaitpdb")[0]
    person = site.vault.find_subject("gaitpdb", "GaCo01")
    write_tables(site, verb="land", run_key="land 3", writes=[bronze_rows([str(person)], 3)])
    after = prove_rows(site, BRONZE, "GaCo01", "gaitpdb")[0]
    assert check_person_rows(parse_bundle(after.proof.bundle), after.rows).startswith("3 rows")
    with pytest.raises(NotVerified):
        check_person_rows(parse_bundle(after.proof.bundle), before.rows)


VALUES = pa.table(
    {
        "i": pa.array([1, None, -(2**63)], pa.int64()),
        "f": pa.array([0.1, float("nan"), None], pa.float64()),
        "g": pa.array([-0.0, float("inf"), 1e300], pa.float32()),
        "b": pa.array([True, False, None]),
        "d": pa.array([0, None, 20_000], pa.date32()),
        "t": pa.array([0, None, 2**60], pa.timestamp("us", "UTC")),
        "s": pa.array(["", "é\U0001f600", None]),
        "x": pa.array([b"", b"\x00\xff", None], pa.binary()),
    }
)


def test_every_type_comes_back_as_it_was() -> None:
    own = PersonRows(table="silver.x", intent="a", pseudonym="0" * 32, key=b"\x01" * 32, rows=VALUES)
    again = parse_person_rows(own.render())
    assert again.leaf() == own.leaf()
    assert again.render() == own.render()


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields["columns"][0].update(type="q"),
        lambda fields: fields["columns"][0].update(values=["x"]),
        lambda fields: fields["columns"][0].update(values=["9" * 20] * 3),
        lambda fields: fields["columns"][0]["values"].append("1"),
        lambda fields: fields["columns"].append(fields["columns"][0]),
        lambda fields: fields.update(key="AA=="),
        lambda fields: fields.update(more=1),
        lambda fields: fields.update(columns={}),
    ],
)
def test_a_document_of_another_form_is_not_verified(change: object) -> None:
    own = PersonRows(
        table="silver.x", intent="a", pseudonym="0" * 32, key=b"\x01" * 32, rows=VALUES.select(["i", "s"])
    )
    fields = json.loads(own.render())
    change(fields)  # type: ignore[operator]
    with pytest.raises(NotVerified):
        parse_person_rows(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n")
