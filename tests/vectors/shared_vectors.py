"""Where other projects' vectors lie: LIVINGLAB_SHARED, default ../shared beside the checkout."""

import os
from pathlib import Path

import pytest


def shared_vectors(name: str) -> Path:
    """Return one project's folder of vectors, or skip the test with the reason."""
    default = Path(__file__).resolve().parents[2].parent / "shared"
    folder = Path(os.environ.get("LIVINGLAB_SHARED") or default) / "vectors" / name
    if not folder.is_dir():
        pytest.skip(f"vectors of {name} are not there: set LIVINGLAB_SHARED")
    return folder
