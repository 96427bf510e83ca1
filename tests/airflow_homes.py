"""One Airflow for all tests of a process: it reads its settings once, when it is first imported."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

RUN = "publish_walkers_open/manual__2026-11-22T10:00:00+00:00"
SCRIPT = "<script>alert('canary')</script>"

SITE = """name = "test"
expectations = "expectations"
policy = "research"
[lineage]
file = "lineage.ndjson"
"""

POLICY = """name = "research"
title = "Research"
approvals = ["small_cells"]
[purpose.research]
title = "Scientific research"
legal_basis = "GDPR Art. 9(2)(j)"
without_record = "permit"
[release]
k = 5
l = 2
t = 0.5
minimum_cell = 5
round_to = 5
suppression = 0.05
[population.gait]
epsilon_cap = "5.0"
purposes = { research = "5.0" }
[retention_days]
bronze = 3650
silver = 3650
gold = 7300
"""

BRONZE = """layer = "bronze"
name = "{name}"
title = "People of {name}"
description = "One line a person."
revision = 1
format = "csv"
folder = "{name}"
files = ["*.csv"]
grain = "one person"
keys = ["person_id"]
population = "gait"
purposes = ["research"]
retention_days = 3650
[subject]
column = "person_id"
system = "gaitpdb"
[[column]]
name = "person_id"
type = "text"
sensitivity = "direct"
handling = "pseudonymise"
id_pattern = "P[0-9]{{3}}"
[[column]]
name = "name"
type = "text"
sensitivity = "direct"
handling = "seal"
[[column]]
name = "steps"
type = "integer"
sensitivity = "sensitive"
minimum = 0
"""

SILVER = """layer = "silver"
name = "{name}"
title = "People of {name}, cleaned"
source = "bronze.{name}"
revision = 1
keys = ["subject"]
[[column]]
name = "steps"
type = "integer"
sensitivity = "sensitive"
"""

GOLD = """layer = "gold"
name = "{name}_open"
title = "Steps of {name}"
reads = ["silver.{name}"]
revision = 1
purposes = ["research"]
[release]
kind = "cohorts"
cells = ["pace"]
small_cells = "leave_out"
[[column]]
name = "pace"
type = "text"
sensitivity = "plain"
[[column]]
name = "people"
type = "integer"
sensitivity = "plain"
"""

PACE = "SELECT subject, CASE WHEN steps < 1000 THEN 'slow' ELSE 'fast' END AS pace FROM {name}\n"


def write_contracts(expectations: Path, name: str, *, gold: bool = True) -> None:
    """Write the contracts of one more source: bronze, silver and, if asked, gold."""
    texts = {"bronze": BRONZE, "silver": SILVER, "gold": GOLD}
    for layer in texts if gold else ("bronze", "silver"):
        (expectations / layer).mkdir(parents=True, exist_ok=True)
        file = f"{name}_open" if layer == "gold" else name
        (expectations / layer / f"{file}.toml").write_text(texts[layer].format(name=name))
    if gold:
        (expectations / "gold" / f"{name}_open.sql").write_text(PACE.format(name=name))


def write_site(folder: Path) -> Path:
    """Write a site of one source `walkers` with one product, and return its site file."""
    write_contracts(folder / "expectations", "walkers")
    (folder / "expectations" / "policies").mkdir()
    (folder / "expectations" / "policies" / "research.toml").write_text(POLICY)
    site = folder / "site.toml"
    site.write_text(SITE)
    return site


@dataclass(frozen=True)
class TestedAirflow:
    """The folder of the tests' home and site, and the environment in which Airflow finds them."""

    folder: Path
    environment: Mapping[str, str]

    @contextmanager
    def in_force(self, home: str = "home") -> Iterator[Path]:
        """Set the environment while the block runs; yields the folder of the LivingLab home."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setenv("LIVINGLAB_HOME", str(self.folder / home))
            yield self.folder / home


@cache
def tested_airflow() -> TestedAirflow:
    """Point Airflow at a temporary folder, once for this process, and make its database."""
    from livinglab_airflow.settings import airflow_settings

    folder = Path(tempfile.mkdtemp(prefix="livinglab-airflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = airflow_settings(folder / "home", site_file=write_site(folder))
    own = {"LIVINGLAB_KEYS": str(folder / "keys"), "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
    tested = TestedAirflow(folder, {**settings, **own})
    with tested.in_force():
        from livinglab_airflow.database import prepare_database

        prepare_database()
    return tested
