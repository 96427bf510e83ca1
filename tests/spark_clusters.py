"""A Spark standalone cluster of two workers on this machine, for tests."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from lakehouse.adapters.spark_cluster import Daemon, master_daemon, worker_daemon
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import require_version
from lakehouse.sites import open_site
from tests.drills.chain import run_chain
from tests.local_ports import START_SECONDS, free_port, wait_for_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running cluster: `spark://…`, its master's process, its secret file, its daemons' private folders."""

    master: str
    process: int
    secret: Path
    folder: Path

    def listening(self) -> set[tuple[str, int]]:
        """Return the addresses that the master listens on."""
        found = psutil.Process(self.process).net_connections()
        return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}


@contextlib.contextmanager
def two_workers(folder: Path, *, umask: int = 0o022) -> Iterator[Cluster]:
    """Run a master and two workers under `folder`, with the umask of an ordinary account."""
    folder.mkdir(mode=0o700, parents=True)
    secret = folder / "cluster.secret"
    secret.write_text(secrets.token_hex(32))
    port = free_port()
    with contextlib.ExitStack() as running:
        master = master_daemon(folder / "master", "127.0.0.1", port, secret)
        process = running.enter_context(_running(master, folder / "master.log", umask))
        wait_for_port(port)
        cluster = Cluster(
            master=f"spark://127.0.0.1:{port}", process=process.pid, secret=secret, folder=folder
        )
        for name in ("worker-1", "worker-2"):
            worker = worker_daemon(
                folder / name, cluster.master, "127.0.0.1", free_port(), secret, cores=1, memory="1g"
            )
            running.enter_context(_running(worker, folder / f"{name}.log", umask))
        _wait_for_workers(cluster, 2)
        yield cluster


def _wait_for_workers(cluster: Cluster, number: int) -> None:
    """Wait until so many workers have registered; TimeoutError after START_SECONDS.

    A job that begins earlier runs on those that are there. The master's page tells, on its other port.
    """
    rpc = int(cluster.master.rpartition(":")[2])
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for port in {port for _, port in cluster.listening()} - {rpc}:
            if _workers_told(port) == number:
                return
        time.sleep(0.2)
    raise TimeoutError(f"not all of {number} workers have come after {START_SECONDS:.0f} s")


def _workers_told(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/", timeout=30) as page:
            return int(json.load(page)["aliveworkers"])
    except (OSError, ValueError):
        return 0


@contextlib.contextmanager
def _running(daemon: Daemon, log: Path, umask: int) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("wb") as said:
        process = subprocess.Popen(
            daemon.command,
            env={**os.environ, **daemon.variables},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            umask=umask,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def made_by_chain(site: Site, batch: Path) -> dict[str, object]:
    """Run the drill's chain, and say what it made: nothing of it depends on the engine."""
    release = run_chain(site, batch)
    version = require_version(site, str(release.table))
    open_files = [path for path in site.home.place("lake").rglob("*") if path.stat().st_mode & 0o077]
    return {
        "gold": version.content_digest,
        "state": release.state,
        "rows": release.rows,
        "readable_by_others": len(open_files),
        "sound": fsck(site, lambda _: None).clean,
    }


def main() -> None:
    """Run the chain on the site file's engine in this process, and print what it made."""
    site_file, home, batch = map(Path, sys.argv[1:4])
    sys.stdout.write(json.dumps(made_by_chain(open_site(site_file, home, create=True), batch)))


if __name__ == "__main__":
    main()
