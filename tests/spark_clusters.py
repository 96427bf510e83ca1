"""A Spark standalone cluster of two workers on this machine, for tests."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.spark_cluster import Daemon, master_daemon, worker_daemon
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import require_version
from lakehouse.sites import open_site
from tests.drills.chain import run_chain
from tests.local_ports import free_port, wait_for_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running cluster: `spark://…`, its secret file, its daemons' private folders."""

    master: str
    secret: Path
    folder: Path


@contextlib.contextmanager
def two_workers(folder: Path, *, umask: int = 0o022) -> Iterator[Cluster]:
    """Run a master and two workers under `folder`, with the umask of an ordinary account."""
    folder.mkdir(mode=0o700, parents=True)
    secret = folder / "cluster.secret"
    secret.write_text(secrets.token_hex(32))
    port = free_port()
    cluster = Cluster(master=f"spark://127.0.0.1:{port}", secret=secret, folder=folder)
    with contextlib.ExitStack() as running:
        master = master_daemon(folder / "master", "127.0.0.1", port, secret)
        running.enter_context(_running(master, folder / "master.log", umask))
        wait_for_port(port)
        for name in ("worker-1", "worker-2"):
            worker = worker_daemon(
                folder / name, cluster.master, "127.0.0.1", free_port(), secret, cores=1, memory="1g"
            )
            running.enter_context(_running(worker, folder / f"{name}.log", umask))
        yield cluster


@contextlib.contextmanager
def _running(daemon: Daemon, log: Path, umask: int) -> Iterator[None]:
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
            yield
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
