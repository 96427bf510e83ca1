"""The models environment as it is installed: training, encrypted prediction, what crosses to the server."""

import json
import math
import random
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lakehouse.adapters.fhe_client import ModelsEnvironment, TrainingRows
from lakehouse.core.linear_model import LinearModel
from lakehouse.errors import NotReady, Unavailable, WrongUse

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "models" / ".venv" / "bin" / "python"
DIGEST = "a" * 64
needs_models = pytest.mark.skipif(not PYTHON.exists(), reason="make models")
pytestmark = [pytest.mark.models, needs_models]

TAP = """
import os, re, sys
def tap(name, payload):
    with open({folder!r} + "/" + name, "ab") as file:
        file.write(payload)
def tap_process(name):
    tap(name + ".start", repr((sys.argv, dict(os.environ), sorted(os.listdir("."))) ).encode())
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            tap(name + ".start", os.readlink("/proc/self/fd/" + descriptor).encode())
        except FileNotFoundError:
            continue
def tap_memory(name):
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            region = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if region and " /" not in line:
                start, end = int(region[1], 16), int(region[2], 16)
                try:
                    memory.seek(start)
                    tap(name + ".memory", memory.read(end - start))
                except OSError:
                    continue
"""


def rows_of(people: int) -> TrainingRows:
    """Two walks a person; in the positive half every feature is one deviation higher."""
    draw = random.Random(1)
    positive = [number % 2 == 0 for number in range(people)]
    person = [number for number in range(people) for _ in range(2)]
    values = [[draw.gauss(0.5 * positive[own], 1.0) for _ in range(24)] for own in person]
    values[0][3] = None
    return TrainingRows(
        values=values,
        person=person,
        positive=positive,
        baseline=[[draw.gauss(0, 1), 1.0, None, 70.0] for _ in positive],
    )


def environment(folder: Path, **options) -> ModelsEnvironment:
    return ModelsEnvironment(
        python=PYTHON,
        folder=options.pop("programs", ROOT / "models"),
        artefacts=folder / "models",
        keys=folder / "keys",
        **options,
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    models = environment(tmp_path_factory.mktemp("trained"))
    return models.train(models.recipe("pd_screen"), rows_of(60))


@pytest.fixture(scope="session")
def predicted(trained, tmp_path_factory):
    """Where one prediction was made, so that the model's key is there."""
    folder = tmp_path_factory.mktemp("predicted")
    environment(folder).predict(DIGEST, trained.files, features_of(model_of(trained), 0.0))
    return folder


@pytest.fixture
def keyed(predicted, tmp_path):
    """A copy of the keys and artefacts of that prediction."""
    return shutil.copytree(predicted, tmp_path / "keyed")


@pytest.fixture
def programs(tmp_path):
    """A copy of the programs that a test may break; the library stands beside it."""
    copy = tmp_path / "project" / "models"
    copy.mkdir(parents=True)
    for path in [*(ROOT / "models").glob("*.py"), *(ROOT / "models").glob("*.toml")]:
        shutil.copy(path, copy)
    (copy.parent / "lakehouse").symlink_to(ROOT / "lakehouse")
    return copy


def features_of(model: LinearModel, shift: float) -> dict[str, float]:
    return {own.name: own.mean + shift * own.scale for own in model.features}


def model_of(trained) -> LinearModel:
    return LinearModel.from_document(json.loads(trained.files["model.json"]))


def test_training_measures_by_person_and_compiles(trained):
    """A signal of half a deviation in 24 features is learned; the baseline has nothing to learn from."""
    assert trained.figures["auc"] > 0.8
    assert trained.figures["baseline_auc"] < 0.65
    low, high = trained.figures["auc_interval"]
    assert low < trained.figures["auc"] < high <= 1
    assert abs(trained.figures["auc"] - trained.figures["quantised_auc"]) < 0.02
    assert trained.figures["encrypted_checked"] == 20


def test_artefacts_hold_no_pickle_and_no_native_code(trained):
    """Concrete's own client file would fall back to pickle; ours is a description and MLIR text."""
    assert set(trained.files) == {"client.zip", "model.json", "server.zip"}
    for name in ("client.zip", "server.zip"):
        assert b"\x7fELF" not in trained.files[name]
        assert b"serialized_processing" not in trained.files[name]
    assert b".so" not in trained.files["server.zip"]


def test_training_again_gives_the_same_model(trained, tmp_path):
    """Folds, fit and quantisation draw nothing from the clock."""
    models = environment(tmp_path)
    again = models.train(models.recipe("pd_screen"), rows_of(60))
    assert again.files["model.json"] == trained.files["model.json"]
    assert {**again.figures, "seconds": 0} == {**trained.figures, "seconds": 0}


@pytest.mark.parametrize("shift", [-1.0, 0.3, 1e9])
def test_the_encrypted_score_is_the_quantised_one_exactly(trained, predicted, shift):
    """Near, usual and absurd inputs alike: the circuit is sized for every input there can be."""
    model = model_of(trained)
    features = features_of(model, shift)
    answer = environment(predicted).predict(DIGEST, trained.files, features)
    quantised = model.quantisation
    expected = quantised.probability(quantised.output(quantised.quantise(model.standardise(features))))
    assert answer.agreement is True
    assert answer.score == expected == answer.quantised_score
    assert math.isclose(answer.score, model.score(features), abs_tol=0.05)
    assert 0 < answer.milliseconds < 2000


def test_the_secret_key_is_private_and_kept(trained, keyed):
    """One key a model, made once, readable by its owner alone; forgotten when asked."""
    models = environment(keyed)
    keys = {path: path.read_bytes() for path in (keyed / "keys").rglob("*") if path.is_file()}
    models.predict(DIGEST, trained.files, features_of(model_of(trained), 1.0))
    assert any(len(content) > 1000 for content in keys.values())
    assert {path: path.read_bytes() for path in keys} == keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in (keyed / "keys").rglob("*"))
    models.forget_keys(DIGEST)
    assert not (keyed / "keys" / DIGEST).exists()


