"""The one-file verifier as a stranger runs it: alone, with files that anyone may have made."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from sample_documents import TRUST, sample_bundle, sound_documents, vector_documents
from two_verifiers import FILE, FOLDER, load_verifier

from lakehouse.core.canonical import canonical_json

ALONE = (
    "import runpy, sys; sys.path[:0] = [sys.argv.pop(1)]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
LARGEST_FILE = 1 << 20
SOUND = {name: (document, trust) for name, document, trust in sound_documents()}


@pytest.fixture(scope="module")
def only_cryptography(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from which nothing but `cryptography` can be imported."""
    folder = tmp_path_factory.mktemp("packages")
    for name in ("cryptography", "_cffi_backend"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
            (folder / found.name).symlink_to(found)
    return folder


@pytest.fixture
def run(tmp_path: Path, only_cryptography: Path) -> Callable[..., SimpleNamespace]:
    """Run the file as its own process, without site packages, environment or the checkout."""

    def ran(
        document: bytes, trust: bytes, *options: str, packages: Path = only_cryptography
    ) -> SimpleNamespace:
        (tmp_path / "proof.json").write_bytes(document)
        (tmp_path / "trust.json").write_bytes(trust)
        return command(packages, "proof.json", "--trust", "trust.json", *options)

    def command(packages: Path, *arguments: str) -> SimpleNamespace:
        code = ALONE.replace("sys.argv[0]", repr(str(FILE)))
        line = [sys.executable, "-I", "-S", "-c", code, str(packages), *arguments]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, timeout=120, check=False)
        return SimpleNamespace(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    ran.command = lambda *arguments: command(only_cryptography, *arguments)  # type: ignore[attr-defined]
    return ran


@pytest.mark.parametrize("name", ["write", "quorum", "time-stamped", "erasure", "quorum, on paper"])
def test_a_stranger_sees_each_step_and_the_verdict(run: Callable[..., SimpleNamespace], name: str) -> None:
    done = run(*SOUND[name])
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].startswith("ok    schema: ")
    assert done.out.endswith("\nverified\n")


def test_a_false_proof_says_which_step_fails(run: Callable[..., SimpleNamespace]) -> None:
    document, trust = SOUND["write"]
    done = run(document.replace(b'"version":4', b'"version":5'), trust)
    assert done.code == 5
    assert "FAIL  inclusion: leaf 4 does not lead to the root of the tree of 7 leaves" in done.out
    assert done.out.endswith("\nNOT VERIFIED\n")


def test_json_is_what_the_platform_prints(run: Callable[..., SimpleNamespace]) -> None:
    from lakehouse.cli.verifying import verdict_fields
    from lakehouse.core.trust import parse_trust
    from lakehouse.pipeline.verify import verify

    for name in ("quorum", "a fork"):
        document, trust = SOUND[name]
        printed = json.loads(run(document, trust, "--json").out)
        expected = verdict_fields(verify(document, parse_trust(trust)))
        assert [{**check, "why": ""} for check in printed["checks"]] == [
            {**check, "why": ""} for check in expected["checks"]
        ]
        assert {**printed, "checks": []} == {**expected, "checks": []}


def test_evidence_says_what_it_shows(run: Callable[..., SimpleNamespace]) -> None:
    done = run(*SOUND["a rewritten log"])
    assert done.code == 0
    assert "MISBEHAVIOUR: the log signed two heads that cannot belong to one log" in done.out


@pytest.mark.parametrize(
    "arguments", [[], ["proof.json"], ["a", "--trust", "b"], [".", "--trust", "."], ["--odd"]]
)
def test_wrong_use_ends_with_5_and_says_what_to_do(
    run: Callable[..., SimpleNamespace], arguments: list[str]
) -> None:
    done = run.command(*arguments)  # type: ignore[attr-defined]
    assert done.code == 5
    assert "Traceback" not in done.err
    assert done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("ending", ["> /dev/full", ">&-", ">&- 2>&-", "< /dev/null > /dev/full 2>&-"])
def test_a_verdict_that_cannot_be_shown_is_none(tmp_path: Path, ending: str) -> None:
    document, trust = SOUND["write"]
    (tmp_path / "proof.json").write_bytes(document)
    (tmp_path / "trust.json").write_bytes(trust)
    line = f"{sys.executable} {FILE} proof.json --trust trust.json {ending}"
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert done.returncode == 5
    assert b"Traceback" not in done.stderr


def test_help_ends_with_0(run: Callable[..., SimpleNamespace]) -> None:
    assert run.command("--help").code == 0  # type: ignore[attr-defined]


def test_without_cryptography_it_says_what_is_missing(
    run: Callable[..., SimpleNamespace], tmp_path: Path
) -> None:
    done = run(*SOUND["write"], packages=tmp_path)
    assert done.code == 5
    assert done.err == (
        "NOT VERIFIED: the package cryptography is missing: python -m pip install cryptography\n"
    )


