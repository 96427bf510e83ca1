"""The lake: Delta tables written by Spark, read without it at the version the registry names."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import acero

from lakehouse.adapters.arrow_rows import subjects_of
from lakehouse.adapters.arrow_types import plain_types
from lakehouse.adapters.delta_log import is_committed, newest_version, open_table
from lakehouse.adapters.private_folders import private_folder
from lakehouse.adapters.spark_failures import named_failures
from lakehouse.adapters.spark_session import Engine, start_session
from lakehouse.adapters.spooled_rows import PORTION_ROWS, SpooledRows, people_portions
from lakehouse.errors import Damaged, Unavailable

Mode = Literal["append", "overwrite"]
COMPACT = "compact"
"""The mode of a write that has no rows of its own: the table's files are joined."""
STREAMED = {"batch_size": 2**15, "batch_readahead": 2, "fragment_readahead": 1}
"""How much of a table is read ahead where it is not wanted whole."""


class DeltaLake:
    """Tables under `folder/<layer>/<name>`; Spark starts at the first write and is shared after that.

    `work` is a private folder for staged rows. Staged rows are as sealed as the table they go to.
    """

    def __init__(self, folder: Path, work: Path, engine: Engine) -> None:
        self.folder = folder
        self.work = work
        self.engine = engine

    def folder_of(self, table: str) -> Path:
        """Return the folder of `layer.name`."""
        layer, _, name = table.partition(".")
        return self.folder / layer / name

    def read(self, table: str, version: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows of one version; string columns come as `string`, in no certain order.

        Damaged where the table cannot be opened, or a file of it is gone.
        """
        opened = open_table(self.folder_of(table), version)
        with _files_there(table, version):
            return plain_types(opened.to_pyarrow_table(columns=list(columns) if columns else None))

    def columns(self, table: str, version: int) -> set[str]:
        """Return the names of one version's columns."""
        return {field.name for field in open_table(self.folder_of(table), version).schema().fields}

    def read_batch(self, table: str, version: int, batch: int, columns: Sequence[str]) -> pa.Table:
        """Return these columns of one batch's rows in a version of a bronze table, as far as it has them."""
        dataset = self._dataset(table, version)
        names = [name for name in dict.fromkeys(columns) if name in dataset.schema.names]
        return plain_types(dataset.to_table(columns=names, filter=pc.field("batch") == batch))

    def read_subjects(self, table: str, version: int, pseudonyms: Iterable[str]) -> pa.Table:
        """Return the rows of some subjects in one version; the empty name stands for rows without one."""
        names = set(pseudonyms)
        dataset = self._dataset(table, version)
        wanted = pc.field("subject").isin(pa.array(sorted(names), pa.string()))
        if "" in names:
            wanted |= pc.field("subject").is_null()
        return plain_types(dataset.to_table(filter=wanted))

    def subjects(self, table: str, version: int) -> set[str]:
        """Return the pseudonyms in one version."""
        return subjects_of(self.counted(table, version, ["subject"]))

    def counted(self, table: str, version: int, columns: Sequence[str]) -> pa.Table:
        """Return what different values some columns hold together in one version, and `rows` of each."""
        scanner = self._dataset(table, version).scanner(columns=list(columns), **STREAMED)
        counts = acero.AggregateNodeOptions([([], "hash_count_all", None, "rows")], keys=list(columns))
        with _files_there(table, version):
            # Not a scan node: where statistics say that a file's key is null throughout, it ends the process.
            rows = acero.RecordBatchReaderSourceNodeOptions(scanner.to_reader())
            steps = [
                acero.Declaration("record_batch_reader_source", rows),
                acero.Declaration("aggregate", counts),
            ]
            return plain_types(acero.Declaration.from_sequence(steps).to_table())

    def portions(self, table: str, version: int) -> Iterator[pa.Table]:
        """Yield the rows of one version in portions, in no certain order; the last one may be empty."""
        dataset = self._dataset(table, version)
        with _files_there(table, version):
            held = [dataset.schema.empty_table()]
            for batch in dataset.to_batches(**STREAMED):
                held.append(pa.Table.from_batches([batch]))
                if sum(map(len, held)) >= PORTION_ROWS:
                    yield plain_types(pa.concat_tables(held))
                    held = [dataset.schema.empty_table()]
            yield plain_types(pa.concat_tables(held))

    def people_portions(self, table: str, version: int) -> Iterator[pa.Table]:
        """Yield the rows of one version; above PORTION_ROWS each portion has all rows of some people.

        The table has the column `subject`. Memory holds a portion, or the person with the most rows.
        """
        dataset = self._dataset(table, version)
        with _files_there(table, version):
            count = dataset.count_rows()
            if count <= PORTION_ROWS:
                yield plain_types(dataset.to_table())
            else:
                batches = dataset.to_batches(**STREAMED)
                yield from people_portions(batches, dataset.schema, count, self.work)

    def _dataset(self, table: str, version: int) -> Any:
        return open_table(self.folder_of(table), version).to_pyarrow_dataset()

    def stage(self, rows: pa.Table | SpooledRows, name: str) -> Path:
        """Write rows to a private Parquet file from which `commit` takes them, now or after a crash.

        Spooled rows lie in such a file already: it takes the name.
        """
        self.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.staged(name)
        if isinstance(rows, SpooledRows):
            return rows.path.replace(path)
        with path.open("wb") as file:
            pq.write_table(rows, file, compression="snappy", store_schema=False)
            file.flush()
            os.fsync(file.fileno())
        return path

    def staged(self, name: str) -> Path:
        """Return where rows are staged under a name."""
        return (self.work / f"{name}.parquet").resolve()

    def commit(self, table: str, staged: Path, *, mode: Mode, intent: str) -> None:
        """Commit staged rows with `txnAppId` = intent; Spark ignores a repeat of the same intent.

        A Spark Connect server may be at the same commit for a writer that was killed: the first one stays.
        """
        from pyspark.errors import PySparkException

        schema = "mergeSchema" if mode == "append" else "overwriteSchema"
        try:
            with named_failures():
                writer = self.spark().read.parquet(str(staged)).write.format("delta").mode(mode)
                writer = writer.option("txnAppId", intent).option("txnVersion", 1).option(schema, "true")
                writer.save(str(self.folder_of(table).resolve()))
        except (PySparkException, Unavailable):
            if not is_committed(self.folder_of(table), intent):
                raise

    def compact(self, table: str) -> None:
        """Let Delta join a table's small files, if there are any; the rows stay, their order may not.

        A Spark Connect server may be joining them for a caller that was killed: the first commit stays.
        """
        from pyspark.errors import PySparkException

        before = newest_version(self.folder_of(table))
        folder = str(self.folder_of(table).resolve()).replace("`", "``")
        try:
            with named_failures():
                self.spark().sql(f"OPTIMIZE delta.`{folder}`").collect()
        except PySparkException:
            if newest_version(self.folder_of(table)) == before:
                raise

    def sql(self, query: str, views: Mapping[str, Iterable[pa.Table]]) -> pa.Table:
        """Run one query on Spark over tables registered by name, each in portions of the same columns."""
        spark = self.spark()
        with named_failures(), private_folder(self.work) as folder:
            for name, portions in views.items():
                path = folder / f"{name}.parquet"
                _write_portions(portions, path)
                spark.read.parquet(str(path)).createOrReplaceTempView(name)
            try:
                return plain_types(spark.sql(query).toArrow())
            finally:
                for name in views:
                    spark.catalog.dropTempView(name)

    def spark(self) -> Any:
        """Return this process's Spark session, starting it at first use."""
        if self.engine.master not in _sessions:
            scratch = Path(tempfile.mkdtemp(prefix="livinglab-spark-"))
            atexit.register(shutil.rmtree, scratch, ignore_errors=True)
            _sessions[self.engine.master] = start_session(self.engine, scratch)
        return _sessions[self.engine.master]


def _write_portions(portions: Iterable[pa.Table], path: Path) -> None:
    """Write tables of the same columns, one at least, into one Parquet file."""
    left = iter(portions)
    first = next(left)
    with pq.ParquetWriter(path, first.schema, store_schema=False) as file:
        for rows in chain([first], left):
            file.write_table(rows)


@contextmanager
def _files_there(table: str, version: int) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Damaged(f"a file of {table}@{version} is gone", remedy="livinglab fsck") from error


_sessions: dict[str, Any] = {}
