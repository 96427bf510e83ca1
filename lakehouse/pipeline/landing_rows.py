"""The rows of one batch on their way into bronze and its quarantine, a portion at a time."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from lakehouse.adapters.arrow_rows import subjects_of
from lakehouse.adapters.bronze_rows import LandedFile, bronze_rows, empty_bronze, row_mask, row_text
from lakehouse.adapters.quarantine_rows import (
    QUARANTINE_SCHEMA,
    SetAside,
    count_reasons,
    quarantine_rows,
)
from lakehouse.adapters.seen_keys import SeenKeys, pseudonym_keys, row_keys
from lakehouse.adapters.spooled_rows import PORTION_ROWS, RowSpool, SpooledRows
from lakehouse.core.contract import DatasetContract, quarantine_of
from lakehouse.pipeline.landing_batch import Batch, prepare_batch
from lakehouse.pipeline.site import Site


class LandedRows:
    """What `take` made of the portions so far: sealed rows in files of `folder`, counts in memory."""

    def __init__(self, site: Site, contract: DatasetContract, number: int, folder: Path) -> None:
        self.contract = contract
        self.number = number
        self.reasons: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.digest_keys: dict[str, bytes] = {}
        self._site = site
        self._people = SeenKeys()
        self._subjects = 0
        self._seen = SeenKeys()
        self._bronze = RowSpool(folder / "bronze.parquet", empty_bronze(contract).schema)
        self._quarantine = RowSpool(folder / "quarantine.parquet", QUARANTINE_SCHEMA)
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        """Return itself; the files end, and are removed on an error, with the block."""
        self._ending.enter_context(self._bronze)
        self._ending.enter_context(self._quarantine)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the files."""
        self._ending.__exit__(kind, error, trace)

    def take(self, files: Sequence[LandedFile]) -> None:
        """Name the people of a portion, seal its rows and write them; what does not go on is set aside."""
        batch = prepare_batch(self._site, self.contract, files)
        self.digest_keys.update(batch.people.digest_keys)
        made = [bronze_rows(self.contract, file, batch.people, self.number) for file in batch.files]
        rows, repeated = self._without_repeats(pa.concat_tables([empty_bronze(self.contract), *made]), batch)
        self.findings.update(batch.findings)
        known = self._people.repeated(pseudonym_keys(subjects_of(rows)))
        self._subjects += int(np.count_nonzero(~known))
        self._bronze.add(rows)
        self._set_aside(batch, [*batch.set_aside, *repeated])

    def counts(self) -> dict[str, int]:
        """Return received, accepted and quarantined input rows, and how many people have one."""
        aside = self.reasons.total()
        return {
            "received": self._bronze.rows + aside,
            "accepted": self._bronze.rows,
            "quarantined": aside,
            "subjects": self._subjects,
        }

    def tables(self) -> dict[str, pa.Table | SpooledRows]:
        """Return the rows by table: bronze, and its quarantine where anything was set aside."""
        tables = {self.contract.table: self._bronze.ended()}
        quarantine = self._quarantine.ended()
        return tables | ({quarantine_of(self.contract.table): quarantine} if len(quarantine) else {})

    def _without_repeats(self, rows: pa.Table, batch: Batch) -> tuple[pa.Table, list[SetAside]]:
        """Take out rows whose subject and keys stood in an earlier row of the batch."""
        own = self.contract.subject.column if self.contract.subject else None
        keys = [key for key in self.contract.keys if key != own]
        if not self.contract.keys or not set(keys) <= set(rows.column_names):
            return rows, []
        repeated = np.flatnonzero(self._seen.repeated(row_keys(rows, ["subject", *keys]))).tolist()
        if not repeated:
            return rows, []
        aside = [_repeated_row(batch, index, rows) for index in repeated]
        return rows.filter(row_mask(len(rows), repeated)), aside

    def _set_aside(self, batch: Batch, aside: Sequence[SetAside]) -> None:
        self.reasons.update(count_reasons(aside))
        table = quarantine_of(self.contract.table)
        for start in range(0, len(aside), PORTION_ROWS):
            key = self._site.vault.batch_key(f"{table}/{self.number}")
            entries = aside[start : start + PORTION_ROWS]
            self._quarantine.add(
                quarantine_rows(table, entries, batch.people.seal_keys, key, batch=self.number, stage="land")
            )


def _repeated_row(batch: Batch, index: int, rows: pa.Table) -> SetAside:
    offset = index
    for file in batch.files:
        if offset < len(file.found.rows):
            return SetAside(
                file=file.found.file,
                row=rows.column("row")[index].as_py(),
                reason="duplicate_row",
                column=None,
                raw=row_text(file.found, offset),
                subject=rows.column("subject")[index].as_py(),
            )
        offset -= len(file.found.rows)
    raise IndexError(index)
