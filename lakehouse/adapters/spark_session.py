"""Start Spark with Delta: in process, on a shared Spark Connect server, or on a cluster.

Settings and their reasons: docs/adr/spark-connect.md. Only what Spark Connect offers is used by callers.
"""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.adapters.java import check_java
from lakehouse.adapters.spark_failures import limit_waiting, require_answer
from lakehouse.adapters.spark_jars import checked_jars
from lakehouse.adapters.spark_secret import authentication, read_secret
from lakehouse.errors import NotReady, Unavailable

PROJECT = Path(__file__).resolve().parents[2]
LOOPBACK, EVERY_INTERFACE = "127.0.0.1", "0.0.0.0"
WORKER_SECONDS = 60.0

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
    Of a cluster: `address` is where its workers reach the driver, `worker_memory` what each gives to us,
    `secret` the file with which driver, master and workers know each other; without one nobody is asked.
    """

    master: str
    jars: Path
    memory: str = "1500m"
    address: str = LOOPBACK
    worker_memory: str = "1g"
    secret: Path | None = None

    @property
    def on_cluster(self) -> bool:
        """Say whether workers on other machines do the work while the driver is ours."""
        return self.master.startswith("spark://")

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
    """Return every Spark setting of an engine that we start ourselves; `scratch` is private.

    NotReady without jars, or where other machines are to reach the driver and no secret is asked of them.
    """
    if engine.address != LOOPBACK and engine.secret is None:
        raise NotReady(
            f"the Spark driver would listen on {engine.address} for anybody",
            remedy="name a secret: [engine] secret_file in the site file, or --secret",
        )
    logging = PROJECT / "infra" / "spark" / "log4j2.properties"
    return {
        **ENGINE_SETTINGS,
        "spark.jars": ",".join(str(jar) for jar in checked_jars(engine.jars)),
        "spark.driver.memory": engine.memory,
        "spark.driver.host": engine.address,
        "spark.driver.bindAddress": LOOPBACK if engine.address == LOOPBACK else EVERY_INTERFACE,
        "spark.executor.memory": engine.worker_memory,
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
        require_answer(engine.master)
        try:
            session = SparkSession.builder.remote(engine.master).getOrCreate()
        except PySparkException as error:
            raise Unavailable(
                f"the Spark Connect server {engine.master} does not answer",
                remedy="start it, or use local[2]",
            ) from error
        limit_waiting(session)
        return session
    check_java()
    settings = session_settings(engine, scratch)
    _start_java(engine.master, settings, scratch)
    secret = authentication(read_secret(engine.secret)) if engine.secret else {}
    builder = SparkSession.builder.master(engine.master).appName("livinglab")
    for key, value in {**settings, **secret}.items():
        builder = builder.config(key, value)
    return _on_cluster(builder, engine) if engine.on_cluster else builder.getOrCreate()


def _on_cluster(builder: Any, engine: Engine) -> Any:
    """Return the session once a worker serves it: Spark itself would wait for one without end."""
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]

    try:
        session = builder.getOrCreate()
    except Py4JError as error:
        raise Unavailable(
            f"the Spark master {engine.master} does not take us",
            remedy="start it, or compare the secret files; livinglab status names the site's engine",
        ) from error
    known = session.sparkContext._jsc.sc()
    deadline = time.monotonic() + WORKER_SECONDS
    while known.getExecutorMemoryStatus().size() < 2:
        if time.monotonic() > deadline:
            session.stop()
            raise Unavailable(
                f"no worker of {engine.master} served us within {WORKER_SECONDS:.0f} s; "
                f"asked for {engine.worker_memory} of memory, driver at {engine.address}",
                remedy="start workers with as much memory, and set [engine] address to where they reach us",
            )
        time.sleep(0.2)
    return session


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
