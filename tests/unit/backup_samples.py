"""What tests of backups share: a batch more, and a backup restored beside the home it is of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from home_samples import bronze_rows

from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import write_tables

Say = Callable[..., tuple[int, dict[str, Any]]]


def land(site: Site, batch: int) -> None:
    """Write one more batch, of a person whom the vault has not seen before."""
    people = list(site.vault.subjects_for("gaitpdb", [f"GaPt{batch:02}"]).values())
    write_tables(site, verb="land", run_key=f"land {batch}", writes=[bronze_rows(people, batch)])


def restored(kept: Path, name: str, say: Say) -> tuple[int, dict[str, Any], Path]:
    home = kept.parent / name
    code, said = say("--home", home, "restore", kept)
    return code, said, home


def killed(*_: object) -> None:
    raise KeyboardInterrupt
