"""Three witnesses of a home's log, each a process of its own, for as long as the Airflow UI runs.

On one machine they show how it works and protect against nobody: witnesses belong to others.
A site file that names witnesses of its own keeps them, and none is started.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from livinglab_airflow.settings import airflow_folder

if TYPE_CHECKING:
    from lakehouse.core.checkpoint import VerifierKey

WITNESSES = 3
DEMANDED = 2
STARTED_WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UiWitness:
    """One witness to start: its folders and the address that it will have."""

    name: str
    keys: Path
    state: Path
    port: int

    @property
    def command(self) -> list[str]:
        """Return the command that serves it."""
        place = ["--state", str(self.state), "--keys", str(self.keys), "--listen", f"127.0.0.1:{self.port}"]
        return [sys.executable, "-m", "lakehouse", "witness", "serve", *place]

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self.port}"


def needs_witnesses(home: Path, site_file: Path | None) -> bool:
    """Say whether the chosen site names no witness, and whoever starts the UI may renew its trust file."""
    from lakehouse.sites import open_site

    site = open_site(site_file, home)
    return not site.log_policy.witnesses and site.actor.may("renew_trust")


def prepare_witnesses(home: Path, site_file: Path | None, free_port: Callable[[], int]) -> list[UiWitness]:
    """Make keys (with the home's keys, outside it) and memory of the witnesses; those there are stay."""
    from lakehouse.adapters.witness_keys import make_witness_keys
    from lakehouse.adapters.witness_state import WitnessState
    from lakehouse.sites import keys_folder, open_site

    site = open_site(site_file, home)
    made = []
    for number in range(1, WITNESSES + 1):
        witness = UiWitness(
            name=f"ui.livinglab.local/{site.home.id}/w{number}",
            keys=keys_folder(site.home) / "witnesses" / f"w{number}",
            state=airflow_folder(home) / "witnesses" / f"w{number}",
            port=free_port(),
        )
        make_witness_keys(witness.keys, witness.name)
        state = WitnessState(witness.state)
        state.create()
        state.add_log(site.log.trust.log)
        made.append(witness)
    return made


def start_witness(witness: UiWitness, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start one witness; what it says goes to `output`."""
    return subprocess.Popen(witness.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def write_ui_site(home: Path, site_file: Path | None, witnesses: list[UiWitness]) -> Path:
    """Write the chosen site file's name and the witnesses into a site file that lasts as long as the UI."""
    from lakehouse.adapters.durable_files import write_durably
    from lakehouse.adapters.site_file import DEFAULT_SITE
    from lakehouse.sites import mark_ui_site, ui_site_file

    base = (site_file or DEFAULT_SITE).resolve()
    lines = [f"base = {_quoted(base)}", "[log]", f"cosignatures = {DEMANDED}", 'when_missing = "warn"']
    for witness in witnesses:
        keys = ", ".join(f'"{key.render()}"' for key in _keys_of(witness))
        lines += ["[[log.witnesses]]", f"keys = [{keys}]", f'url = "{witness.url}"']
    file = ui_site_file(home)
    write_durably(file, ("\n".join(lines) + "\n").encode())
    mark_ui_site(home, base, os.getpid())
    return file


def _keys_of(witness: UiWitness) -> "tuple[VerifierKey, ...]":
    from lakehouse.adapters.witness_keys import read_witness_keys

    return read_witness_keys(witness.keys).vkeys


def _quoted(path: Path) -> str:
    import json

    return json.dumps(str(path), ensure_ascii=False)


def adopt_witnesses(home: Path, file: Path) -> None:
    """Let trust.json say whose cosignatures count while the UI runs, and have the head cosigned."""
    from lakehouse.pipeline.cosign import cosign_by_policy
    from lakehouse.pipeline.trust_renewal import renew_trust
    from lakehouse.sites import open_site

    site = open_site(file, home)
    renew_trust(site)
    cosign_by_policy(site, logging.getLogger(__name__).warning)


def dismiss_witnesses(home: Path, site_file: Path | None) -> None:
    """Let trust.json say again what the chosen site file says, once the witnesses are gone."""
    from lakehouse.pipeline.trust_renewal import renew_trust
    from lakehouse.sites import drop_ui_site, open_site

    drop_ui_site(home)
    renew_trust(open_site(site_file, home))
