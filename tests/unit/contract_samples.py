"""Small contracts for tests: valid as they stand, to be changed one key at a time."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from lakehouse.adapters.contract_files import load_contracts, load_policy
from lakehouse.core.contract import DatasetContract
from lakehouse.core.contract_parsing import parse_contract
from lakehouse.readers.input_files import InputFile

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"

PEOPLE: dict[str, Any] = {
    "layer": "bronze",
    "name": "people",
    "title": "People",
    "revision": 1,
    "format": "csv",
    "folder": "clinic",
    "files": ["*.csv"],
    "grain": "one person",
    "population": "clinic",
    "purposes": ["research"],
    "retention_days": 10,
    "subject": {"column": "person_id", "system": "clinic"},
    "column": [
        {
            "name": "person_id",
            "source": "id",
            "type": "text",
            "sensitivity": "direct",
            "handling": "pseudonymise",
            "id_pattern": "P[0-9]{2}",
        },
        {"name": "age", "type": "integer", "sensitivity": "quasi", "minimum": 0, "maximum": 120},
        {"name": "weight", "type": "number", "sensitivity": "quasi", "null_values": ["", "NaN"]},
    ],
}

TIDY: dict[str, Any] = {
    "layer": "silver",
    "name": "people",
    "title": "People, tidy",
    "revision": 1,
    "source": "bronze.people",
    "keys": ["subject"],
    "column": [{"name": "age", "type": "integer", "sensitivity": "quasi"}],
}


def people(**changes: Any) -> dict[str, Any]:
    """The bronze contract with some keys changed; None takes a key out."""
    changed = {**deepcopy(PEOPLE), **changes}
    return {key: value for key, value in changed.items() if value is not None}


def people_contract(**changes: Any) -> DatasetContract:
    """The parsed bronze contract."""
    return parse_contract(people(**changes), "bronze/people.toml")


def shipped(table: str) -> DatasetContract:
    """A contract of the project."""
    contract = load_contracts(EXPECTATIONS).find(table)
    assert contract is not None
    return contract


def input_file(data: bytes, name: str = "people.csv", number: int = 1) -> InputFile:
    """A file in memory."""
    return InputFile(number=number, name=name, load=lambda: data)


POLICY = load_policy(EXPECTATIONS, "research")
