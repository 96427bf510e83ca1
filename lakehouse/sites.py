"""Build a Site from a site file and a home: the only place that chooses adapters."""

import getpass
import json
import os
import pwd
import secrets
from datetime import UTC, datetime
from pathlib import Path

from lakehouse.adapters.contract_files import load_contracts, load_policy
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.durable_files import make_private_folder, write_durably
from lakehouse.adapters.fhe_client import ModelsEnvironment
from lakehouse.adapters.file_locks import hold_locks
from lakehouse.adapters.gx_validator import Validator
from lakehouse.adapters.keyring import Keyring
from lakehouse.adapters.opendp_engine import OpenDpEngine
from lakehouse.adapters.presidio_detector import Detector
from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.site_file import SiteSettings, read_site_file, with_home_witnesses
from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.adapters.tile_log import TileLog
from lakehouse.adapters.vault import Vault
from lakehouse.core.actors import Actor, resolve_actor
from lakehouse.core.contract import Contracts
from lakehouse.core.contract_parsing import KnownNames
from lakehouse.core.home_format import require_current_format
from lakehouse.errors import Damaged, NotReady
from lakehouse.methods import method_names, transform_names
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.site import Home, Site
from lakehouse.readers import reader_names
from lakehouse.version import code_version

DEFAULT_HOME = ".livinglab"
IDENTITY = "home.json"
REGISTRY = "registry.db"


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
    path = home_path(home)
    settings = with_home_witnesses(read_site_file(site_file), path)
    if create and not ((path / IDENTITY).exists() and (path / REGISTRY).exists()):
        _initialise(path, settings)
    opened = read_home(path)
    site = _assemble(settings, opened, _acting(settings, opened, actor), run)
    if replay:
        recover(site, with_spark=False)
    return site


def home_path(home: Path | None = None) -> Path:
    """Return the home's folder: the argument, $LIVINGLAB_HOME, or `.livinglab`."""
    return (home or Path(os.environ.get("LIVINGLAB_HOME") or DEFAULT_HOME)).absolute()


def _assemble(settings: SiteSettings, home: Home, actor: Actor, run: str | None) -> Site:
    keys = Keyring.open(keys_folder(home), create=False)
    return Site(
        name=settings.name,
        home=home,
        actor=actor,
        policy=load_policy(settings.expectations, settings.policy),
        contracts=read_contracts(settings.expectations),
        registry=SqlRegistry(home.place("registry.db"), keys.registry_key()),
        vault=Vault(home.place("vault.db"), keys),
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
    )


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


def read_home(path: Path, *, current: bool = True) -> Home:
    """Return the identity of a home, whose format must be this software's where it is `current`.

    Raises NotReady where there is none or its format is another, Damaged where it is lost or unreadable.
    """
    file = path / IDENTITY
    if not file.exists():
        _refuse_headless(path)
        raise NotReady(
            f"there is no LivingLab home in {path.name!r}", remedy="livinglab demo, or name one with --home"
        )
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        number = _whole_number(said.get("format", 1))
        home = Home(path=path, id=_hex_id(said["id"]), origin=str(said["origin"]), format=number)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged("home.json cannot be parsed", remedy="restore it from a backup of this home") from error
    if current:
        require_current_format(home.format)
    return home


def write_identity(home: Home) -> None:
    """Write home.json: id, origin and format, whole or not at all."""
    said = {"id": home.id, "origin": home.origin, "format": home.format}
    write_durably(home.place(IDENTITY), json.dumps(said).encode())


def _whole_number(value: object) -> int:
    if type(value) is not int:
        raise ValueError("not a number of a format")
    return value


def _hex_id(text: object) -> str:
    if not isinstance(text, str) or len(text) != 16 or set(text) - set("0123456789abcdef"):
        raise ValueError("not a home's id")
    return text


def _initialise(path: Path, settings: SiteSettings) -> None:
    """Make identity, keys, vault, log and registry; what a killed start made already is kept."""
    make_private_folder(path)
    with hold_locks(path / "locks", ["home"]):
        if not (path / IDENTITY).exists():
            _refuse_headless(path)
            identity = secrets.token_hex(8)
            write_identity(Home(path=path, id=identity, origin=f"livinglab.local/{identity}"))
        home = read_home(path)
        for name in ("lake", "landing", "registry", "reports", "work"):
            make_private_folder(path / name)
        keys = Keyring.open(keys_folder(home), create=not (path / "vault.db").exists())
        Vault(path / "vault.db", keys).create()
        _open_log(settings, home, keys).extend([], 0)
        SqlRegistry(path / REGISTRY, keys.registry_key()).create()


def _refuse_headless(path: Path) -> None:
    """A folder that holds a vault or log but no identity is a home that lost it, not an empty one."""
    if any((path / name).exists() for name in ("vault.db", REGISTRY)):
        raise Damaged(f"{IDENTITY} of this home is missing", remedy="restore it from a backup of this home")
