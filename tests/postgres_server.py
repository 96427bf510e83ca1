"""A PostgreSQL of the tests' own: a cluster in a temporary folder, reached by a Unix socket in it alone."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

INSTALLED = Path("/usr/lib/postgresql")
OWNER = "postgres"
"""The account that runs the server where the tests run as root, which PostgreSQL refuses."""

START_SECONDS = "300"
"""How long a server may take to start or stop; PostgreSQL's own patience is a minute."""

LET_IN = """local all needs_password scram-sha-256
local all all trust
"""
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "lc_messages": "C",
}


def postgres_programs() -> Path | None:
    """Return the folder of the newest installed server's programs, or None."""
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class PostgresServer:
    """A cluster; `folder` holds its data and its socket."""

    folder: Path
    programs: Path

    @property
    def data(self) -> Path:
        """The folder of the cluster."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(f"-c {name}={value}" for name, value in self._settings().items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "-w", "-D", str(self.data), "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop the server at once, as `systemctl stop` does: open transactions are rolled back."""
        self._run("pg_ctl", "-w", "-D", str(self.data), "-m", "fast", "stop")

    def make(self) -> None:
        """Make the cluster."""
        self._run("initdb", "-D", str(self.data), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync")
        (self.data / "pg_hba.conf").write_text(LET_IN)

    def bytes_below(self, name: str) -> bytes:
        """Return the bytes of every file in a folder of the cluster; the server may remove some meanwhile."""
        found = []
        for path in sorted((self.data / name).rglob("*")):
            with suppress(FileNotFoundError, IsADirectoryError):
                found.append(path.read_bytes())
        return b"".join(found)

    def url(self, database: str = "postgres", role: str = OWNER) -> str:
        """Return the address that a site file would name."""
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself, as the owner of the server."""
        with self.connected(database) as link:
            for statement in statements:
                link.execute(statement)

    def connected(self, database: str = "postgres") -> psycopg.Connection:
        """Return a connection of the owner of the server, each statement by itself."""
        return psycopg.connect(self.url(database), autocommit=True)

    def _settings(self) -> Mapping[str, str]:
        return {**SETTINGS, "unix_socket_directories": str(self.folder)}

    def _run(self, program: str, *arguments: str) -> None:
        as_owner = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups"]
        command = [str(self.programs / program), *arguments]
        subprocess.run(
            [*(as_owner if os.getuid() == 0 else []), *command],
            cwd=self.folder,
            env={**os.environ, "PGCTLTIMEOUT": START_SECONDS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )


@contextmanager
def running_server(programs: Path) -> Iterator[PostgresServer]:
    """Make and start a cluster; at the end it is stopped and gone."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, OWNER, OWNER)
    server = PostgresServer(folder, programs)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder)
