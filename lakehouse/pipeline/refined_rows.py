"""Rows of a silver table and its quarantine on their way into the lake, a portion of people at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.gx_validator import ValidationResult, merge_results
from lakehouse.adapters.quarantine_rows import QUARANTINE_SCHEMA, count_reasons, quarantine_rows
from lakehouse.adapters.silver_rows import silver_schema
from lakehouse.adapters.spooled_rows import PORTION_ROWS, RowSpool, SpooledRows
from lakehouse.core.contract import quarantine_of
from lakehouse.pipeline.silver_portion import SilverPortion, SilverSource, redacts


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinedRows:
    """A silver table before it is written, with its quarantine and what the record says of both."""

    rows: pa.Table | SpooledRows
    set_aside: pa.Table | SpooledRows
    details: Mapping[str, object]
    digest_keys: Mapping[str, bytes]


def refine_rows(source: SilverSource, folder: Path) -> RefinedRows:
    """Make all portions; few rows stay in memory, many lie in files of `folder`."""
    counts = _Counts()
    digest_keys: dict[str, bytes] = {}
    with ExitStack() as ending:
        rows = ending.enter_context(RowSpool(folder / "silver.parquet", silver_schema(source.contract)))
        aside = ending.enter_context(RowSpool(folder / "quarantine.parquet", QUARANTINE_SCHEMA))
        for portion in source.portions():
            rows.add(portion.rows)
            for entries in _quarantine(source, portion):
                aside.add(entries)
            counts.add(portion)
            digest_keys.update(portion.secrets.keys("digest"))
            del portion  # so that the next one is made without this one in memory
    return RefinedRows(
        rows=rows.ended(), set_aside=aside.ended(), details=counts.details(source), digest_keys=digest_keys
    )


def _quarantine(source: SilverSource, portion: SilverPortion) -> Iterator[pa.Table]:
    if not portion.set_aside:
        return
    table = quarantine_of(source.contract.table)
    keys, batch_key = portion.secrets.keys("seal"), source.site.vault.batch_key(table)
    for start in range(0, len(portion.set_aside), PORTION_ROWS):
        entries = portion.set_aside[start : start + PORTION_ROWS]
        yield quarantine_rows(table, entries, keys, batch_key, batch=0, stage="refine")


class _Counts:
    """What the portions so far add up to."""

    def __init__(self) -> None:
        self._received = self._subjects = 0
        self._reasons: Counter[str] = Counter()
        self._findings: Counter[str] = Counter()
        self._validations: list[ValidationResult] = []

    def add(self, portion: SilverPortion) -> None:
        self._received += portion.received
        self._subjects += pc.count_distinct(portion.rows.column("subject")).as_py()
        self._reasons.update(count_reasons(portion.set_aside))
        self._findings.update(portion.findings)
        self._validations.append(portion.validation)

    def details(self, source: SilverSource) -> dict[str, object]:
        contract, detector = source.contract, source.site.detector
        aside = self._reasons.total()
        return {
            "dataset": str(contract.source).partition(".")[2],
            "received": self._received,
            "accepted": self._received - aside,
            "quarantined": aside,
            "reasons": dict(self._reasons),
            "subjects": self._subjects,
            "batch": None,
            "findings": dict(self._findings),
            "checks": [asdict(check) for check in merge_results(self._validations).checks],
            "contract": contract.digest,
            "detector": detector.version if redacts(contract) else None,
        }
