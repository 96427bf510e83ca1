"""The contracts that DAG files are made from, read at parse time: no engine is loaded."""

import os
from functools import cache
from pathlib import Path

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.adapters.site_file import SiteSettings, read_site_file
from lakehouse.core.actors import Role
from lakehouse.core.contract import Contracts, DatasetContract, Layer


@cache
def site_contracts() -> Contracts:
    """Return all contracts of the site whose DAGs are parsed. ContractError names file and key."""
    return load_contracts(_site_settings().expectations)


@cache
def protection_officers() -> tuple[str, ...]:
    """Return the names with the role dpo: those whom an approval may ask."""
    return tuple(sorted(name for name, roles in _site_settings().actors.roles.items() if Role.DPO in roles))


def alert_schedule() -> str | None:
    """Return when alerts are told: every ten minutes where the site file names a receiver, else never."""
    return "*/10 * * * *" if _site_settings().alerts.told_anywhere else None


def _site_settings() -> SiteSettings:
    named = os.environ.get("LIVINGLAB_SITE")
    return read_site_file(Path(named) if named else None)


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
