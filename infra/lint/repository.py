"""Refuse what must not be in a commit: secrets, index hosts, machine paths, long files, passed approvals."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry." + "npmjs",
    "repo1" + ".maven",
    "repo.maven" + ".apache",
)
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(root|work|farm|home)/\w")
SECRET = re.compile("-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----|AKIA[0-9A-Z]{16}|xox[bp]-[0-9A-Za-z-]{10}")
PASSING = {"mark_success_pattern", "fail_on_reject"}
ANSWERED_ALONE = {"defaults", "response_timeout"}
LONGEST_MODULE, LONGEST_DAG, LONGEST_FUNCTION = 350, 60, 50
ONE_FILE = {"verifier/livinglab_verify.py": 560}
"""Files that are one file on purpose, with what they may hold."""


def tracked_texts() -> Iterator[tuple[Path, str]]:
    """Yield (path, text) of every tracked text file."""
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        path = Path(name)
        try:
            yield path, path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue


def text_faults(path: Path, text: str) -> Iterator[str]:
    """Yield what is wrong with a text file's lines."""
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{path}:{number}"
        if any(host in line for host in HOSTS):
            yield f"{place} names a package index"
        if MACHINE_PATH.search(line):
            yield f"{place} names a path of one machine"
        if SECRET.search(line):
            yield f"{place} looks like a secret"


def size_faults(path: Path, text: str) -> Iterator[str]:
    """Yield modules and functions that are longer than the house allows."""
    usual = LONGEST_DAG if path.parts[0] == "dags" else LONGEST_MODULE
    lines, limit = text.count("\n"), ONE_FILE.get(path.as_posix(), usual)
    if lines > limit:
        yield f"{path} has {lines} lines, at most {limit}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{path}:{node.lineno} {node.name} has {length} lines, at most {LONGEST_FUNCTION}"


def approval_faults(path: Path, text: str) -> Iterator[str]:
    """Yield calls by which an approval passes, or answers itself, without a person; unit tests may."""
    if path.parts[:2] == ("tests", "unit"):
        return
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        refused = PASSING | (ANSWERED_ALONE if name.endswith(("ApprovalOperator", "Approval")) else set())
        for keyword in call.keywords:
            if keyword.arg in refused:
                yield f"{path}:{call.lineno} passes an approval without a person ({keyword.arg})"


def main() -> int:
    """Print every fault; 1 where there is one."""
    faults = []
    for path, text in tracked_texts():
        faults += text_faults(path, text)
        if path.suffix == ".py":
            faults += [*size_faults(path, text), *approval_faults(path, text)]
    for fault in faults:
        print(fault)
    print(f"repository: {len(faults)} faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
