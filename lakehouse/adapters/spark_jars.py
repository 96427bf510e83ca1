"""Delta's jars: fetched once by Spark's own Ivy, pinned by SHA-256, kept outside every home.

`python -m lakehouse.adapters.spark_jars` makes the folder ready; `infra/spark/jars.sha256` is the pin.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lakehouse.adapters.java import check_java
from lakehouse.errors import NotReady

PROJECT = Path(__file__).resolve().parents[2]
PINS = PROJECT / "infra" / "spark" / "jars.sha256"
PACKAGE = "io.delta:delta-spark_4.2_2.13:4.4.0"
FETCH = "make jars"


def default_folder() -> Path:
    """Return where the jars are kept: $LIVINGLAB_JARS, else the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("LIVINGLAB_JARS") or cache / "livinglab" / "jars")


def pinned_digests() -> dict[str, str]:
    """Return {jar file: SHA-256} as pinned."""
    lines = (line.split() for line in PINS.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in lines}


def checked_jars(folder: Path) -> list[Path]:
    """Return the jars, refusing any that is absent or has other bytes than pinned."""
    jars = [(folder / name, digest) for name, digest in pinned_digests().items()]
    missing = [jar.name for jar, _ in jars if not jar.is_file()]
    if missing:
        raise NotReady(f"{len(missing)} of {len(jars)} Delta jars are missing", remedy=FETCH)
    changed = [jar.name for jar, digest in jars if hashlib.sha256(jar.read_bytes()).hexdigest() != digest]
    if changed:
        raise NotReady(
            f"{len(changed)} Delta jars differ from their pinned SHA-256: {', '.join(changed)}",
            remedy=f"delete them and run {FETCH}",
        )
    return [jar for jar, _ in jars]


def _all_there(folder: Path) -> bool:
    return all((folder / name).is_file() for name in pinned_digests())


def fetch_jars(folder: Path) -> list[Path]:
    """Resolve the jars with Spark's Ivy into `folder`; nothing happens where they are there already."""
    if _all_there(folder):
        return checked_jars(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _resolve(Path(scratch))
        for name in pinned_digests():
            found = Path(scratch, "jars", name)
            if found.is_file():
                shutil.copyfile(found, folder / name)
    return checked_jars(folder)


def _resolve(scratch: Path) -> None:
    """Let Spark resolve the package and stop; needs Java and a way to Maven Central."""
    settings = {
        "spark.jars.packages": PACKAGE,
        "spark.jars.ivySettings": str(PINS.parent / "ivysettings.xml"),
        "spark.jars.ivy": str(scratch),
        "spark.jars.excludes": "org.apache.hadoop:*,org.apache.spark:*,org.scala-lang:*",
        "spark.ui.enabled": "false",
    }
    configured = "".join(f".config({key!r}, {value!r})" for key, value in settings.items())
    begun = f"SparkSession.builder.master('local[1]'){configured}.getOrCreate().stop()"
    program = f"from pyspark.sql import SparkSession; {begun}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(
            "Spark could not resolve Delta's jars from Maven Central",
            remedy="check the network, then make jars",
        )


if __name__ == "__main__":
    from lakehouse.errors import LivingLabError

    try:
        check_java()
        sys.stdout.write(f"{len(fetch_jars(default_folder()))} Delta jars ready\n")
    except LivingLabError as error:
        sys.stderr.write(f"{error.message}\n  {error.remedy}\n")
        sys.exit(error.exit_code)
