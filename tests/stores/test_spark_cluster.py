"""The same job on a Spark cluster of two workers as in one process: the same gold, nothing left readable."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from lakehouse.adapters.site_file import read_site_file
from lakehouse.adapters.spark_connect_server import start_connect_server
from lakehouse.pipeline.site import Site
from tests.drills.chain import write_batch
from tests.drills.kills import make_site_file
from tests.local_ports import free_port, wait_for_port
from tests.spark_clusters import Cluster, made_by_chain, two_workers

pytestmark = pytest.mark.spark
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with two_workers(tmp_path_factory.mktemp("spark") / "cluster") as running:
        yield running


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    make_site_file(tmp_path)
    return write_batch(tmp_path / "people.csv", 1, 40)


def site_with(folder: Path, name: str, engine: str) -> Path:
    site_file = folder / f"{name}.toml"
    site_file.write_text(f'name = "{name}"\nexpectations = "expectations"\n[engine]\n{engine}\n')
    return site_file


def begin_chain(site_file: Path, batch: Path, **variables: str) -> "subprocess.Popen[str]":
    """In a process of its own: one that has a Spark session cannot talk to another engine."""
    home = site_file.with_suffix("")
    environment = {name: value for name, value in os.environ.items() if name != "LIVINGLAB_SPARK"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.spark_clusters", str(site_file), str(home), str(batch)],
        env={**environment, "LIVINGLAB_KEYS": str(site_file.parent / "keys"), **variables},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def made_by(chain: "subprocess.Popen[str]") -> dict[str, object]:
    said, complaint = chain.communicate(timeout=300)
    assert chain.returncode == 0, complaint[-3000:]
    return json.loads(said)


@contextlib.contextmanager
def connect_server(site_file: Path, folder: Path) -> Iterator[Mapping[str, str]]:
    """Run a Connect server whose driver uses the cluster of a site file; yields how to find it."""
    port = free_port()
    with (folder / "server.log").open("wb") as said:
        server = start_connect_server(read_site_file(site_file).engine, folder / "scratch", port, said)
        try:
            wait_for_port(port)
            yield server.variables
        finally:
            server.process.terminate()
            server.process.wait(timeout=60)


def test_two_workers_make_the_gold_of_one_process(
    cluster: Cluster, batch: Path, tmp_path: Path, open_home: Callable[..., Site]
) -> None:
    """`spark://` with a driver of ours, and `sc://` with a Connect server on the same cluster.

    A stranger with another secret tries at the same time, because Spark lets it try for a minute.
    """
    told = f'spark = "{cluster.master}"\nworker_memory = "512m"\nsecret_file = '
    (tmp_path / "wrong.secret").write_text(secrets.token_hex(32))
    stranger = begin_chain(site_with(tmp_path, "stranger", f'{told}"wrong.secret"'), batch)
    site_file = site_with(tmp_path, "driven", f'{told}"{cluster.secret}"')
    driven = made_by(begin_chain(site_file, batch))
    with connect_server(site_file, tmp_path) as variables:
        connected = made_by(begin_chain(site_with(tmp_path, "connected", ""), batch, **variables))
    local = site_with(tmp_path, "alone", 'spark = "local[2]"')
    alone = made_by_chain(open_home("alone", site_file=local), batch)

    assert alone["state"] == "PUBLISHED" and alone["rows"] == 40 and alone["sound"]
    assert alone["readable_by_others"] == 0
    assert alone == driven == connected
    for worker in ("worker-1", "worker-2"):
        assert len(list((cluster.folder / worker / "applications").glob("app-*"))) == 2
    complaint = stranger.communicate(timeout=300)[1]
    assert stranger.returncode != 0 and f"Unavailable: the Spark master {cluster.master}" in complaint


def test_the_master_has_no_door_that_asks_nobody(cluster: Cluster) -> None:
    """Spark opens port 6066 for programs over HTTP, without authentication, unless told otherwise."""
    rpc = int(cluster.master.rpartition(":")[2])
    assert rpc in {port for _, port in cluster.listening()} and len(cluster.listening()) == 2
    assert {address.removeprefix("::ffff:") for address, _ in cluster.listening()} == {"127.0.0.1"}


def test_the_secret_is_on_no_command_line(cluster: Cluster) -> None:
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    said = [" ".join(line) for line in lines if any(str(cluster.folder) in word for word in line)]
    assert len([line for line in said if "org.apache.spark.deploy." in line]) == 3
    secret = cluster.secret.read_text()
    assert not [line for line in lines if any(secret in word for word in line)]
