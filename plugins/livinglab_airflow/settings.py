"""What Airflow is told for one home: environment variables, private files, nothing else.

Airflow reads its configuration when it is first imported, so these settings go into the
environment before that. No Airflow import here.
"""

import json
import os
import secrets
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lakehouse.adapters.durable_files import write_durably
from lakehouse.errors import Damaged

PROJECT = Path(__file__).resolve().parents[2]

ENGINE_POOL = "spark"
"""The one pool of the Spark engine: a single slot, so one task at a time holds its memory."""

ACCOUNTS: Mapping[str, str] = {"engineer": "op", "analyst": "viewer", "dpo": "user", "auditor": "viewer"}
"""The prepared accounts of `make ui` and their Airflow roles (a viewer starts and answers nothing)."""


def airflow_folder(home: Path) -> Path:
    """Return the folder of Airflow's database, logs and private files under a home; mode 0700."""
    folder = home.resolve() / "airflow"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def airflow_settings(home: Path, *, port: int = 8080, site_file: Path | None = None) -> dict[str, str]:
    """Return the environment variables with which Airflow serves this home on 127.0.0.1:`port`.

    The LocalExecutor, and SQLite where the site file names no database; DAGs from the project; lineage
    events and examples off; secrets only as commands that read private files, but for the password of a
    database, which comes from this environment.

    Raises ContractError (site file), NotReady (the variable of that password is not set).
    """
    folder = airflow_folder(home)
    address = f"http://127.0.0.1:{port}"
    settings = {
        "AIRFLOW_HOME": str(folder),
        "LIVINGLAB_HOME": str(home.resolve()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{n}:{r}" for n, r in ACCOUNTS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__CORE__FERNET_KEY_CMD": _read_command(_secret_file(folder, "fernet.key", _fernet_key)),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY_CMD": _read_command(_secret_file(folder, "session.key")),
        "AIRFLOW__API_AUTH__JWT_SECRET_CMD": _read_command(_secret_file(folder, "jwt.key")),
        **_database_settings(folder, site_file),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONWARNINGS": "ignore",
    }
    if site_file is not None:
        settings["LIVINGLAB_SITE"] = str(site_file.resolve())
    return settings


def _database_settings(folder: Path, site_file: Path | None) -> dict[str, str]:
    """Return where Airflow keeps its own database; psycopg is the driver of both its engines."""
    from lakehouse.adapters.site_file import read_site_file

    address = read_site_file(site_file).stores.airflow
    if address is None:
        return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}"}
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address.url("postgresql+psycopg"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": address.url("postgresql+psycopg_async"),
    }


def use_airflow(home: Path, *, port: int = 8080, site_file: Path | None = None) -> Path:
    """Point this process at the Airflow of a home, before Airflow is imported; returns its folder.

    RuntimeError: Airflow was imported already and would keep the configuration of another home.
    """
    if "airflow.configuration" in sys.modules:
        raise RuntimeError("Airflow is imported already: its settings cannot change in this process")
    os.environ.update(airflow_settings(home, port=port, site_file=site_file))
    return airflow_folder(home)


def prepared_passwords(home: Path) -> dict[str, str]:
    """Return account -> password from the private file; an account that it lacks gets one.

    Raises Damaged where the file cannot be parsed.
    """
    path = _secret_file(airflow_folder(home), "passwords.json", lambda: "{}")
    try:
        kept = {str(name): str(word) for name, word in json.loads(path.read_text()).items()}
    except (ValueError, AttributeError) as error:
        raise Damaged(
            f"airflow/{path.name} cannot be parsed", remedy="remove it: every account gets a new password"
        ) from error
    made = {name: secrets.token_urlsafe(12) for name in ACCOUNTS if name not in kept}
    if made:
        write_durably(path, json.dumps({**kept, **made}).encode())
    return {**kept, **made}


def _secret_file(
    folder: Path, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)
) -> Path:
    path = folder / name
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
    return path


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _read_command(path: Path) -> str:
    return f"cat {shlex.quote(str(path))}"
