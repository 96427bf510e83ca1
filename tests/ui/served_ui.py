"""`livinglab ui` as people start it: a process of its own on a free port, signed in by the form."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 240.0
STOP_SECONDS = 90.0
KEPT_SETTINGS = ("LIVINGLAB_JARS", "LIVINGLAB_SPARK")


@dataclass(frozen=True)
class ServedUi:
    """An Airflow that is healthy: its address, its home, and account -> password."""

    address: str
    home: Path
    passwords: dict[str, str]

    def sign_in(self, browser: Any, account: str, **options: Any) -> Any:
        """Return a page of a new browser session on Airflow's home page, signed in through the form."""
        page = browser.new_context(viewport={"width": 1280, "height": 800}, **options).new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(self.address)
        page.get_by_role("textbox").first.fill(account)
        page.locator("input[type=password]").fill(self.passwords[account])
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="LivingLab").wait_for()
        return page

    def get(self, page: Any, path: str) -> Any:
        """Return what Airflow's API answers the page's account."""
        answer = page.request.get(f"{self.address}/api/v2/{path}")
        assert answer.ok, answer.text()
        return answer.json()


@contextmanager
def served_ui(folder: Path) -> Iterator[ServedUi]:
    """Serve the home under `folder` while the block runs; every process ends with it."""
    with open_log(folder) as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "lakehouse",
                "ui",
                "--json",
                "--home",
                str(folder / "home"),
                "--port",
                port(),
            ],
            env=own_environment(folder),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            told = json.loads("".join(document_lines(process)))
            passwords = {account["name"]: account["password"] for account in told["accounts"]}
            yield ServedUi(address=told["address"], home=folder / "home", passwords=passwords)
        finally:
            stop(process)


def own_environment(folder: Path) -> dict[str, str]:
    """Return the environment without the settings of the tests' own Airflow."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_SETTINGS or not name.startswith(("AIRFLOW", "LIVINGLAB"))
    }
    return {**kept, "LIVINGLAB_KEYS": str(folder / "keys")}


def open_log(folder: Path) -> Any:
    return (folder / "ui.log").open("wb")


def port() -> str:
    from livinglab_airflow.run_ui import free_port

    return str(free_port())


def document_lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield the lines of the one JSON document with which the command says that it serves."""
    text = ""
    for line in process.stdout:
        yield line
        text += line
        try:
            json.loads(text)
        except ValueError:
            continue
        return


def stop(process: subprocess.Popen[str]) -> None:
    """Interrupt the command's process group as Ctrl-C does; kill what is left of it."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.stdout.close()
    process.wait()


def wait_until(found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return the first true value; the last one when patience ends."""
    end = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < end:
        time.sleep(1.0)
    return value
