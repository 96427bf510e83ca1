"""Three witnesses of a home's log, each a process of its own, for as long as the Airflow UI runs.

On one machine they show how it works and protect against nobody: witnesses belong to others. So nothing
demands their cosignatures, proofs hold before, while and after the UI runs, and a site file that names
witnesses of its own keeps them: none is started.
"""

import logging
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
    from lakehouse.adapters.site_file import read_site_file
    from lakehouse.sites import open_site

    named = read_site_file(site_file).log.witnesses
    return not named and open_site(site_file, home).actor.may("renew_trust")


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


def name_witnesses(home: Path, witnesses: list[UiWitness]) -> None:
    """Write who the witnesses are and where they answer into the home."""
    from lakehouse.adapters.durable_files import write_durably
    from lakehouse.adapters.site_file import HOME_WITNESSES

    lines = ["[log]"]
    for witness in witnesses:
        keys = ", ".join(f'"{key.render()}"' for key in _keys_of(witness))
        lines += ["[[log.witnesses]]", f"keys = [{keys}]", f'url = "{witness.url}"']
    write_durably(home / HOME_WITNESSES, ("\n".join(lines) + "\n").encode())


def _keys_of(witness: UiWitness) -> "tuple[VerifierKey, ...]":
    from lakehouse.adapters.witness_keys import read_witness_keys

    return read_witness_keys(witness.keys).vkeys


def adopt_witnesses(home: Path, site_file: Path | None) -> None:
    """Let trust.json name the witnesses, once, and have the head cosigned."""
    from lakehouse.pipeline.cosign import cosign_by_policy
    from lakehouse.pipeline.trust_renewal import renew_trust
    from lakehouse.sites import open_site

    site = open_site(site_file, home)
    renew_trust(site)
    cosign_by_policy(site, logging.getLogger(__name__).warning)
