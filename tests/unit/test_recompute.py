"""What a release says about its privacy is measured again from a copy of its table, by anybody."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from home_samples import make_home

from lakehouse.adapters.release_rows import order_rows
from lakehouse.cli.main import run
from lakehouse.core.bundle import OpenedDetails, parse_bundle
from lakehouse.core.privacy_statement import PRIVACY, parse_release_rules_json
from lakehouse.core.release_rules import parse_release_rules
from lakehouse.errors import NotVerified
from lakehouse.pipeline.consents import consent_coverage, state_consents
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.publish_finish import finish_product
from lakehouse.pipeline.publish_inputs import PublishInputs
from lakehouse.pipeline.recompute import recompute
from lakehouse.pipeline.signing import plain_content
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.statements import release_statement
from lakehouse.pipeline.writing import TableWrite, write_tables

TABLE = "gold.gait_people_open"
QUARTILES = ("stride_time_s", "stride_time_cv", "swing_asymmetry", "speed_m_s")


def people(site: Site, count: int) -> pa.Table:
    names = list(site.vault.subjects_for("gaitpdb", [f"GaPt{n:02}" for n in range(1, count + 1)]).values())
    numbers = range(count)
    return pa.table(
        {
            "subject": names,
            "sex": ["female" if n % 3 else "male" for n in numbers],
            "age": pa.array([58 + n % 20 for n in numbers], pa.int64()),
            "group": ["parkinson" if n % 2 else "control" for n in numbers],
            "hoehn_yahr": pa.array([2.0 + n % 3 / 2 if n % 2 else 0.0 for n in numbers], pa.float64()),
            **{f"{name}_quartile": pa.array([1 + n % 4 for n in numbers], pa.int64()) for name in QUARTILES},
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recompute")


@pytest.fixture(scope="module")
def site(place: Path) -> Iterator[Site]:
    """A home in which gait_people_open was released from 43 people."""
    with pytest.MonkeyPatch.context() as patch:
        site = make_home(place, patch)
        release(site, people(site, 43))
        assert run(["prove", TABLE, "-o", str(place / "proof.json")]) == 0
        assert run(["trust", "-o", str(place / "trust.json")]) == 0
        yield site


def release(site: Site, rows: pa.Table) -> None:
    contract = site.contracts.gold("gait_people_open")
    coverage = consent_coverage(site, rows["subject"].to_pylist(), "research")
    inputs = PublishInputs(
        contract=contract,
        rules=parse_release_rules(contract, site.policy.floor),
        versions=(),
        coverage=coverage,
        people=site.vault.canonical(coverage.permitted),
        run_key="a" * 64,
    )
    product = finish_product(site, inputs, rows)
    ordered = order_rows(product.finished.rows, inputs.released, contract.file)
    privacy = release_statement(site, inputs, product, [], output=plain_content(ordered))
    write = TableWrite(
        table=TABLE,
        rows=ordered,
        mode="overwrite",
        by_subject=False,
        statements={"privacy": privacy, "consents": state_consents(site, coverage)},
    )
    write_tables(site, verb="publish", run_key="b", writes=[write], consent_root=coverage.root)


def folder(site: Site) -> Path:
    return site.lake.folder_of(TABLE)


def said(site: Site, document: bytes, data: Path) -> dict[str, bool | None]:
    return {one.name: one.ok for one in recompute(document, data, site.detector)}


def test_everything_that_the_table_shows_comes_out_the_same(site: Site, place: Path) -> None:
    found = said(site, (place / "proof.json").read_bytes(), folder(site))
    same = ("content digest", "rows", "k", "l", "t", "labels of sex", "labels of age_band", "findings")
    assert [found[name] for name in same] == [True] * 8
    assert [name for name, ok in found.items() if ok is None] == ["suppression", "loss"]


def test_a_stranger_with_the_bundle_and_the_folder_does_it(
    site: Site,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = Path(shutil.copytree(folder(site), tmp_path / "copy"))
    monkeypatch.delenv("LIVINGLAB_KEYS")
    monkeypatch.setenv("LIVINGLAB_HOME", str(tmp_path / "nothing"))
    arguments = ["verify", str(place / "proof.json"), "--trust", str(place / "trust.json"), "--recompute"]
    capsys.readouterr()
    assert run([*arguments, "--data", str(data), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verified"] is True and len(told["recomputed"]) == 10
    assert run(arguments) == 2


def test_a_doctored_table_is_told_from_its_statement(site: Site, place: Path, tmp_path: Path) -> None:
    """One person moved out of their group: the digest differs, and so does k."""
    rows = site.lake.read(TABLE, 0).to_pylist()
    rows[0]["sex"] = "male" if rows[0]["sex"] == "female" else "female"
    rows[0]["age_band"] = "22"
    write_deltalake(tmp_path / "doctored", pa.Table.from_pylist(rows, schema=site.lake.read(TABLE, 0).schema))
    found = said(site, (place / "proof.json").read_bytes(), tmp_path / "doctored")
    wrong = {name for name, ok in found.items() if ok is False}
    assert wrong >= {"content digest", "k", "labels of age_band"}


@pytest.mark.parametrize(
    ("name", "value", "differs"),
    [("k", 9, "k"), ("l", 5, "l"), ("t", "0.01", "t"), ("rows", 100, "rows"), ("findings", 5, "findings")],
)
def test_a_doctored_statement_is_told_from_its_table(
    site: Site, place: Path, tmp_path: Path, name: str, value: object, differs: str
) -> None:
    """Even one that the log itself holds: a false figure is found by whoever has the table."""
    bundle = parse_bundle((place / "proof.json").read_bytes())
    stated = bundle.statements[PRIVACY]
    lie = {**stated.value, "measured": {**stated.value["measured"], name: value}}
    doctored = replace(bundle, statements={PRIVACY: OpenedDetails(value=lie, salt=stated.salt)}).render()
    assert {one for one, ok in said(site, doctored, folder(site)).items() if ok is False} == {differs}
    (tmp_path / "doctored.json").write_bytes(doctored)
    arguments = ["--trust", str(place / "trust.json"), "--data", str(folder(site)), "--recompute"]
    assert run(["verify", str(tmp_path / "doctored.json"), *arguments]) == 5


def test_another_level_than_stated_is_seen(site: Site, place: Path) -> None:
    bundle = parse_bundle((place / "proof.json").read_bytes())
    value = json.loads(json.dumps(bundle.statements[PRIVACY].value))
    band = next(own for own in value["quasi_identifiers"] if own["released_as"] == "age_band")
    band["level"] -= 1
    salt = bundle.statements[PRIVACY].salt
    other = replace(bundle, statements={PRIVACY: OpenedDetails(value=value, salt=salt)}).render()
    assert said(site, other, folder(site))["labels of age_band"] is False


def test_the_statement_has_no_exact_count_and_nothing_of_a_person(site: Site) -> None:
    statements = parse_bundle(prove(site, TABLE).bundle).statements
    text = json.dumps({name: dict(opened.value) for name, opened in statements.items()})
    numbers = {str(subject) for subject in people(site, 43)["subject"].to_pylist()}
    assert not any(name in text for name in numbers) and "GaPt" not in text
    assert statements[PRIVACY].value["measured"]["rows"] % 5 == 0
    assert statements["consents"].value["permitted"] == 45


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("targets"),
        lambda value: value["targets"].update(k="five"),
        lambda value: value.update(kind="crowds"),
        lambda value: value["quasi_identifiers"][0].pop("hierarchy"),
        lambda value: value["sensitive"].append(7),
        lambda value: value["quasi_identifiers"][0].update(level=99),
        lambda value: value["quasi_identifiers"][0].update(level=-1),
        lambda value: value["quasi_identifiers"][1]["hierarchy"].update(bands=["9" * 5000]),
        lambda value: value["quasi_identifiers"][1]["hierarchy"].update(domain=[1, 2, 3]),
        lambda value: value["quasi_identifiers"][0].update(released_as=["sex"]),
        lambda value: value.update(round_to=True),
        lambda value: value.update(cells={}),
    ],
)
def test_a_statement_of_another_form_is_not_verified(site: Site, place: Path, change: object) -> None:
    value = json.loads(json.dumps(parse_bundle(prove(site, TABLE).bundle).statements[PRIVACY].value))
    change(value)  # type: ignore[operator]
    with pytest.raises(NotVerified):
        parse_release_rules_json(value)


@pytest.mark.parametrize("figure", ["\x1b[2J", "[red]9", {"k": 9}, 10**15, "9" * 500, []])
def test_what_is_no_figure_is_not_printed(site: Site, place: Path, figure: object) -> None:
    bundle = parse_bundle((place / "proof.json").read_bytes())
    stated = bundle.statements[PRIVACY]
    lie = {**stated.value, "measured": {**stated.value["measured"], "k": figure, "findings": figure}}
    doctored = replace(bundle, statements={PRIVACY: OpenedDetails(value=lie, salt=stated.salt)}).render()
    found = {one.name: one for one in recompute(doctored, folder(site), site.detector)}
    assert [found[name].why.partition(",")[0] for name in ("k", "findings")] == ["stated no figure"] * 2
    assert found["k"].ok is found["findings"].ok is False


def test_what_is_no_release_or_no_table_is_not_recomputed(site: Site, place: Path, tmp_path: Path) -> None:
    with pytest.raises(NotVerified, match="no released table"):
        recompute(prove(site, "answer-1").bundle, folder(site))
    with pytest.raises(NotVerified, match="no readable version"):
        recompute((place / "proof.json").read_bytes(), tmp_path)
    write_deltalake(tmp_path / "other", pa.table({"people": [10]}))
    with pytest.raises(NotVerified, match="lacks"):
        recompute((place / "proof.json").read_bytes(), tmp_path / "other")


def test_a_hostile_table_is_not_recomputed(site: Site, place: Path, tmp_path: Path) -> None:
    rows = site.lake.read(TABLE, 0)
    lists = rows.set_column(rows.schema.get_field_index("sex"), "sex", pa.array([["female"]] * len(rows)))
    write_deltalake(tmp_path / "lists", lists)
    with pytest.raises(NotVerified, match="of a type that no release has"):
        recompute((place / "proof.json").read_bytes(), tmp_path / "lists")
    long = rows.set_column(
        rows.schema.get_field_index("age_band"), "age_band", pa.array(["9" * 5000] * len(rows))
    )
    write_deltalake(tmp_path / "long", long)
    assert said(site, (place / "proof.json").read_bytes(), tmp_path / "long")["labels of age_band"] is False
    write_deltalake(tmp_path / "torn", rows)
    next((tmp_path / "torn").glob("*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(NotVerified, match="no readable version"):
        recompute((place / "proof.json").read_bytes(), tmp_path / "torn")
