"""Fixtures of several files: a command with its document, and the folder of a backup."""

import json
from pathlib import Path
from typing import Any

import pytest
from backup_samples import Say

from lakehouse.cli.main import run


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command and return its code and document."""

    def said(*words: object) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run(["--json", *map(str, words)])
        return code, json.loads(capsys.readouterr().out)

    return said
