"""Where the demo's input comes from (INTERFACE, Places), and what is made where it is missing."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import UnreadableInput, WrongUse

if TYPE_CHECKING:
    from lakehouse.pipeline.site import Site

PROJECT = Path(__file__).resolve().parents[2]
NOTES, RECORDS = "clinic_notes", "ehr"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoInput:
    """What the demo reads. source: a folder, or None where everything lies in the drop zone.

    told: sentences for people about what was chosen, made or skipped.
    """

    source: Path | None
    told: tuple[str, ...]


def choose_source(source: Path | None, people: int | None) -> Path | None:
    """Return the source folder, or None for generated people.

    `source` as given, else $LIVINGLAB_SHARED/data, else ../shared/data beside the project, where that is
    there. Asking for a number of people asks for generated ones.
    """
    if source is not None and people is not None:
        raise WrongUse("--source and --people exclude each other", remedy="give one of them")
    if source is not None:
        if not source.is_dir():
            raise UnreadableInput("--source is not a folder", remedy="give a folder like ../shared/data")
        return source.absolute()
    shared = Path(os.environ.get("LIVINGLAB_SHARED") or PROJECT.parent / "shared").absolute() / "data"
    return shared if people is None and shared.is_dir() else None


def prepare_input(site: "Site", source: Path | None, people: int | None) -> DemoInput:
    """Make what is missing: people where there is no source, notes about its patients where it has none."""
    if source is None:
        return DemoInput(source=None, told=(_generate(site, people),))
    from lakehouse.readers.source_folders import find_batches

    plan = find_batches(source, site.contracts)
    told = [f"reading {source}: {', '.join(sorted(plan.batches))}"]
    if plan.skipped:
        told.append(f"skipped, no contract names them: {', '.join(plan.skipped)}")
    told += [f"{count} files in {folder}/ fit no contract" for folder, count in plan.unclaimed.items()]
    if RECORDS in plan.batches and NOTES not in plan.batches:
        told.append(_write_notes(site, plan.batches[RECORDS]))
    return DemoInput(source=source, told=tuple(told))


def _generate(site: "Site", people: int | None) -> str:
    """Write generated people into the drop zone; what cannot be landed, the manifest, goes again."""
    from lakehouse.samples.source_folder import DEFAULT_PEOPLE, MANIFEST, write_sample

    number = people or DEFAULT_PEOPLE
    landing = site.home.place("landing")
    write_sample(landing, people=number)
    (landing / MANIFEST).unlink()
    return f"{number} generated people, traps included, are in the drop zone"


def _write_notes(site: "Site", records: tuple[Path, ...]) -> str:
    from lakehouse.samples.clinic_notes import write_notes_about

    folder = site.home.place("landing", NOTES)
    if folder.is_dir() and any(folder.glob("*.jsonl")):
        return "the source has no notes; those in the drop zone are taken"
    write_notes_about(records, folder)
    return "the source has no notes: notes about its patients were written into the drop zone"
