"""A record's public part: what it may hold, and that reading refuses everything else."""

from dataclasses import replace
from typing import Any

import pytest

from lakehouse.core.canonical import canonical_json
from lakehouse.core.digests import commit_details, file_digest
from lakehouse.core.lineage import LineageRecord, parse_record
from lakehouse.core.merkle import leaf_hash, root_of
from lakehouse.errors import NotVerified, WrongUse

RECORD = LineageRecord(
    kind="write",
    table="gold.gait_by_cohort",
    version=3,
    intent="0f" * 16,
    digests={"content": "a" * 64, "file": "b" * 64},
    inputs=(4, 7),
    policy_digest="c" * 64,
    code_version="0.1.0+abc",
    consent_root="d" * 64,
    vault_counter=12,
    time="2026-11-22T10:00:00Z",
    details_commitment="e" * 64,
)


def test_a_record_reads_back_from_its_bytes() -> None:
    assert parse_record(RECORD.public_bytes()) == RECORD


def test_the_public_part_has_its_schema_and_no_count() -> None:
    fields = RECORD.public_fields()
    assert fields["schema"] == "livinglab/record/v1"
    assert not {"rows", "actor", "reason", "run"} & fields.keys()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "unknown"},
        {"kind": ["write"]},
        {"version": None},
        {"version": -1},
        {"version": []},
        {"version": True},
        {"kind": "answer"},
        {"table": "gold/x"},
        {"table": "GaPt03"},
        {"intent": "a b"},
        {"digests": {"file": "B" * 64}},
        {"digests": {"person GaPt03": "b" * 64}},
        {"digests": {"rows": 4}},
        {"inputs": (1, -2)},
        {"policy_digest": ""},
        {"consent_root": ""},
        {"vault_counter": "12"},
        {"time": "2026-13-22T10:00:00Z"},
        {"time": "2026-11-22 10:00:00"},
    ],
)
def test_a_field_out_of_its_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WrongUse):
        replace(RECORD, **change)
    listed = {name: list(value) if isinstance(value, tuple) else value for name, value in change.items()}
    with pytest.raises(NotVerified):
        parse_record(canonical_json({**RECORD.public_fields(), **listed}))


@pytest.mark.parametrize("change", [{"extra": 1}, {"schema": "livinglab/record/v2"}, {"digests": []}])
def test_another_set_of_fields_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NotVerified):
        parse_record(canonical_json({**RECORD.public_fields(), **change}))


def test_a_missing_field_is_refused() -> None:
    fields = RECORD.public_fields()
    del fields["supersedes"]
    with pytest.raises(NotVerified, match="fields"):
        parse_record(canonical_json(fields))


def test_details_are_bound_and_hidden_by_the_salt() -> None:
    details = {"rows": 3, "actor": "engineer"}
    first, second = commit_details(details, b"\x01" * 32), commit_details(details, b"\x02" * 32)
    assert first != second
    assert first != commit_details({**details, "rows": 4}, b"\x01" * 32)
    with pytest.raises(WrongUse):
        commit_details(details, b"short")


def test_the_file_digest_is_a_merkle_root_over_sorted_paths() -> None:
    manifest = (("b.parquet", "22" * 32), ("_delta_log/00.json", "11" * 32))
    leaves = [b"_delta_log/00.json\0" + b"\x11" * 32, b"b.parquet\0" + b"\x22" * 32]
    assert file_digest(manifest, None) == root_of([leaf_hash(leaf) for leaf in leaves]).hex()
    assert file_digest(manifest, None) == file_digest(manifest[::-1], None)
    assert file_digest(manifest, b"k" * 32) not in (
        file_digest(manifest, None),
        file_digest(manifest, b"l" * 32),
    )


@pytest.mark.parametrize(
    "manifest", [(("a", "11" * 32), ("a", "22" * 32)), (("a\0b", "11" * 32),), (("a", "x"),)]
)
def test_a_manifest_that_says_two_things_is_refused(manifest: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(WrongUse):
        file_digest(manifest, None)
