"""Finish a product's rows by its kind, measure them, and let the assessment judge."""

from dataclasses import dataclass

import pyarrow as pa

from lakehouse.adapters.release_counts import count_people, measure_counts
from lakehouse.adapters.release_people import finish_people, measure_people
from lakehouse.adapters.release_rows import FinishedRows
from lakehouse.core.assessment import Assessment, Fact, Verdict, assess
from lakehouse.core.contract import Check
from lakehouse.core.groups import GroupMeasures
from lakehouse.core.release_rules import ReleaseKind
from lakehouse.pipeline.publish_facts import Measured, count_findings, no_grouping_fact, product_facts
from lakehouse.pipeline.publish_inputs import PublishInputs
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedProduct:
    """Rows as they may leave (without private statistics), what was measured on them, the verdict."""

    finished: FinishedRows
    measured: Measured
    assessment: Assessment


def finish_product(site: Site, inputs: PublishInputs, rows: pa.Table) -> FinishedProduct:
    """Return the product at the first level of detail that the assessment does not want coarser."""
    for tightening in range(inputs.rules.tightenings):
        product = _finish_once(site, inputs, rows, tightening)
        if product.assessment.verdict is not Verdict.TIGHTEN:
            return product
    return _finish_once(site, inputs, rows, inputs.rules.tightenings)


def _finish_once(site: Site, inputs: PublishInputs, rows: pa.Table, tightening: int) -> FinishedProduct:
    rules, file = inputs.rules, inputs.contract.file
    if rules.kind is ReleaseKind.PEOPLE:
        finished = finish_people(rows, rules, inputs.released, file)
        if finished is None:
            return _nothing_fits(site, inputs, rows)
        groups = measure_people(finished.rows, rules)
    else:
        finished = count_people(rows, rules, tightening, file)
        groups = measure_counts(finished.rows, rules)
    measured = Measured(
        groups=groups,
        findings=count_findings(site.detector, rules, finished.rows),
        checks=site.validator.validate(finished.rows, _present_checks(inputs, finished.rows)).checks,
    )
    facts = [
        *product_facts(site, inputs, finished, measured),
        _tightening_fact(rules.tightenings, tightening),
    ]
    return FinishedProduct(
        finished=finished,
        measured=measured,
        assessment=assess(
            facts, approvals=site.policy.approvals, tightenings_left=rules.tightenings - tightening
        ),
    )


def _present_checks(inputs: PublishInputs, rows: pa.Table) -> list[Check]:
    """Return the contract's checks but those of private statistics, which are not drawn yet."""
    drawn = {name for found in inputs.rules.private for name in (found.column, found.accuracy_column)}
    present = set(rows.column_names) - drawn
    return [
        check
        for check in inputs.contract.checks
        if check.arguments.get("column", rows.column_names[0]) in present
    ]


def _nothing_fits(site: Site, inputs: PublishInputs, rows: pa.Table) -> FinishedProduct:
    fact = no_grouping_fact(inputs.rules, len(rows))
    return FinishedProduct(
        finished=FinishedRows(
            rows=rows.slice(0, 0), cells={}, suppressed=len(rows), total=len(rows), levels=()
        ),
        measured=Measured(groups=GroupMeasures(k=0, l=None, t=None), findings=0),
        assessment=assess([fact], approvals=site.policy.approvals, tightenings_left=0),
    )


def _tightening_fact(allowed: int, used: int) -> Fact:
    return Fact(
        name="tightenings", measured=str(used), limit=f"at most {allowed}", holds=True, finding="small_cells"
    )
