"""What a verb works on: one site's stores, keys, contracts and clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.event_logging import EventLog
from lakehouse.adapters.fhe_client import ModelsEnvironment
from lakehouse.adapters.gx_validator import Validator
from lakehouse.adapters.keyring import Keyring
from lakehouse.adapters.lineage_settings import LineageSettings
from lakehouse.adapters.log_settings import LogSettings
from lakehouse.adapters.opendp_engine import OpenDpEngine
from lakehouse.adapters.presidio_detector import Detector
from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.adapters.tile_log import TileLog
from lakehouse.adapters.vault import Vault
from lakehouse.core.actors import Actor
from lakehouse.core.alerts import AlertSettings
from lakehouse.core.contract import Contracts
from lakehouse.core.home_format import FORMAT
from lakehouse.core.policy import PrivacyPolicy
from lakehouse.ports import Locks

IN_FILES: Mapping[str, str] = {"registry": "sqlite", "vault": "sqlite"}
"""What keeps the stores of a home that has them in files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The places under LIVINGLAB_HOME (INTERFACE, Places); `stores` says what keeps registry and vault."""

    path: Path
    id: str
    origin: str
    format: int = FORMAT
    stores: Mapping[str, str] = field(default_factory=lambda: IN_FILES)

    def place(self, *names: str) -> Path:
        """Return a path under the home."""
        return self.path.joinpath(*names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything a verb may touch; built by `lakehouse.sites` alone.

    `log_policy` says who must cosign and stamp the log's heads.
    """

    name: str
    home: Home
    actor: Actor
    policy: PrivacyPolicy
    contracts: Contracts
    registry: SqlRegistry
    vault: Vault
    locks: Locks
    keys: Keyring
    log: TileLog
    lake: DeltaLake
    detector: Detector
    validator: Validator
    dp: OpenDpEngine
    models: ModelsEnvironment
    clock: Callable[[], datetime]
    code_version: str
    run: str | None = None
    log_policy: LogSettings = field(default_factory=LogSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    events: EventLog = field(default_factory=EventLog)
    lineage: LineageSettings = field(default_factory=LineageSettings)
