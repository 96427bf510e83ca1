"""The contracts that DAG files are made from, read at parse time: standard library only."""

import os
import tomllib
from functools import cache
from pathlib import Path

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.core.contract import Contracts, DatasetContract, Layer
from livinglab_airflow.settings import PROJECT


@cache
def site_contracts() -> Contracts:
    """Return all contracts of the site whose DAGs are parsed. ContractError names file and key."""
    return load_contracts(_expectations_folder())


def _expectations_folder() -> Path:
    """Read the one key of the site file that DAG files need; `lakehouse.sites` would load the engines."""
    site_file = Path(os.environ.get("LIVINGLAB_SITE") or PROJECT / "infra" / "sites" / "local.toml")
    named = tomllib.loads(site_file.read_text(encoding="utf-8")).get("expectations", "../../expectations")
    return site_file.parent / str(named)


def silver_tables_from(dataset: str) -> tuple[DatasetContract, ...]:
    """Return the silver contracts that `refine DATASET` brings up to date: direct readers and theirs."""
    contracts = site_contracts()
    waiting, found = [f"bronze.{dataset}"], dict[str, DatasetContract]()
    while waiting:
        for contract in contracts.readers_of(waiting.pop()):
            if contract.layer is Layer.SILVER and contract.table not in found:
                found[contract.table] = contract
                waiting.append(contract.table)
    return tuple(found[table] for table in sorted(found))


def tables_watched_by(product: DatasetContract) -> tuple[DatasetContract, ...]:
    """Return the tables whose change makes a product stale: what it reads, and the consents."""
    contracts = site_contracts()
    watched = (*product.inputs(), "bronze.consents")
    return tuple(found for table in dict.fromkeys(watched) if (found := contracts.find(table)))