def test_without_ml_dsa_only_what_needs_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    monkeypatch.delattr("cryptography.hazmat.primitives.asymmetric.mldsa", raising=False)
    old = load_verifier()
    failed = {
        name: [check["why"] for check in old.verify(*SOUND[name])["checks"] if not check["ok"]]
        for name in ("write", "cosigned", "quorum")
    }
    needed = "not checked: this version of cryptography has no ML-DSA-44, update it"
    assert failed == {"write": [], "cosigned": [], "quorum": [needed]}


def _bundle(**fields: object) -> bytes:
    return canonical_json({**json.loads(sample_bundle().render()), **fields}) + b"\n"


HOSTILE = {
    "nothing": b"",
    "a newline": b"\n",
    "zeros": bytes(LARGEST_FILE),
    "too large": b"[" * (LARGEST_FILE + 1),
    "deep lists": b"[" * LARGEST_FILE,
    "deep objects": b'{"a":' * (LARGEST_FILE // 5),
    "a long number": b'{"schema":' + b"9" * (LARGEST_FILE - 20) + b"}\n",
    "a long fraction": b'{"schema":0.' + b"9" * (LARGEST_FILE - 20) + b"}\n",
    "a great power": b'{"schema":1e999999999}\n',
    "not UTF-8": b'{"schema":"\xff"}\n',
    "a lone surrogate": b'{"schema":"\\ud800"}\n',
    "no object": b"[]\n",
    "a null": b"null\n",
    "another schema": b'{"schema":"livinglab/opening/v1"}\n',
    "a schema that is no text": b'{"schema":{}}\n',
    "many signatures": _bundle(proof=sample_bundle().proof.render() + "— a AAAAAAA=\n" * 60_000),
    "many blank lines": _bundle(proof="\n" * 900_000),
    "many path lines": _bundle(proof="c2sp.org/tlog-proof@v1\nindex 0\n" + f"{'A' * 43}=\n" * 20_000),
    "a path that is nearly one": _bundle(proof="c2sp.org/tlog-proof@v1\nindex 0\n" + "A" * 900_000),
    "base64 that is nearly some": _bundle(time_stamps=[{"authority": "a", "token": "A" * 900_001}]),
    "much in one statement": _bundle(
        statements={"a": {"salt": "A" * 43 + "=", "value": {"a": [0] * 400_000}}}
    ),
    "paper that is none": b"LIVINGLAB:1:" * 80_000,
    "paper without end": b"LIVINGLAB:1:00000000:1/9:00000000:" + b"A" * 900_000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_file_is_refused_like_any_other(name: str) -> None:
    """In this process, with the time limit of the tests: a file of 1 MiB must not keep the verifier busy."""
    verifier = load_verifier()
    try:
        verdict = verifier.verify(HOSTILE[name], TRUST.render().encode())
    except verifier.REFUSALS:
        return
    assert not verdict["verified"]


def test_a_paper_that_unpacks_to_much_is_refused() -> None:
    import base64
    import zlib

    from lakehouse.core.paper import PaperPart

    verifier = load_verifier()
    packed = base64.b32encode(zlib.compress(bytes(1 << 28), 9)).decode().rstrip("=")
    part = PaperPart(bundle_id="00000000", number=1, count=1, piece=packed)
    with pytest.raises(verifier.Refused, match="no whole bundle"):
        verifier.read_paper(part.line())


def test_what_is_printed_holds_no_control_character(run: Callable[..., SimpleNamespace]) -> None:
    """A name in a trust file cannot move the cursor of the reader's terminal or write over a verdict."""
    from dataclasses import replace

    from lakehouse.adapters.signatures import Signer

    odd = Signer("a\x1b[2Kverified\u202e", b"\x01" * 32)
    trust = replace(TRUST, log=odd.key).render().encode()
    done = run(sample_bundle().render(), trust)
    assert done.code == 5
    assert all(sign.isprintable() or sign == "\n" for sign in done.out)


def test_the_file_is_read_in_one_sitting_and_runs_on_python_3_9() -> None:
    source = FILE.read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 9))
    modules = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    modules |= {
        str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert modules - set(sys.stdlib_module_names) == {"cryptography"}
    assert len(code_lines(source, tree)) < 400


def code_lines(source: str, tree: ast.Module) -> list[str]:
    """Return the lines that are neither blank, nor a comment, nor of a docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    said: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node):
            said |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(source.splitlines(), 1)
    return [line for number, line in lines if number not in said and line.strip() and line.strip()[0] != "#"]


def test_the_readme_s_loop_finds_every_vector_the_same() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    loop = readme.partition("<<'END'\n")[2].partition("END\n")[0]
    done = subprocess.run(
        [sys.executable, "-c", loop], cwd=FOLDER.parent, capture_output=True, timeout=120, check=True
    )
    lines = done.stdout.decode().splitlines()
    assert len(lines) == sum("bundle/v1" in data.decode() for _, data, _ in vector_documents())
    assert {line.split()[0] for line in lines} == {"same"}
