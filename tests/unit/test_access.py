"""Everything held on one person, opened for them (PROTOCOLS section 1)."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from report_facts import column, contract

from lakehouse.adapters.quarantine_rows import SetAside, quarantine_rows
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.adapters.vault import Vault
from lakehouse.cli.output import as_document
from lakehouse.core.actors import DEFAULT_ACTORS, resolve_actor
from lakehouse.core.contract import ColumnType, Contracts, Layer, LinkedIdentifier, SubjectRule
from lakehouse.errors import NotAllowed, Refused, WrongUse
from lakehouse.methods.seal import CellCipher
from lakehouse.pipeline.access import gather_access

NOTES = contract(
    Layer.BRONZE,
    "notes",
    [
        column("person_id", "direct", "pseudonymise"),
        column("text", "free_text", "seal"),
        column("written_at", "quasi", "seal", ColumnType.TIMESTAMP),
        column("visit", "quasi", "seal", ColumnType.INTEGER),
    ],
    subject=SubjectRule(column="person_id", system="clinic"),
    linked_identifiers=(LinkedIdentifier(system="urn:gait", id_system="gaitpdb", id_pattern=".+"),),
)


class Keys:
    def wrapping_key(self):
        return b"w" * 32

    def index_key(self):
        return b"i" * 32


class Lake:
    def __init__(self, tables):
        self.tables = tables

    def read_subjects(self, table, version, pseudonyms):
        rows = self.tables[table, version]
        return rows.filter(pc.is_in(rows.column("subject"), pa.array(sorted(pseudonyms), pa.string())))


class Registry:
    def __init__(self, versions):
        release = {"release_id": "r1", "product": "open", "state": "PUBLISHED", "version": 0}
        self.rows = {"versions": versions, "releases": [release]}

    @contextmanager
    def reading(self):
        yield SimpleNamespace(many=lambda name, **_: self.rows[name])


def bronze_notes(vault, people, *, odd_visits=False):
    """Two notes a person, sealed as land seals them."""
    subjects = pa.array([subject for subject in people.values() for _ in range(2)])
    keys = vault.subject_keys(people.values(), "seal")
    rows = pa.array(range(len(subjects)), pa.int64())
    texts = pa.array([f"note of {name} {turn}" for name in people for turn in range(2)])
    batches = pa.array([1] * len(subjects), pa.int64())
    cipher = CellCipher(subjects, batches, keys, table="bronze.notes")
    ids = pa.array([name for name in people for _ in range(2)])
    moments = pa.array([datetime(2024, 5, 1, 9, 30, tzinfo=UTC)] * len(subjects)).cast(pa.string())
    visits = pa.array(["7", "once a week"] * len(people)) if odd_visits else pa.array(["7"] * len(subjects))
    return pa.table(
        {
            "subject": subjects,
            "batch": batches,
            "file": pa.array([0] * len(subjects), pa.int64()),
            "row": rows,
            "file_hmac": pa.array([b"\x01"] * len(subjects)),
            "person_id__sealed": cipher.seal("person_id", ids),
            "text__sealed": cipher.seal("text", texts, rows),
            "written_at__sealed": cipher.seal("written_at", moments),
            "visit__sealed": cipher.seal("visit", visits),
            "score": pa.array([float("nan")] * len(subjects)),
        }
    )


@pytest.fixture
def site(tmp_path):
    vault = Vault(SqliteStore(tmp_path / "vault.db", "the vault"), Keys())
    vault.create()
    people = vault.subjects_for("clinic", ["A1", "B2"])
    vault.subjects_for("gaitpdb", ["GaPt03"])
    aside = SetAside(file=0, row=9, reason="not_a_date", column="when", raw=b'{"a": 1}', subject=people["A1"])
    keys = vault.subject_keys(people.values(), "seal")
    quarantine = quarantine_rows(
        "bronze.notes__quarantine", [aside], keys, vault.batch_key("q"), batch=1, stage="land"
    )
    silver = pa.table({"subject": [people["A1"], people["B2"]], "text": ["<PERSON> is well", "fine"]})
    tables = {
        ("bronze.notes", 3): bronze_notes(vault, people),
        ("bronze.notes__quarantine", 0): quarantine,
        ("silver.notes", 1): silver,
    }
    vault.remember_cells("r1", {"40-59": {people["A1"]}, "60+": {people["B2"]}})
    versions = [{"table_name": name, "version": number} for name, number in tables]
    versions += [{"table_name": "bronze.notes", "version": 2}, {"table_name": "gold.open", "version": 0}]
    return SimpleNamespace(
        actor=resolve_actor(DEFAULT_ACTORS, "kim", "dpo", owner="kim"),
        vault=vault,
        contracts=Contracts(by_table={NOTES.table: NOTES}),
        lake=Lake(tables),
        registry=Registry(versions),
        clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        home=SimpleNamespace(origin="livinglab.local/00ff"),
        people=people,
    )


def document_of(held):
    return json.loads(json.dumps(as_document(held.as_json()), allow_nan=False))


def test_every_table_of_people_is_read_at_its_newest_version(site):
    held = gather_access(site, "A1", "clinic")
    assert [(table.table, table.version, len(table.rows)) for table in held.tables] == [
        ("bronze.notes", 3, 2),
        ("bronze.notes__quarantine", 0, 1),
        ("silver.notes", 1, 1),
    ]


def test_what_is_sealed_stands_open_and_nan_is_null(site):
    table = document_of(gather_access(site, "A1", "clinic"))["tables"][0]
    row = dict(zip(table["columns"], table["rows"][1], strict=True))
    assert (row["person_id"], row["text"], row["score"]) == ("A1", "note of A1 1", None)


def test_opened_values_have_the_types_of_the_contract(site):
    """Sealed as text, handed over like every other value: times as RFC 3339, numbers as numbers."""
    table = document_of(gather_access(site, "A1", "clinic"))["tables"][0]
    row = dict(zip(table["columns"], table["rows"][0], strict=True))
    assert (row["written_at"], row["visit"]) == ("2024-05-01T09:30:00Z", 7)


def test_what_an_earlier_contract_sealed_as_text_is_handed_over_as_text(site):
    site.lake.tables["bronze.notes", 3] = bronze_notes(site.vault, site.people, odd_visits=True)
    table = document_of(gather_access(site, "A1", "clinic"))["tables"][0]
    assert [row[table["columns"].index("visit")] for row in table["rows"]] == ["7", "once a week"]


def test_a_row_that_was_set_aside_is_handed_over(site):
    quarantine = document_of(gather_access(site, "A1", "clinic"))["tables"][1]
    row = dict(zip(quarantine["columns"], quarantine["rows"][0], strict=True))
    assert (row["reason"], row["raw"]) == ("not_a_date", {"a": 1})


def test_nothing_of_another_person_is_handed_over(site):
    text = json.dumps(document_of(gather_access(site, "A1", "clinic")))
    assert "B2" not in text and site.people["B2"] not in text and "60+" not in text


def test_the_check_for_others_catches_a_reader_that_forgets_to_filter(site):
    site.lake.read_subjects = lambda table, version, _: site.lake.tables[table, version]
    with pytest.raises(Exception, match="subject key"):
        gather_access(site, "A1", "clinic")


def test_a_link_found_late_is_followed(site):
    site.vault.link(site.people["A1"], "gaitpdb", ["GaPt03"])
    by_gait = gather_access(site, "GaPt03", "gaitpdb")
    assert len(by_gait.pseudonyms) == 2
    assert len(by_gait.tables) == 3


def test_releases_that_count_the_person_are_named(site):
    assert document_of(gather_access(site, "A1", "clinic"))["releases"][0]["cells"] == ["40-59"]


def test_an_unknown_person_is_refused_without_the_identifier(site):
    with pytest.raises(Refused) as refused:
        gather_access(site, "Zz-Canary", "clinic")
    assert "Canary" not in refused.value.message + refused.value.remedy


def test_an_unknown_id_system_is_named_wrong(site):
    with pytest.raises(WrongUse) as refused:
        gather_access(site, "A1", "hospital")
    assert refused.value.remedy == "id systems: clinic, gaitpdb"


def test_only_the_dpo_may_ask(site):
    site.actor = resolve_actor(DEFAULT_ACTORS, "kim", "analyst", owner="kim")
    with pytest.raises(NotAllowed):
        gather_access(site, "A1", "clinic")
