"""No approval is ever marked as passed, except in unit tests: a lint over the whole project."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SEARCHED = ("dags", "plugins", "lakehouse", "infra", "models", "tests")
SHORT_CUTS = {
    "mark_success_pattern": "marks tasks as passed without running them",
    "fail_on_reject": "turns a rejection into a fault of the machine",
}
ANSWERED_ALONE = ("defaults", "response_timeout")
"""Arguments with which an approval answers itself."""


def find_short_cuts(text):
    """Return (line, what) of every call that would pass an approval without a person."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        for keyword in node.keywords:
            alone = keyword.arg in ANSWERED_ALONE and name.endswith(("ApprovalOperator", "Approval"))
            if keyword.arg in SHORT_CUTS or alone:
                found.append((node.lineno, keyword.arg))
    return found


def python_files():
    for folder in SEARCHED:
        for file in sorted((PROJECT / folder).rglob("*.py")):
            inside = file.relative_to(PROJECT).as_posix()
            if not inside.startswith("tests/unit/") and ".venv" not in file.parts:
                yield inside, file


def test_no_approval_is_passed_without_a_person():
    found = {
        inside: cuts for inside, file in python_files() if (cuts := find_short_cuts(file.read_text("utf-8")))
    }

    assert found == {}


@pytest.mark.parametrize(
    "broken",
    [
        'dag.test(mark_success_pattern="ask_the_dpo")',
        'DpoApproval(task_id="a", subject="s", defaults="Approve")',
        'ApprovalOperator(task_id="a", subject="s", response_timeout=timedelta(days=1))',
    ],
)
def test_the_lint_finds_every_short_cut(broken):
    assert find_short_cuts(broken)
