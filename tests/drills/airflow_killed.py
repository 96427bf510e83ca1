"""Airflow's scheduler and workers killed with -9 under a task: started again, the run ends, nothing doubled.

`livinglab ui` runs as a process of its own; the run is started and watched over Airflow's API.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lakehouse.sites import open_site
from tests.drills.chain import DATASET, write_batch
from tests.drills.kills import PEOPLE, PROJECT, make_site_file
from tests.local_ports import free_port

DAG = f"source_{DATASET}"
NOTICED = {"AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30"}
"""After so many seconds without a sign a task counts as dead; Airflow's default is 300."""
UNNOTICED = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "100000",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "100000",
}
"""The broken variant: neither a task nor a scheduler is ever held dead."""
WAIT_SECONDS = 420.0
ENDED = ("success", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running UI: its process, address, and the token of the engineer."""

    process: "subprocess.Popen[str]"
    address: str
    token: str

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call Airflow's API and return its JSON."""
        request = urllib.request.Request(
            f"{self.address}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def knows(self, dag: str) -> bool:
        """Say whether a DAG has been read: Airflow is healthy before that."""
        try:
            return bool(self.call(f"/api/v2/dags/{dag}")["dag_id"] == dag)
        except urllib.error.HTTPError:
            return False


@contextmanager
def served(folder: Path, port: int, settings: Mapping[str, str]) -> Iterator[Served]:
    """Run `livinglab ui` on the home under `folder`, with settings of Airflow."""
    command = ["-m", "lakehouse", "ui", "--port", str(port), "--json", "--home", str(folder / "home")]
    process = subprocess.Popen(
        [sys.executable, *command, "--site", str(make_site_file(folder))],
        env={**os.environ, **settings},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = json.loads(_document(process))
        engineer = next(one for one in said["accounts"] if one["name"] == "engineer")
        plain = Served(process=process, address=said["address"], token="")
        asked = {"username": engineer["name"], "password": engineer["password"]}
        token = plain.call("/auth/token", asked)["access_token"]
        yield Served(process=process, address=said["address"], token=token)
    finally:
        process.terminate()
        process.communicate()


def _document(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return "".join(lines)


def kill_scheduler(served: Served) -> int:
    """Kill the scheduler and everything below it, and return how many processes there were."""
    below = psutil.Process(served.process.pid).children(recursive=True)
    schedulers = [one for one in below if "scheduler" in _words(one)]
    doomed = [*schedulers, *(child for one in schedulers for child in one.children(recursive=True))]
    for process in doomed:
        if process.is_running():
            process.kill()
    return len(doomed)


def _words(process: psutil.Process) -> list[str]:
    """Return a process's command line; none of one that has ended, waited for or not."""
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


def wait_until(true: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
    """Wait for a state; False where it does not come."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.5)
    return False


def drill(
    folder: Path, port: int, settings: Mapping[str, str] = NOTICED, patience: float = WAIT_SECONDS
) -> Generator[str, None, None]:
    """Yield what is wrong when the scheduler dies under a landing and the UI is started again.

    patience: seconds in which the run must then end.
    """
    source = folder / "people"
    (source / DATASET).mkdir(parents=True)
    write_batch(source / DATASET / "first.csv", 1, PEOPLE)
    open_site(make_site_file(folder), folder / "home", create=True)
    with served(folder, port, settings) as first:
        if not wait_until(lambda: first.knows(DAG)):
            yield "the DAG has not appeared"
        run = first.call(
            f"/api/v2/dags/{DAG}/dagRuns", {"logical_date": None, "conf": {"source": str(source)}}
        )
        path = f"/api/v2/dags/{DAG}/dagRuns/{run['dag_run_id']}"
        if not wait_until(lambda: "running" in _task_states(first, path)):
            yield f"no task ran: {_task_states(first, path)}"
        if kill_scheduler(first) < 2:
            yield "no worker was there to be killed"
        _, error = first.process.communicate()
        if first.process.returncode != 7 or "Traceback" in error:
            yield f"the UI without its scheduler ended with {first.process.returncode}: {error[-300:]}"
    with served(folder, port, settings) as second:
        if not wait_until(lambda: second.call(path)["state"] in ENDED, patience):
            yield f"the run has not ended: {_task_states(second, path)}"
        elif second.call(path)["state"] != "success":
            yield f"the run has failed: {_task_states(second, path)}"
    tables = json.loads(_livinglab(folder, "tables", "--json").stdout)["tables"]
    bronze = [(one["version"], one["rows"]) for one in tables if one["name"] == f"bronze.{DATASET}"]
    if bronze != [(0, PEOPLE)]:
        yield f"bronze holds {bronze}, expected one version of {PEOPLE} rows"
    if _livinglab(folder, "fsck").returncode:
        yield "fsck finds damage"


def _task_states(served: Served, path: str) -> list[str]:
    return [str(one["state"]) for one in served.call(f"{path}/taskInstances")["task_instances"]]


def _livinglab(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    places = ["--home", str(folder / "home"), "--site", str(make_site_file(folder))]
    return subprocess.run(
        [sys.executable, "-m", "lakehouse", *command, *places],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Drill in an empty folder, `FOLDER`, with LIVINGLAB_KEYS set; 1 where anything was wrong."""
    (folder,) = arguments or sys.argv[1:]
    problems = list(drill(Path(folder), free_port()))
    sys.stdout.write("".join(f"{problem}\n" for problem in problems) + f"{len(problems)} problems\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
