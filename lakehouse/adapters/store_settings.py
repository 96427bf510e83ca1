"""`[stores]` and `[airflow]` of a site file: what is kept in PostgreSQL instead of files of the home."""

from dataclasses import dataclass

from lakehouse.adapters.postgres_address import PostgresAddress, parse_address
from lakehouse.core.toml_section import Section

REGISTRY_SCHEMA = "livinglab_registry"
VAULT_SCHEMA = "livinglab_vault"
KINDS = {True: "postgresql", False: "sqlite"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Addresses of registry, vault and Airflow's database; None is a file of the home."""

    registry: PostgresAddress | None = None
    vault: PostgresAddress | None = None
    airflow: PostgresAddress | None = None

    def kinds(self) -> dict[str, str]:
        """Return what keeps registry and vault: `sqlite` or `postgresql`."""
        return {"registry": KINDS[self.registry is not None], "vault": KINDS[self.vault is not None]}


def parse_stores(top: Section) -> StoreSettings:
    """Return what a site file says in `[stores]` and `[airflow]`; ContractError names file and key."""
    stores = top.section("stores") or Section({}, file=top.file, place="stores")
    airflow = top.section("airflow") or Section({}, file=top.file, place="airflow")
    found = StoreSettings(
        registry=parse_address(stores, "registry", REGISTRY_SCHEMA),
        vault=parse_address(stores, "vault", VAULT_SCHEMA),
        airflow=parse_address(airflow, "database", None),
    )
    if found.registry and found.vault and _same_place(found.registry, found.vault):
        raise stores.error("vault", "must not share a schema with the registry")
    stores.finish()
    airflow.finish()
    return found


def _same_place(one: PostgresAddress, other: PostgresAddress) -> bool:
    return one.schema == other.schema and all(
        one.parameters.get(name) == other.parameters.get(name)
        for name in ("host", "hostaddr", "port", "dbname", "service")
    )
