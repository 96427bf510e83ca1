"""A small lab that answers questions: real registry, ledger, log and OpenDP; rows and vault are stand-ins."""

import secrets
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from lakehouse.adapters.event_logging import EventLog
from lakehouse.adapters.file_locks import FileLocks
from lakehouse.adapters.lineage_settings import LineageSettings
from lakehouse.adapters.log_settings import LogSettings
from lakehouse.adapters.opendp_engine import OpenDpEngine
from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.core.actors import Actor, Role
from lakehouse.core.contract import Contracts
from lakehouse.core.contract_parsing import parse_contract
from lakehouse.core.policy import PopulationBudget, Purpose, ReleaseFloor

TABLE = "silver.gait_features"
CONTRACT = """
layer = "silver"
name = "gait_features"
title = "Walks"
revision = 1
source = "bronze.gait_walks"
population = "gait"
purposes = ["research"]
keys = ["walk"]
unit_of_count = "walks"
public_minimum_people = 20
maximum_rows_per_person = 3

[[column]]
name = "walk"
type = "integer"
sensitivity = "plain"

[[column]]
name = "stride_time_s"
type = "number"
unit = "s"
sensitivity = "sensor"
statistic = "private"
bounds = [0.5, 2.0]

[[column]]
name = "weight_kg"
type = "number"
sensitivity = "quasi"

[[column]]
name = "sex"
type = "text"
sensitivity = "quasi"
groups = ["female", "male"]

[[column]]
name = "task"
type = "text"
sensitivity = "plain"
groups = ["usual", "dual"]
"""
GOLD = """
layer = "gold"
name = "gait_by_cohort"
title = "Cohorts"
revision = 1
reads = ["silver.gait_features"]
population = "gait"
purposes = ["research"]
[[column]]
name = "sex"
type = "text"
sensitivity = "quasi"
[[column]]
name = "people"
type = "integer"
sensitivity = "plain"
[release]
kind = "cohorts"
cells = ["sex"]
"""


def gait_contracts() -> Contracts:
    parsed = [
        parse_contract(tomllib.loads(CONTRACT), "gait_features.toml"),
        parse_contract(tomllib.loads(GOLD), "gait_by_cohort.toml", "SELECT 1"),
    ]
    return Contracts(by_table={contract.table: contract for contract in parsed})


def walks(people: dict[str, list[tuple[int, float | None, str | None, str]]]) -> pa.Table:
    """Return rows of gait_features: person -> [(walk, stride time, sex, task)]."""
    rows = [(person, *walk) for person, own in people.items() for walk in own]
    names = ("subject", "walk", "stride_time_s", "sex", "task")
    kinds = (pa.string(), pa.int64(), pa.float64(), pa.string(), pa.string())
    columns = zip(*rows, strict=True) if rows else [[]] * len(names)
    return pa.table({n: pa.array(list(c), k) for n, c, k in zip(names, columns, kinds, strict=True)})


def one_walk_each(people: int, stride_time: float = 1.1) -> pa.Table:
    return walks(
        {f"p{n:04}": [(1, stride_time, "female" if n % 2 else "male", "usual")] for n in range(people)}
    )


class OpenVault:
    """A vault in which everybody has one pseudonym, except the aliases it is told of."""

    def __init__(self, aliases: dict[str, str]) -> None:
        self.aliases = aliases
        self.cells: dict[str, Any] = {}

    def remember_cells(self, name: str, cells: Any) -> None:
        self.cells[name] = cells

    def canonical(self, pseudonyms: Any) -> dict[str, str]:
        return {name: self.aliases.get(name, name) for name in pseudonyms}

    def table_key(self, name: str) -> bytes:
        return name.encode().ljust(32, b"\0")

    def counter(self) -> int:
        return 1


class Lake:
    """Tables of which every version is the same."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self.tables = tables

    def read(self, table: str, _version: int, columns: Any = None) -> pa.Table:
        return self.tables[table].select(columns or self.tables[table].column_names)


class NoLog:
    """A log that takes entries."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def size(self) -> int:
        return len(self.entries)

    def root(self) -> bytes:
        return b"\0" * 32

    def checkpoint_text(self) -> str:
        return ""

    def signed_head(self) -> Any:
        return SimpleNamespace(render=self.checkpoint_text)

    def extend(self, entries: list[bytes], first_index: int) -> None:
        self.entries[first_index:] = entries


FLOOR = ReleaseFloor(k=5, l=2, t=Decimal("0.5"), minimum_cell=5, round_to=5, suppression=Decimal("0.05"))


@dataclass(frozen=True)
class TestPolicy:
    """Only what answers look at."""

    __test__ = False
    cap: Decimal = Decimal("5.0")
    digest: str = "0" * 64
    floor: ReleaseFloor = FLOOR
    purposes: dict[str, Decimal] = field(default_factory=lambda: {"research": Decimal("5.0")})

    @property
    def budgets(self) -> dict[str, PopulationBudget]:
        return {"gait": self.budget("gait")}

    def budget(self, population: str) -> PopulationBudget:
        cap = self.cap if population == "gait" else Decimal(0)
        return PopulationBudget(population=population, cap=cap, purposes=self.purposes)

    def purpose(self, name: str) -> Purpose:
        return Purpose(name=name, title=name, legal_basis="", permits_without_record=True)


def open_lab(
    home: Path,
    rows: pa.Table,
    *,
    cap: str = "5.0",
    roles: frozenset[Role] = frozenset({Role.ANALYST}),
    aliases: dict[str, str] | None = None,
) -> Any:
    """Return a Site over one version of gait_features."""
    key = home / "registry.key"
    if not key.exists():
        home.mkdir(exist_ok=True, parents=True)
        key.write_bytes(secrets.token_bytes(32))
    registry = SqlRegistry(SqliteStore(home / "registry.db", "the registry"), key.read_bytes())
    registry.create()
    site = SimpleNamespace(
        home=SimpleNamespace(place=home.joinpath, origin="livinglab.local/00ff"),
        actor=Actor(name="ada", roles=roles, authenticated="os"),
        policy=TestPolicy(cap=Decimal(cap)),
        contracts=gait_contracts(),
        registry=registry,
        vault=OpenVault(aliases or {}),
        locks=FileLocks(home / "locks"),
        log=NoLog(),
        log_policy=LogSettings(),
        events=EventLog(),
        lineage=LineageSettings(),
        lake=Lake({TABLE: rows}),
        dp=OpenDpEngine(),
        clock=lambda: datetime(2026, 11, 22, 10, tzinfo=UTC),
        code_version="0.1.0",
        run=None,
    )
    sign_version(site)
    return site


def sign_version(site: Any, table: str = TABLE, number: int = 0) -> None:
    """Let the registry name a version of a table."""
    with site.registry.transaction() as tx:
        if tx.one("versions", table_name=table, version=number) is None:
            digest = f"{number:064x}"
            tx.add(
                "versions",
                table_name=table, version=number, leaf_index=0, rows=1, intent_id="i", kind="write",
                file_digest=digest, content_digest=digest, run_key=digest, record="", salt="",
                created_at="2026-11-22T10:00:00Z", inputs=[], details={}, manifest=[],
            )  # fmt: skip


def as_role(site: Any, *roles: Role) -> Any:
    """Return the site as another actor sees it."""
    actor = replace(site.actor, roles=frozenset(roles))
    return SimpleNamespace(**{**vars(site), "actor": actor})
