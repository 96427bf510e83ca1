"""Start Spark with Delta: in process, on a shared Spark Connect server, or on a cluster.

Settings and their reasons: docs/adr/spark-connect.md. Only what Spark Connect offers is used by callers.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.adapters.java import check_java
from lakehouse.adapters.spark_jars import checked_jars
from lakehouse.errors import Unavailable

PROJECT = Path(__file__).resolve().parents[2]

TABLE_DEFAULTS = {
    "dataSkippingNumIndexedCols": "0",
    "enableDeletionVectors": "false",
    "enableChangeDataFeed": "false",
    "logRetentionDuration": "interval 0 seconds",
    "deletedFileRetentionDuration": "interval 0 seconds",
    "enableExpiredLogCleanup": "false",
    "checkpointInterval": "50",
}
ENGINE_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.RawLocalFs",
    "spark.hadoop.fs.permissions.umask-mode": "077",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    **{f"spark.databricks.delta.properties.defaults.{key}": value for key, value in TABLE_DEFAULTS.items()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Which Spark a site uses.

    `master` is `local[2]`, `spark://host:port`, or `sc://host:port` (Spark Connect);
    `jars` the folder of Delta's seven jars; `memory` the driver's heap, as Spark writes it.
    """

    master: str
    jars: Path
    memory: str = "1500m"

    @property
    def outlives_us(self) -> bool:
        """Say whether it is a server that goes on with what a killed process sent it."""
        return self.master.startswith("sc://")


def require_engine(engine: Engine) -> None:
    """Raise NotReady where an engine that we start ourselves lacks Java or a jar."""
    if not engine.outlives_us:
        check_java()
        checked_jars(engine.jars)


def session_settings(engine: Engine, scratch: Path) -> dict[str, str]:
    """Return every Spark setting of an engine that we start ourselves; `scratch` is private."""
    logging = PROJECT / "infra" / "spark" / "log4j2.properties"
    return {
        **ENGINE_SETTINGS,
        "spark.jars": ",".join(str(jar) for jar in checked_jars(engine.jars)),
        "spark.driver.memory": engine.memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.driver.extraJavaOptions": " ".join(
            [f"-Dlog4j2.configurationFile=file:{logging}", f"-Djava.io.tmpdir={scratch}"]
        ),
    }


def start_session(engine: Engine, scratch: Path) -> Any:
    """Return a SparkSession; NotReady without Java or jars, Unavailable where a server does not answer."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    if engine.outlives_us:
        try:
            return SparkSession.builder.remote(engine.master).getOrCreate()
        except PySparkException as error:
            raise Unavailable(
                f"the Spark Connect server {engine.master} does not answer",
                remedy="start it, or use local[2]",
            ) from error
    check_java()
    settings = session_settings(engine, scratch)
    _start_java(engine.master, settings, scratch)
    builder = SparkSession.builder.master(engine.master).appName("livinglab")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _start_java(master: str, settings: Mapping[str, str], scratch: Path) -> None:
    """Start Spark's Java once a process; what it says goes to a file in `scratch`, not to the terminal."""
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    if SparkContext._gateway is not None:
        return
    asked = SparkConf(loadDefaults=False).setMaster(master).setAll(list(settings.items()))
    with Path(scratch, "java.log").open("wb") as said:
        try:
            gateway = launch_gateway(asked, {"stdout": said, "stderr": said})
        except PySparkRuntimeError as error:
            raise Unavailable(
                f"Java ended before Spark had started; its heap is {settings['spark.driver.memory']}",
                remedy="close other programs, or lower [engine] memory in the site file",
            ) from error
    SparkContext._ensure_initialized(gateway=gateway)
