"""A contract that uses every rule about hostile values, and a way to read lines under it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.core.contract import DatasetContract
from lakehouse.core.contract_parsing import parse_contract
from lakehouse.readers import find_reader
from lakehouse.readers.input_files import FileRows, InputFile

CONTRACTS = load_contracts(Path(__file__).resolve().parents[2] / "expectations")
SOAK = bool(os.environ.get("LIVINGLAB_SOAK"))
"""`make soak` runs the whole size of what `make test` runs in part."""

READINGS: dict[str, Any] = {
    "layer": "bronze",
    "name": "readings",
    "title": "Readings of a wearable",
    "revision": 1,
    "format": "csv",
    "folder": "clinic",
    "files": ["*.csv"],
    "grain": "one reading",
    "population": "clinic",
    "purposes": ["research"],
    "retention_days": 10,
    "increasing": "at",
    "subject": {"column": "person", "system": "clinic", "own": ["device"]},
    "column": [
        {"name": "person", "type": "text", "sensitivity": "direct", "handling": "pseudonymise"},
        {"name": "device", "type": "text", "sensitivity": "direct", "handling": "seal"},
        {
            "name": "at",
            "type": "timestamp",
            "sensitivity": "quasi",
            "zone": "Europe/Paris",
            "earliest": "2000-01-01",
            "latest": "2099-12-31",
            "not_ahead": True,
        },
        {"name": "born", "type": "date", "sensitivity": "quasi", "earliest": "1900-01-01"},
        {"name": "steps", "type": "integer", "sensitivity": "sensor"},
        {"name": "force", "type": "number", "sensitivity": "sensor", "usual_median": [-1000000, 1000000]},
        {"name": "note", "type": "text", "sensitivity": "free_text", "handling": "seal"},
    ],
}
HEADER = "person,device,at,born,steps,force,note"
PLAIN = {
    "person": "P01", "device": "D1", "at": "2024-05-02T10:00:00", "born": "1950-01-01", "steps": "10",
    "force": "1.5", "note": "well",
}  # fmt: skip


def readings(**changes: Any) -> DatasetContract:
    """The contract, with some keys changed; None takes a key out."""
    changed = {**READINGS, **changes}
    return parse_contract({k: v for k, v in changed.items() if v is not None}, "bronze/readings.toml")


def shipped(name: str) -> DatasetContract:
    """A bronze contract of the project."""
    return CONTRACTS.by_table[f"bronze.{name}"]


def row(**changes: str) -> str:
    """One line of readings."""
    return ",".join({**PLAIN, **changes}.values())


def read_bytes(contract: DatasetContract, data: bytes, name: str = "x.csv") -> FileRows:
    """What the contract's reader finds in these bytes; nothing may be lost."""
    found = find_reader(contract.format or "")(InputFile(number=1, name=name, load=lambda: data), contract)
    assert len(found.rows) + len(found.rejected) == found.received
    return found


def read_rows(
    rows: Sequence[str], contract: DatasetContract | None = None, encoding: str = "utf-8"
) -> FileRows:
    """What is found in lines of readings."""
    return read_bytes(contract or readings(), "\n".join([HEADER, *rows, ""]).encode(encoding))


def verdicts(found: FileRows) -> list[str]:
    """One word a row, in order: `accepted` or the reason why it was set aside."""
    said = dict.fromkeys(found.rows["row"].to_pylist(), "accepted")
    said |= {row.row or 0: row.reason for row in found.rejected}
    return [said[number] for number in sorted(said)]
