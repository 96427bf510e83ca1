"""Training and encrypted prediction in the models environment, spoken to through processes alone.

Concrete ML pins old numerics, so it lives in its own environment (docs/adr/two-environments.md).
Encrypted prediction is three processes (PROTOCOLS section 8): this one, a client that holds the
secret key, a server that holds none. Client and server share a Unix socket pair without a name:
nobody else can connect, and no socket lies in any folder.
"""

import hashlib
import os
import shutil
import socket
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.adapters.model_programs import ModelPrograms, Process, end_process, failure_of
from lakehouse.adapters.private_folders import clear_abandoned, private_folder
from lakehouse.core.model_recipe import ModelRecipe, parse_recipe
from lakehouse.errors import ContractError, Unavailable, WrongUse

TRAINED_FILES = ("client.zip", "model.json", "server.zip")
CLIENT_FILES = ("client.zip", "model.json")
SERVER_FILES = ("server.zip",)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRows:
    """What the training program sees; None is an unknown value, people are 0 to n_people - 1.

    values: (n_walks, n_features); person: (n_walks,); positive: (n_people,);
    baseline: (n_people, n_columns).
    """

    values: Sequence[Sequence[float | None]]
    person: Sequence[int]
    positive: Sequence[bool]
    baseline: Sequence[Sequence[float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedFiles:
    """What training made: files by name, and the figures of the card."""

    files: Mapping[str, bytes]
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedScore:
    """A decrypted probability beside that of the same integers in clear.

    `milliseconds`: one encryption, run and decryption, processes already started.
    """

    score: float
    quantised_score: float
    agreement: bool
    milliseconds: float
    ciphertext_bytes: int


class ModelsEnvironment:
    """`folder` holds programs and recipes, `artefacts` the site's models, `keys` a folder a secret key."""

    def __init__(
        self,
        python: Path,
        folder: Path,
        artefacts: Path,
        keys: Path,
        *,
        training_seconds: float = 300.0,
        prediction_seconds: float = 60.0,
    ) -> None:
        self.artefacts = artefacts
        self._programs = ModelPrograms(python=python.absolute(), folder=folder.resolve())
        self._folder = folder
        self._keys = keys
        self._training_seconds = training_seconds
        self._prediction_seconds = prediction_seconds

    def installed(self) -> bool:
        """Whether set-up made the environment."""
        return self._programs.python.is_file()

    def require(self) -> None:
        """Raise NotReady where the environment, or what it needs of the system, is missing."""
        self._programs.require()

    def recipe_names(self) -> tuple[str, ...]:
        """The models that can be trained here."""
        return tuple(sorted(path.stem for path in self._folder.glob("*.toml")))

    def recipe(self, name: str) -> ModelRecipe:
        """Return how a model is made. WrongUse: no such model; ContractError: the file is wrong."""
        if name not in self.recipe_names():
            raise WrongUse(
                "there is no model of this name", remedy=f"models: {', '.join(self.recipe_names())}"
            )
        path = self._folder / f"{name}.toml"
        text = path.read_bytes()
        try:
            data = tomllib.loads(text.decode())
        except ValueError as problem:
            raise ContractError(path.name, "(file)", "is not TOML") from problem
        return parse_recipe(data, text, path.name)

    def train(self, recipe: ModelRecipe, rows: TrainingRows) -> TrainedFiles:
        """Train, measure, compile. Raises NotReady and Unavailable as the programs do."""
        self.require()
        with self._place() as place:
            output = _make_folder(place, "output")
            job = {
                "output": str(output),
                "recipe_digest": recipe.digest,
                "values": rows.values,
                "person": rows.person,
                "positive": rows.positive,
                "baseline": rows.baseline,
            }
            with _ended(self._programs.start(f"train_{recipe.name}.py", (), place)) as process:
                figures = self._programs.answer_of(process, job, place, self._training_seconds)
            return TrainedFiles(
                files={name: (output / name).read_bytes() for name in TRAINED_FILES}, figures=figures
            )

    def predict(
        self, digest: str, files: Mapping[str, bytes], features: Mapping[str, float]
    ) -> EncryptedScore:
        """Return the score of one input that the server never sees in clear.

        `files` are the checked bytes of the model's files: what is opened is what was checked. The
        secret key lies in `<keys>/<digest>` and is made on first use.
        Raises NotReady and Unavailable as the programs do.
        """
        self.require()
        with self._place() as place:
            ours, theirs = _make_folder(place, "client"), _make_folder(place, "server")
            _write_files(ours, CLIENT_FILES, files)
            _write_files(theirs, SERVER_FILES, files)
            with self._pair(ours, theirs) as (client, server, descriptor):
                job = {
                    "socket": descriptor,
                    "client": str(ours / "client.zip"),
                    "model": str(ours / "model.json"),
                    "keys": str(self._key_folder(digest)),
                    "features": dict(features),
                }
                try:
                    answer = self._programs.answer_of(client, job, ours, self._prediction_seconds)
                except Unavailable as failure:
                    raise (failure_of(server.poll() or 0, theirs) if server.poll() else failure) from failure
                return EncryptedScore(**answer)

    def forget_keys(self, digest: str) -> None:
        """Remove the secret key of a model; its ciphertexts can never be opened again."""
        folder = self._key_folder(digest)
        if folder.is_dir():
            shutil.rmtree(folder)

    def _key_folder(self, digest: str) -> Path:
        return self._keys.absolute() / digest

    @contextmanager
    def _place(self) -> Iterator[Path]:
        """Yield a private folder of this home, outside it; people's rows are never written there."""
        tag = hashlib.sha256(os.fsencode(self.artefacts.absolute())).hexdigest()[:12]
        temporary, prefix = Path(tempfile.gettempdir()), f"livinglab-models-{tag}-"
        clear_abandoned(temporary, prefix)
        with private_folder(temporary, prefix) as place:
            yield place

    @contextmanager
    def _pair(self, ours: Path, theirs: Path) -> Iterator[tuple[Process, Process, int]]:
        """Yield the running client, the running server and the client's end of the socket."""
        client_end, server_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with client_end, server_end:
            arguments = (str(server_end.fileno()), str(theirs / "server.zip"))
            server = self._programs.start("server.py", arguments, theirs, [server_end.fileno()])
            server_end.close()
            with _ended(server):
                descriptor = client_end.fileno()
                client = self._programs.start("client.py", (), ours, [descriptor])
                client_end.close()
                with _ended(client):
                    yield client, server, descriptor


@contextmanager
def _ended(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        end_process(process)


def _make_folder(place: Path, name: str) -> Path:
    folder = place / name
    folder.mkdir(mode=0o700)
    return folder


def _write_files(folder: Path, names: Sequence[str], files: Mapping[str, bytes]) -> None:
    for name in names:
        (folder / name).write_bytes(files[name])
