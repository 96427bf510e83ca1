"""The way of one batch, from input to a signed gold table, and a process that can be killed on that way.

Each line on stdin is {"home": path, "site_file": path, "batch": path}. A forked child writes its number,
lands, refines and publishes the batch, and writes `finished`; then `gone` follows, however the child ended.
"""

import importlib
import json
import os
import sys
from pathlib import Path

from lakehouse.adapters.presidio_detector import Detector
from lakehouse.core.release import ReleaseResult
from lakehouse.pipeline.land import land
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site

DATASET, PRODUCT = "walkers", "walkers_open"
SLOW_IMPORTS = ("great_expectations", "pyspark.sql.connect.session", "deltalake", "opendp", "pandas")


def run_chain(site: Site, batch: Path) -> ReleaseResult:
    """Land, refine and publish one batch; what stands already is not done twice."""
    land(site, DATASET, [batch])
    refine(site, DATASET)
    return publish(site, PRODUCT)


def write_batch(path: Path, first: int, people: int) -> Path:
    """Write a file of people from number `first` on, aged 60 to 69, with one whose name is not canonical."""
    rows = [f"P{number:04d},{60 + number % 10},{1 + number % 2}" for number in range(first, first + people)]
    path.write_text("\n".join(["person_id,age,condition", *rows, f"p{first},60,1", ""]), encoding="utf-8")
    return path


def serve() -> None:
    """Fork one child a line of stdin."""
    for name in SLOW_IMPORTS:
        importlib.import_module(name)
    Detector().find_in_cells(["P-0001"])
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                os.write(1, b"%d\n" % os.getpid())
                site = open_site(Path(asked["site_file"]), Path(asked["home"]))
                run_chain(site, Path(asked["batch"]))
                os.write(1, b"finished\n")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    serve()
