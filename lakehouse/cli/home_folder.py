"""Where the home lies, for commands that open no site: that would import engines and need keys."""

import os
from pathlib import Path


def home_of(home: Path | None) -> Path:
    """Return the home's folder: the one given, $LIVINGLAB_HOME, or `.livinglab`."""
    return home or Path(os.environ.get("LIVINGLAB_HOME") or ".livinglab")
