"""One measured run of `make scale`, in a process of its own: land, refine and publish generated rows.

`python -m tests.bench.scale_steps walks|registry|unprotected|bare ROWS FOLDER [ENTRIES]` prints what each
step took, {step: seconds, …}, as JSON. Walks are generated between the deliveries and deleted after them; the
steps are timed, after Spark has started.
"""

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.pipeline.land import land
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import TableWrite, write_tables
from lakehouse.readers import read_files
from lakehouse.sites import open_site
from tests.bench.registry_rows import write_registry
from tests.bench.walk_rows import SAMPLES, write_people, write_walks
from tests.bench.walks import write

PROJECT = Path(__file__).resolve().parents[2]
GOLD = PROJECT / "tests" / "bench" / "expectations" / "gold" / "registry_open.sql"
DELIVERY = 1_000_000
"""Rows that are landed at once; ten times as many rows are ten deliveries."""

PLAIN = {"land": "bronze.plain", "refine": "silver.plain", "publish": "gold.plain"}
Timed = Callable[[str, Callable[[], Any]], Any]
Stored = Callable[[Site, str, pa.Table], None]


def main() -> None:
    """Run one measurement and print it."""
    kind, rows, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    taken: Counter[str] = Counter()

    def timed(step: str, action: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        done = action()
        taken[step] += time.perf_counter() - begun
        return done

    run = {"walks": walks, "registry": registry, "unprotected": unprotected, "bare": bare}[kind]
    state = run(rows, folder, timed)
    sys.stdout.write(json.dumps({"seconds": dict(taken), "state": state}))


def walks(rows: int, folder: Path, timed: Timed) -> str:
    """Land walks in deliveries with their people, refine both, publish the people."""
    site = warm(open_site(home=folder / "home", create=True))
    source = folder / "source"
    timed("land", lambda: land(site, "gait_people", [write_people(source, rows)]))
    written = write_walks(source, rows)
    while files := list(islice(written, DELIVERY // SAMPLES)):
        landed = timed("land", lambda files=files: land(site, "gait_walks", files))
        require(landed.accepted == len(files) * SAMPLES)
        for file in files:
            file.unlink()
    timed("refine", lambda: (refine(site, "gait_people"), refine(site, "gait_walks")))
    return str(timed("publish", lambda: publish(site, "gait_people_open")).state)


def registry(rows: int, folder: Path, timed: Timed) -> str:
    """Land, refine and publish registry entries."""
    site = warm(open_site(site_file(folder), folder / "home", create=True))
    files = write_registry(folder / "source", rows, entries=entries_a_person())
    require(timed("land", lambda: land(site, "registry", files)).accepted == rows)
    require(timed("refine", lambda: refine(site, "registry"))[0].rows == rows)
    return str(timed("publish", lambda: publish(site, "registry_open")).state)


def unprotected(rows: int, folder: Path, timed: Timed) -> str:
    """Take the same rows through the same pipeline without privacy work: checked, staged, signed."""
    return without_privacy(rows, folder, timed, signed)


def bare(rows: int, folder: Path, timed: Timed) -> str:
    """Read the same rows, write them to Delta three times and run the SQL of gold: nothing else."""
    return without_privacy(rows, folder, timed, written)


def without_privacy(rows: int, folder: Path, timed: Timed, store: Stored) -> str:
    """Land, refine and publish rows as they were read; `store` writes what each step makes."""
    site = warm(open_site(site_file(folder), folder / "home", create=True))
    files = write_registry(folder / "source", rows, entries=entries_a_person())
    contract = site.contracts.bronze("registry")

    def landed() -> None:
        store(site, "land", pa.concat_tables([file.rows for file in read_files(files, contract)]))

    def refined() -> None:
        store(site, "refine", site.lake.read(PLAIN["land"], 0))

    def published() -> int:
        people = site.lake.read(PLAIN["refine"], 0)
        chosen = site.lake.sql(GOLD.read_text().replace("subject", "person_id"), {"registry": [people]})
        store(site, "publish", chosen)
        return len(chosen)

    timed("land", landed)
    timed("refine", refined)
    require(timed("publish", published) == rows // entries_a_person())
    return "no privacy work"


def signed(site: Site, step: str, rows: pa.Table) -> None:
    """Write as all tables without subjects are written, silver ones checked before."""
    if step == "refine":
        checks = site.contracts.by_table["silver.registry"].checks
        require(not site.validator.validate(rows, checks).failing_rows)
    own = TableWrite(table=PLAIN[step], rows=rows, mode="overwrite", by_subject=False)
    write_tables(site, verb=step, run_key=step, writes=[own])


def written(site: Site, step: str, rows: pa.Table) -> None:
    """Write as Spark does."""
    write(site, PLAIN[step], rows)


def entries_a_person() -> int:
    """Return how many rows of the registry each person has."""
    return int(sys.argv[4]) if len(sys.argv) > 4 else 1


def site_file(folder: Path) -> Path:
    """Write the site file and contracts of the generated registry under `folder`."""
    shutil.copytree(PROJECT / "tests" / "bench" / "expectations", folder / "expectations")
    shutil.copytree(PROJECT / "expectations" / "policies", folder / "expectations" / "policies")
    file = folder / "site.toml"
    file.write_text('name = "scale"\nexpectations = "expectations"\n', encoding="utf-8")
    return file


def warm(site: Site) -> Site:
    """Start Spark, load models and libraries: they cost the same for any number of rows."""
    import great_expectations  # noqa: F401

    site.lake.spark().range(1).count()
    site.detector.find_in_cells(["R00000001"])
    return site


def require(true: bool) -> None:
    """Raise RuntimeError where a measured step did not do its work."""
    if not true:
        raise RuntimeError("the measured run lost rows")


if __name__ == "__main__":
    main()