def tapped(programs: Path, folder: Path) -> None:
    """Make both write down their memory, the server also how it was started and what it received."""
    wire = programs / "wire.py"
    wire.write_text(wire.read_text() + TAP.format(folder=str(folder)))
    server = programs / "server.py"
    server.write_text(
        server.read_text()
        .replace(
            "import receive_frame, send_frame",
            "import receive_frame, send_frame, tap, tap_process, tap_memory",
        )
        .replace(
            "    signal.alarm(LONGEST_LIFE)\n", '    signal.alarm(LONGEST_LIFE)\n    tap_process("server")\n'
        )
        .replace(
            "        result = circuit.run",
            '        tap("server.frames", ciphertext)\n        result = circuit.run',
        )
        .replace(
            "        send_frame(channel, result",
            '        answered and tap_memory("server")\n        send_frame(channel, result',
        )
        .replace("    evaluation_keys = fhe", '    tap("server.frames", keys)\n    evaluation_keys = fhe')
    )
    client = programs / "client.py"
    client.write_text(
        client.read_text()
        .replace("import ChannelError, ", "import tap_memory, ChannelError, ")
        .replace(
            "    expected = quantisation.output",
            '    tap_memory("client")\n    expected = quantisation.output',
        )
    )


def test_the_server_never_holds_the_key_or_the_features(trained, keyed, programs, tmp_path):
    """Arguments, environment, open files, frames and memory of the server; the client is the control."""
    seen = tmp_path / "seen"
    seen.mkdir()
    model = model_of(trained)
    features = features_of(model, 0.7) | {"stride_time_s": 1.0987654321}
    (key,) = [path for path in (keyed / "keys").rglob("secretKey*") if path.stat().st_size > 1000]
    secret = key.read_bytes()[4000:4800]
    tapped(programs, seen)
    environment(keyed, programs=programs).predict(DIGEST, trained.files, features)

    started = (seen / "server.start").read_bytes()
    assert b"server.zip" in started
    assert str(keyed / "keys").encode() not in started
    assert b"client.zip" not in started and b"model.json" not in started
    frames = (seen / "server.frames").read_bytes()
    assert len(frames) > 1000 and secret not in frames
    memory = (seen / "server.memory").read_bytes()
    assert len(memory) > 1_000_000
    assert secret not in memory and b"1.0987654321" not in memory
    assert secret in (seen / "client.memory").read_bytes()


