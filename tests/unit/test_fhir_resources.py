import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.errors import ContractError
from lakehouse.methods.fhir_path import parse_path, read_path
from lakehouse.methods.fhir_resources import transform

PROJECT = Path(__file__).resolve().parents[2]
CONDITIONS = load_contracts(PROJECT / "expectations").by_table["silver.conditions"]
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "446096008", "display": "Rhinitis"}]},
    "onsetPeriod": {"start": "2019-05-06"},
    "extension": [{"url": "a", "valueCode": "M"}, {"url": "b", "valueDecimal": 0.5}],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "c1"),
        ("code.coding[0].code", "446096008"),
        ("code.coding.code", "446096008"),
        ("code.coding[1].code", None),
        ("onsetDateTime | onsetPeriod.start", "2019-05-06"),
        ("extension[url=b].valueDecimal", "0.5"),
        ("extension[url=c].valueCode", None),
        ("id.code", None),
        ("code.coding[0]", json.dumps(CONDITION["code"]["coding"][0], sort_keys=True)),
    ],
)
def test_values_are_read_by_path(path, value):
    """Names, indexes, a field's value, alternatives; a list without an index is its first entry."""
    assert read_path(CONDITION, path) == value


@pytest.mark.parametrize("path", ["", "code..code", "code.", "code[x]", "1code", "a b", "a |"])
def test_what_is_no_path_is_refused(path):
    """A mistake in a contract is named, not read as nothing."""
    with pytest.raises(ContractError, match="is not a path"):
        parse_path(path)


def ehr(*resources):
    texts = [text if isinstance(text, str) else json.dumps(text) for text in resources]
    kinds = [text.get("resourceType") if isinstance(text, dict) else "Condition" for text in resources]
    count = len(texts)
    return pa.table({
        "subject": ["ann"] * count, "batch": [1] * count, "file": [1] * count,
        "row": list(range(1, count + 1)), "resource_type": kinds, "resource": texts,
    })  # fmt: skip


def test_only_the_wanted_kind_is_counted():
    """A Patient is another table's; a Condition becomes a row whose columns are named by their paths."""
    made = transform(ehr({"resourceType": "Patient"}, CONDITION), CONDITIONS, None)
    assert (made.passed, made.rejected) == (1, ())
    (row,) = made.rows.to_pylist()
    assert (row["row"], row["code.coding.code"]) == (2, "446096008")
    assert row["onsetDateTime | onsetPeriod.start"] == "2019-05-06"


def test_resources_that_are_none_are_refused():
    """Broken JSON, a list, another kind inside: reason and place, no content."""
    rows = ehr("{", "[1]", '{"resourceType": "Patient"}', "[" * 100_000, CONDITION)
    made = transform(rows, CONDITIONS, None)
    assert made.rejected == (
        (0, "invalid_json", "resource"), (1, "invalid_resource", "resource"),
        (2, "invalid_resource", "resource"), (3, "invalid_json", "resource"),
    )  # fmt: skip
    assert made.passed == 1


def test_a_contract_without_a_resource_type_is_refused():
    """The option is named."""
    with pytest.raises(ContractError, match="resource_type"):
        transform(ehr(CONDITION), replace(CONDITIONS, transform_options={}), None)
