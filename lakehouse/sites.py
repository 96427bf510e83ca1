"""Build a Site from a site file and a home: the only place that chooses adapters."""

import gc
import getpass
import os
import pwd
import secrets
from datetime import UTC, datetime
from pathlib import Path

from lakehouse.adapters.contract_files import load_contracts, load_policy
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.durable_files import make_private_folder
from lakehouse.adapters.event_logging import EventLog, parse_log_mode
from lakehouse.adapters.fhe_client import ModelsEnvironment
from lakehouse.adapters.file_locks import FileLocks, hold_locks
from lakehouse.adapters.gx_validator import Validator
from lakehouse.adapters.keyring import Keyring, copy_keys
from lakehouse.adapters.opendp_engine import OpenDpEngine
from lakehouse.adapters.presidio_detector import Detector
from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.site_file import SiteSettings, read_site_file, with_home_witnesses
from lakehouse.adapters.sql_registry import SEALS, SqlRegistry
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.adapters.store_settings import StoreSettings
from lakehouse.adapters.tile_log import TileLog
from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_schema import SEALS as VAULT_SEALS
from lakehouse.core.actors import Actor, resolve_actor
from lakehouse.core.contract import Contracts
from lakehouse.core.contract_parsing import KnownNames
from lakehouse.errors import NotReady
from lakehouse.methods import method_names, transform_names
from lakehouse.pipeline.backup import require_apart
from lakehouse.pipeline.fsck import Progress, unwatched
from lakehouse.pipeline.home_identity import (
    IDENTITY,
    read_home,
    refuse_headless,
    require_stores,
    write_identity,
)
from lakehouse.pipeline.moving_stores import MovedStores, move_stores
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.restore import CheckedBackup, check_backup, read_backup, require_free, restore
from lakehouse.pipeline.site import Home, Site
from lakehouse.pipeline.upgrade import Upgrade, upgrade
from lakehouse.ports import Locks, Store
from lakehouse.readers import reader_names
from lakehouse.version import code_version

DEFAULT_HOME = ".livinglab"
COLLECT_AFTER = (50_000, 10, 10)
"""New objects after which Python looks for cycles (else 700): a batch makes millions, none of them in one."""


def open_site(
    site_file: Path | None = None,
    home: Path | None = None,
    actor: str | None = None,
    *,
    create: bool = False,
    run: str | None = None,
    replay: bool = True,
) -> Site:
    """Open a home for whoever acts; `create` makes an empty one ready.

    `actor` is a name of `[actors]`; `run` the Airflow run that records name. With `replay`, writes
    that a killed process left are ended first, as far as that needs no Spark.

    Raises ContractError (site file, contracts), NotReady (no home), NotAllowed (no role), Damaged,
    Unavailable.
    """
    os.umask(0o077)
    gc.set_threshold(*COLLECT_AFTER)
    path = home_path(home)
    settings = with_home_witnesses(read_site_file(site_file), path)
    if create and not ((path / IDENTITY).exists() and registry_store(settings.stores, path).exists()):
        _initialise(path, settings)
    opened = read_home(path)
    require_stores(opened, settings.stores.kinds())
    site = _assemble(settings, opened, _acting(settings, opened, actor), run)
    if replay:
        recover(site, with_spark=False)
    return site


def upgrade_home(
    site_file: Path | None = None, home: Path | None = None, actor: str | None = None
) -> Upgrade:
    """Bring a home of an earlier format to this software's (`pipeline.upgrade`); role engineer."""
    os.umask(0o077)
    path = home_path(home)
    opened = read_home(path, current=False)
    settings = read_site_file(site_file)
    _acting(settings, opened, actor).require("upgrade")
    require_stores(opened, settings.stores.kinds())
    keys = Keyring.open(keys_folder(opened), create=False)
    registry = SqlRegistry(registry_store(settings.stores, path), keys.registry_key())
    vault = Vault(vault_store(settings.stores, path), keys)
    return upgrade(opened, registry, vault, _locks(settings.stores, opened))


def move_home_stores(site: Site, target_file: Path) -> MovedStores:
    """Move registry and vault of an opened home to where another site file keeps them."""
    settings = read_site_file(target_file).stores
    path = site.home.path
    return move_stores(site, registry_store(settings, path), vault_store(settings, path))


def check_home_backup(
    folder: Path, keys: Path | None = None, progress: Progress = unwatched
) -> tuple[CheckedBackup, Keyring]:
    """Check a backup with the keys of its home, which lie below `keys` or where this account has them.

    Raises NotReady (no backup), NotVerified, Unavailable (its keys are not here).
    """
    note, manifest = read_backup(folder)
    home = Home(path=Path(), id=manifest.home, origin=manifest.origin)
    ring = Keyring.open(keys / home.id if keys else keys_folder(home), create=False)
    return check_backup(folder, note, manifest, ring, progress), ring


def restore_home(
    folder: Path,
    site_file: Path | None = None,
    home: Path | None = None,
    actor: str | None = None,
    *,
    keys: Path | None = None,
    progress: Progress = unwatched,
) -> CheckedBackup:
    """Make a home of a backup (`pipeline.restore`), and put back its keys where `keys` has them."""
    os.umask(0o077)
    settings, owner = read_site_file(site_file), getpass.getuser()
    acting = resolve_actor(settings.actors, owner, actor, owner=owner)
    acting.require("restore")
    require_free(home_path(home), folder)
    checked, ring = check_home_backup(folder, keys, progress)
    restored = Home(path=home_path(home), id=checked.manifest.home, origin=checked.manifest.origin)
    if keys is not None:
        require_apart(keys_folder(restored), restored.path, folder)
        copy_keys(keys / restored.id, keys_folder(restored), renew=False)
    restore(checked, restored.path, ring, acting, datetime.now(UTC), progress)
    return checked


