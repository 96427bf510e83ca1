"""Witnesses as processes of their own, started by the command line as people start them."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.witness_keys import make_witness_keys
from lakehouse.adapters.witness_state import WitnessState
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site


@dataclass
class WitnessProcess:
    """One running `livinglab witness serve`."""

    folder: Path
    name: str
    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def vkeys(self) -> list[str]:
        """Return its public keys."""
        return [key.render() for key in make_witness_keys(self.folder / "keys", self.name).vkeys]

    @property
    def state(self) -> WitnessState:
        """Return its memory."""
        return WitnessState(self.folder)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=60)

    def restart(self) -> None:
        """Start it again at the same address."""
        self.process = _start(self.folder, self.url.removeprefix("http://"), ())[0]


def start_witness(folder: Path, name: str, *vkeys: str) -> WitnessProcess:
    """Make a witness and start it on a free port of 127.0.0.1."""
    make_witness_keys(folder / "keys", name)
    WitnessState(folder).create()
    process, url = _start(folder, "127.0.0.1:0", vkeys)
    return WitnessProcess(folder=folder, name=name, url=url, process=process)


@contextmanager
def down(*stopped: WitnessProcess) -> Iterator[None]:
    """Stop witnesses for the time of a block."""
    for witness in stopped:
        witness.kill()
    try:
        yield
    finally:
        for witness in stopped:
            witness.restart()


def watched_home(folder: Path, witnesses: Sequence[WitnessProcess], **policy: object) -> Site:
    """Open the home of a folder, its keys beside it (LIVINGLAB_KEYS says so), its log watched by all."""
    site = open_site(site_file(folder, witnesses, **policy), folder / "home", create=True)
    for witness in witnesses:
        witness.state.add_log(site.log.trust.log)
    return site


def site_file(folder: Path, witnesses: Sequence[WitnessProcess], **policy: object) -> Path:
    """Return a site file like the shipped one with these witnesses."""
    shipped = Path(__file__).resolve().parents[2] / "infra" / "sites" / "local.toml"
    told = {"cosignatures": 2, "when_missing": "warn", "wait_seconds": 2, **policy}
    lines = [f'base = "{shipped}"', "[log]", *(f"{name} = {_toml(value)}" for name, value in told.items())]
    for witness in witnesses:
        lines += ["[[log.witnesses]]", f"keys = {_toml(witness.vkeys)}", f'url = "{witness.url}"']
    file = folder / "site.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _start(folder: Path, listen: str, vkeys: tuple[str, ...]) -> "tuple[subprocess.Popen[bytes], str]":
    command = [sys.executable, "-m", "lakehouse", "witness", "serve", "--state", str(folder)]
    command += ["--listen", listen, *(part for vkey in vkeys for part in ("--log", vkey))]
    said = folder / "said.log"
    with said.open("w") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    while not (first := said.read_text()).endswith("\n") and process.poll() is None:
        time.sleep(0.02)
    assert " on http://" in first, first
    return process, first.split("\n")[0].rsplit(" ", 1)[1]
