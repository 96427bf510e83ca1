"""Meaning checks by Great Expectations; results carry counts and row numbers, never values.

The context lives in memory: no project folder, no data docs, no progress bars, no telemetry.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.core.contract import Check
from lakehouse.errors import ContractError

if TYPE_CHECKING:
    from great_expectations.core.batch import Batch

COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")
TABLE_CHECKS = "expect_table_"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check: its name, the column (None for checks of the table), and how many rows failed."""

    expect: str
    column: str | None
    success: bool
    unexpected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult:
    """All checks of a table; failing_rows: row index -> name of the first check that it fails.

    A check of a whole column or table (a mean, a row count) that fails names no row.
    """

    checks: tuple[CheckResult, ...]
    failing_rows: Mapping[int, str] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether every check holds."""
        return all(check.success for check in self.checks)


def merge_results(portions: Sequence[ValidationResult]) -> ValidationResult:
    """Return what the same checks say of all portions of a table together; the rows stay theirs."""
    checks = tuple(
        replace(
            same[0],
            success=all(check.success for check in same),
            unexpected=sum(check.unexpected for check in same),
        )
        for same in zip(*(portion.checks for portion in portions), strict=True)
    )
    return ValidationResult(checks=checks)


class Validator:
    """Great Expectations behind one method."""

    def validate(self, rows: pa.Table, checks: Sequence[Check]) -> ValidationResult:
        """Hold every check against the rows.

        Raises:
            ContractError: a check is unknown, or its arguments do not fit it or the columns.
        """
        if not checks:
            return ValidationResult(checks=())
        batch = _open_batch(rows, checks)
        results: list[CheckResult] = []
        failing: dict[int, str] = {}
        for check in checks:
            outcome = _evaluate(batch, check)
            failed = [int(row) for row in outcome.get("unexpected_index_list") or ()]
            for row in failed:
                failing.setdefault(row, check.expect)
            results.append(
                CheckResult(
                    expect=check.expect,
                    column=", ".join(_columns_of(check)) or None,
                    success=bool(outcome["success"]),
                    unexpected=int(outcome.get("unexpected_count") or 0),
                )
            )
        return ValidationResult(checks=tuple(results), failing_rows=failing)


def _open_batch(rows: pa.Table, checks: Sequence[Check]) -> "Batch":
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    frame = _needed_columns(rows, checks).to_pandas()
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("rows").get_batch({"dataframe": frame})


def _needed_columns(rows: pa.Table, checks: Sequence[Check]) -> pa.Table:
    """Leave out what no check looks at, unless a check looks at the table as a whole."""
    if any(check.expect.startswith(TABLE_CHECKS) for check in checks):
        return rows
    named = dict.fromkeys(name for check in checks for name in _columns_of(check))
    return rows.select([name for name in named if name in rows.column_names])


def _evaluate(batch: "Batch", check: Check) -> dict[str, Any]:
    """Return success, unexpected_count and unexpected_index_list of one check."""
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.registry import get_expectation_impl
    from pydantic.v1 import ValidationError

    try:
        expectation = get_expectation_impl(check.expect)(**check.arguments)
        outcome = batch.validate(expectation, result_format={"result_format": "COMPLETE"})
    except (GreatExpectationsError, ValidationError, TypeError):
        raise _unusable(check) from None
    if any(entry for entry in _exceptions_of(outcome.exception_info)):
        raise _unusable(check)
    return {"success": outcome.success, **outcome.result}


def _exceptions_of(info: Mapping[str, Any] | None) -> list[bool]:
    """GX gives one record, or one a metric; either says whether something was raised."""
    records = [info, *(info or {}).values()]
    return [bool(record.get("raised_exception")) for record in records if isinstance(record, Mapping)]


def _unusable(check: Check) -> ContractError:
    return ContractError(
        "contract", f"check[{check.expect}]", "cannot be evaluated: see its arguments and columns"
    )


def _columns_of(check: Check) -> list[str]:
    named: list[str] = []
    for value in (check.arguments.get(key) for key in COLUMN_ARGUMENTS):
        if isinstance(value, str):
            named.append(value)
        elif isinstance(value, list | tuple):
            named.extend(str(name) for name in value)
    return named
