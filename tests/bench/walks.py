"""land + refine of the walks beside the same two Delta writes without any privacy work."""

from collections import Counter
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import pyarrow as pa

from lakehouse.methods import find_transform
from lakehouse.pipeline.land import land
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.site import Site
from lakehouse.readers import read_files
from tests.bench.figures import Figure, in_turn, ratio_of


def walks_figure(make_site, source: Path, rounds: int) -> Figure:
    """make_site(name) opens an empty home; source: the walks."""
    sites = [make_site(f"walks{number}") for number in range(rounds)]
    plain = make_site("plain")
    plain_copy(plain, [source], "warm")
    own, other = in_turn(
        lambda number: private_copy(sites[number], source),
        lambda number: plain_copy(plain, [source], f"walks{number}"),
        rounds,
    )
    return Figure(
        what="land + refine of the walks",
        ours=f"{median(own):.1f} s",
        peer=f"{median(other):.1f} s: same reader, features and Delta writes, no privacy work",
        ratio=ratio_of(own, other),
        goal="aim 1.5x, at most 2.5x",
    )


def private_copy(site: Site, source: Path) -> None:
    """What the platform does."""
    landed = land(site, "gait_walks", [source])
    refined = refine(site, "gait_walks")
    if not landed.rows or not any(result.rows for result in refined):
        raise RuntimeError("the measured run wrote no rows")


def plain_copy(site: Site, paths: list[Path], name: str) -> None:
    """Read, write, read back, compute the features, write: Spark and Delta as for the platform."""
    bronze = site.contracts.by_table["bronze.gait_walks"]
    silver = site.contracts.by_table["silver.gait_features"]
    files = list(read_files(paths, bronze))
    rows = pa.concat_tables([with_constants(file) for file in files])
    write(site, f"bronze.{name}", rows)
    back = site.lake.read(f"bronze.{name}", 0)
    context = SimpleNamespace(twofold=lambda: files_of_several(back))
    features = find_transform("gait_features")(back, silver, context).rows
    write(site, f"silver.{name}", features)


def files_of_several(rows: pa.Table) -> set[bytes]:
    """Return the digests of files that stand under several people."""
    pairs = rows.group_by(["file_hmac", "subject"]).aggregate([])
    return {digest for digest, count in Counter(pairs.column("file_hmac").to_pylist()).items() if count > 1}


def with_constants(file) -> pa.Table:
    """Return a file's rows with the columns that its name gives and that tell walks apart."""
    rows = file.rows
    constants = {**file.constants, "subject": file.constants["person_id"], "batch": 1, "file": file.file}
    for column, value in {**constants, "file_hmac": file.digest}.items():
        rows = rows.append_column(column, pa.repeat(pa.scalar(value), len(rows)))
    return rows


def write(site: Site, table: str, rows: pa.Table) -> None:
    """One Delta write as the platform's own, without leaf or lock."""
    staged = site.lake.stage(rows, table)
    site.lake.commit(table, staged, mode="append", intent=table)
    staged.unlink()