def home_path(home: Path | None = None) -> Path:
    """Return the home's folder: the argument, $LIVINGLAB_HOME, or `.livinglab`."""
    return (home or Path(os.environ.get("LIVINGLAB_HOME") or DEFAULT_HOME)).absolute()


def event_log(home: Path) -> EventLog:
    """Return the event log of a home as $LIVINGLAB_LOG asks for it; of a folder that is none, a silent one.

    WrongUse: the variable has none of its values.
    """
    mode = parse_log_mode(os.environ.get("LIVINGLAB_LOG"))
    return EventLog(home if (home / IDENTITY).exists() else None, mode)


def _assemble(settings: SiteSettings, home: Home, actor: Actor, run: str | None) -> Site:
    keys = Keyring.open(keys_folder(home), create=False)
    return Site(
        name=settings.name,
        home=home,
        actor=actor,
        policy=load_policy(settings.expectations, settings.policy),
        contracts=read_contracts(settings.expectations),
        registry=SqlRegistry(registry_store(settings.stores, home.path), keys.registry_key()),
        vault=Vault(vault_store(settings.stores, home.path), keys),
        locks=_locks(settings.stores, home),
        keys=keys,
        log=_open_log(settings, home, keys),
        lake=DeltaLake(home.place("lake"), home.place("work"), settings.engine),
        detector=Detector(settings.detector_models),
        validator=Validator(),
        dp=OpenDpEngine(),
        models=ModelsEnvironment(
            python=settings.models_python,
            folder=settings.models_folder,
            artefacts=home.place("models"),
            keys=keys_folder(home) / "fhe",
        ),
        clock=lambda: datetime.now(UTC),
        code_version=code_version(),
        run=run,
        log_policy=settings.log,
        alerts=settings.alerts,
        events=event_log(home.path),
        lineage=settings.lineage,
    )


def registry_store(settings: StoreSettings, home: Path) -> Store:
    """Return where the registry is kept: registry.db of the home, or a schema of PostgreSQL."""
    if settings.registry is None:
        return SqliteStore(home / "registry.db", "the registry")
    from lakehouse.adapters.postgres_stores import PostgresStore

    return PostgresStore(settings.registry, "the registry", turn=SEALS)


def vault_store(settings: StoreSettings, home: Path) -> Store:
    """Return where the vault is kept: vault.db of the home, or a schema of PostgreSQL."""
    if settings.vault is None:
        return SqliteStore(home / "vault.db", "the vault")
    from lakehouse.adapters.postgres_stores import PostgresStore

    return PostgresStore(settings.vault, "the vault", turn=VAULT_SEALS.name)


def _locks(settings: StoreSettings, home: Home) -> Locks:
    """Locks lie where the registry is: writers on two machines that share it exclude each other."""
    if settings.registry is None:
        return FileLocks(home.place("locks"))
    from lakehouse.adapters.postgres_locks import PostgresLocks

    return PostgresLocks(settings.registry, home.id)


def _open_log(settings: SiteSettings, home: Home, keys: Keyring) -> TileLog:
    signer = Signer(home.origin, keys.signing_key())
    return TileLog(home.place("registry"), home.origin, signer, settings.log.trust(signer.key))


def read_contracts(expectations: Path) -> Contracts:
    """Return the contracts of a folder, refusing readers, methods and transforms that are not there."""
    known = KnownNames(formats=reader_names(), methods=method_names(), transforms=transform_names())
    return load_contracts(expectations, known=known)


def _acting(settings: SiteSettings, home: Home, name: str | None) -> Actor:
    owner = pwd.getpwuid(home.path.stat().st_uid).pw_name
    return resolve_actor(settings.actors, getpass.getuser(), name, owner=owner)


def keys_folder(home: Home) -> Path:
    """Return where this home's keys lie: below $LIVINGLAB_KEYS, else in the user's configuration folder."""
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "livinglab"
    return Path(os.environ.get("LIVINGLAB_KEYS") or configuration).absolute() / home.id


def _initialise(path: Path, settings: SiteSettings) -> None:
    """Make identity, keys, vault, log and registry; what a killed start made already is kept."""
    make_private_folder(path)
    registry, vault = registry_store(settings.stores, path), vault_store(settings.stores, path)
    with hold_locks(path / "locks", ["home"]):
        if not (path / IDENTITY).exists():
            refuse_headless(path)
            identity = secrets.token_hex(8)
            _require_unused(registry, vault)
            kinds = settings.stores.kinds()
            write_identity(Home(path=path, id=identity, origin=f"livinglab.local/{identity}", stores=kinds))
        home = read_home(path)
        require_stores(home, settings.stores.kinds())
        for name in ("lake", "landing", "registry", "reports", "work"):
            make_private_folder(path / name)
        keys = Keyring.open(keys_folder(home), create=not vault.exists())
        Vault(vault, keys).create()
        _open_log(settings, home, keys).extend([], 0)
        SqlRegistry(registry, keys.registry_key()).create()


def _require_unused(*stores: Store) -> None:
    """A new home begins with empty stores: a schema that holds tables is another home's."""
    for store in stores:
        if store.exists():
            raise NotReady(
                f"{store.place} holds tables of another home",
                remedy="name that home with --home, or another schema in [stores] of the site file",
            )
