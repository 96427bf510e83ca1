"""The two keys of a witness, Ed25519 and ML-DSA-44, in a private folder that is no part of any home.

A witness whose keys lie beside the log that it watches would vouch for nobody but that log's operator.
"""

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.durable_files import make_private_folder, write_durably
from lakehouse.adapters.key_tree import KEY_BYTES
from lakehouse.adapters.keyring import read_key_file
from lakehouse.adapters.signatures import WitnessSigner
from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, COSIGNATURE_V1, NoteSignature, VerifierKey
from lakehouse.errors import Damaged, NotReady, WrongUse

IDENTITY = "witness.json"
SEEDS = {COSIGNATURE_V1: "ed25519.key", COSIGNATURE_ML_DSA_44: "ml_dsa_44.key"}
HOME_MARK = "home.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessKeys:
    """A witness's name with its signers, one a type of cosignature."""

    name: str
    signers: tuple[WitnessSigner, ...]

    @property
    def vkeys(self) -> tuple[VerifierKey, ...]:
        """Return the public keys."""
        return tuple(signer.key for signer in self.signers)

    def cosign(self, text: str, seconds: int) -> tuple[NoteSignature, ...]:
        """Return one cosignature a key over a checkpoint's text, at a POSIX time."""
        return tuple(signer.cosign(text, seconds) for signer in self.signers)


def make_witness_keys(folder: Path, name: str) -> WitnessKeys:
    """Make the keys of a new witness; those that are there are kept and must be of this name.

    Raises WrongUse for a name that is none, or a folder inside a home.
    """
    if not _NAME.fullmatch(name):
        raise WrongUse(
            "a witness's name is letters, digits and . _ / -", remedy="for example --name clinic-b.example/w1"
        )
    if any((parent / HOME_MARK).exists() for parent in (folder.absolute(), *folder.absolute().parents)):
        raise WrongUse("the keys of a witness may not lie inside a home", remedy="choose a folder outside it")
    if not (folder / IDENTITY).exists():
        make_private_folder(folder)
        for file in SEEDS.values():
            if not (folder / file).exists():
                write_durably(folder / file, secrets.token_bytes(KEY_BYTES))
        write_durably(folder / IDENTITY, json.dumps({"name": name}).encode())
    keys = read_witness_keys(folder)
    if keys.name != name:
        raise WrongUse(f"this folder holds the keys of {keys.name}", remedy="choose another folder or name")
    return keys


def read_witness_keys(folder: Path) -> WitnessKeys:
    """Return the keys of a folder. NotReady where there are none, Unavailable, Damaged."""
    if not (folder / IDENTITY).is_file():
        raise NotReady(
            f"there is no witness in {folder.name!r}", remedy="livinglab witness init DIR --name NAME"
        )
    try:
        name = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))["name"]
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{IDENTITY} cannot be parsed", remedy="restore it from a backup") from error
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Damaged(f"{IDENTITY} holds no name", remedy="restore it from a backup")
    remedy = "restore the folder from a backup, or begin a new witness"
    seeds = {
        algorithm: read_key_file(folder / file, owner=f"the witness {name}", remedy=remedy)
        for algorithm, file in SEEDS.items()
    }
    signers = tuple(WitnessSigner(name, seed, algorithm) for algorithm, seed in seeds.items())
    return WitnessKeys(name=name, signers=signers)