def test_a_server_that_is_sent_the_key_is_caught(trained, keyed, programs, tmp_path):
    """The broken variant of the test above: a client that sends its key file along."""
    seen = tmp_path / "seen"
    seen.mkdir()
    features = features_of(model_of(trained), 0.0)
    (key,) = [path for path in (keyed / "keys").rglob("secretKey*") if path.stat().st_size > 1000]
    tapped(programs, seen)
    client = programs / "client.py"
    leak = f'evaluation_keys.serialize() + open({str(key)!r}, "rb").read())'
    client.write_text(client.read_text().replace("evaluation_keys.serialize())", leak))
    environment(keyed, programs=programs).predict(DIGEST, trained.files, features)
    secret = key.read_bytes()[4000:4800]
    assert secret in (seen / "server.frames").read_bytes()
    assert secret in (seen / "server.memory").read_bytes()


def running_under(programs):
    """The processes that run a program of this folder; Spark and Airflow have children of their own."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if any(word.startswith(f"{programs}/") for word in process.cmdline()):
                found.append(process)
    return found


def test_a_process_that_runs_is_seen(programs):
    """The control of the search below."""
    (programs / "client.py").write_text("print('here', flush=True); input()")
    with subprocess.Popen(
        [sys.executable, str(programs / "client.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"here\n"
        assert [found.pid for found in running_under(programs)] == [process.pid]
        process.stdin.close()
    assert running_under(programs) == []


@pytest.mark.parametrize(
    ("program", "text", "seconds"),
    [
        ("server.py", "import time; time.sleep(600)", 6),
        ("client.py", "import time; time.sleep(600)", 1),
        ("server.py", "raise SystemExit(3)", 30),
        ("server.py", "import os; os.kill(os.getpid(), 9)", 30),
        ("client.py", "print('no JSON')", 30),
        ("client.py", "print([1])", 30),
        ("client.py", "raise ValueError('1.0987654321')", 30),
    ],
)
def test_a_dead_or_hanging_process_is_unavailable(trained, programs, tmp_path, program, text, seconds):
    """Whichever it is: one error, no value in it, no process left."""
    (programs / program).write_text(text)
    models = environment(tmp_path, programs=programs, prediction_seconds=seconds)
    with pytest.raises(Unavailable) as failure:
        models.predict(DIGEST, trained.files, features_of(model_of(trained), 0.0))
    assert "1.0987654321" not in str(failure.value.as_json())
    assert running_under(programs) == []


def test_a_missing_package_asks_for_set_up(trained, programs, tmp_path):
    """The command that helps."""
    (programs / "client.py").write_text("import a_package_that_is_not_there")
    with pytest.raises(NotReady, match="lacks a package") as refusal:
        environment(tmp_path, programs=programs).predict(DIGEST, trained.files, {})
    assert refusal.value.remedy == "make models"


def test_without_the_environment_nothing_starts(tmp_path):
    """`make models` makes it."""
    models = ModelsEnvironment(
        python=tmp_path / "bin" / "python", folder=ROOT / "models", artefacts=tmp_path, keys=tmp_path
    )
    with pytest.raises(NotReady) as refusal:
        models.predict(DIGEST, {}, {})
    assert refusal.value.remedy == "make models"
    assert models.installed() is False


def test_without_a_linker_the_site_is_not_ready(tmp_path, monkeypatch):
    """Concrete links what it compiles."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReady, match="linker"):
        environment(tmp_path).require()


def test_an_unknown_model_is_wrong_use_and_the_known_are_listed(tmp_path):
    """The list is that of the recipes."""
    with pytest.raises(WrongUse) as refusal:
        environment(tmp_path).recipe("../pd_screen")
    assert "pd_screen" in refusal.value.remedy
