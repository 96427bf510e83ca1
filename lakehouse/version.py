"""Which code runs: the distribution's version, and the commit where it runs from a checkout."""

from functools import cache
from pathlib import Path

VERSION = "0.1.0"


@cache
def code_version() -> str:
    """Return `0.1.0`, or `0.1.0+<12 hex digits of the commit>` in a checkout."""
    git = Path(__file__).resolve().parents[1] / ".git"
    commit = _head_commit(git)
    return f"{VERSION}+{commit[:12]}" if commit else VERSION


def _head_commit(git: Path) -> str:
    head = git / "HEAD"
    if not head.is_file():
        return ""
    said = head.read_text().strip()
    if not said.startswith("ref: "):
        return said
    branch = said.removeprefix("ref: ")
    if (git / branch).is_file():
        return (git / branch).read_text().strip()
    packed = git / "packed-refs"
    lines = packed.read_text().splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {branch}")), "")
