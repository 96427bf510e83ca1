"""The facts of a finished product, each beside its limit (PROTOCOLS section 4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa

from lakehouse.adapters.gx_validator import CheckResult
from lakehouse.adapters.presidio_detector import Detector
from lakehouse.adapters.release_rows import FinishedRows, order_rows, text_values
from lakehouse.core.assessment import FAILED_CHECKS, NO_GROUPING, WITHDRAWN_BEFORE, Fact
from lakehouse.core.cell_differences import smallest_difference
from lakehouse.core.groups import GroupMeasures
from lakehouse.core.hierarchies import Bands
from lakehouse.core.privacy_statement import share_text
from lakehouse.core.release_rules import ReleaseKind, ReleaseRules
from lakehouse.pipeline.publish_inputs import PublishInputs
from lakehouse.pipeline.publish_records import released_cells, withdrawn_content
from lakehouse.pipeline.signing import plain_content
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured on the finished table: groups, personal data found, the contract's checks."""

    groups: GroupMeasures
    findings: int
    checks: tuple[CheckResult, ...] = ()


def product_facts(
    site: Site, inputs: PublishInputs, finished: FinishedRows, measured: Measured
) -> list[Fact]:
    """Return every fact that the assessment judges."""
    rules = inputs.rules
    people = rules.kind is ReleaseKind.PEOPLE
    reached = _group_facts if people else _count_facts
    return [
        *reached(rules, finished, measured.groups),
        _finding_fact(measured.findings),
        _check_fact(measured.checks),
        *_difference_facts(site, inputs, finished),
        *_withdrawal_facts(site, inputs, finished),
    ]


def no_grouping_fact(rules: ReleaseRules, people: int) -> Fact:
    """Return the fact that no level of the hierarchies meets the targets for these people."""
    return Fact(
        name="groupings that meet the targets",
        measured="0",
        limit=f"k {rules.targets.k}, l {rules.targets.l}, t {share_text(rules.targets.t)}"
        f" with at most {share_text(rules.targets.suppression)} of {people} rows left out",
        holds=False,
        finding=NO_GROUPING,
    )


def count_findings(detector: Detector, rules: ReleaseRules, rows: pa.Table) -> int:
    """Return how many findings the last detection pass has in a finished table's distinct texts.

    Labels that the contract's hierarchies make (`60-74`, `90+`, `*`) are no texts of anybody and are
    not looked at; every other text is, categories included.
    """
    made = {found.released_as for found in rules.quasi_identifiers if isinstance(found.hierarchy, Bands)}
    values = [text for name, texts in text_values(rows).items() if name not in made for text in texts]
    return len(detector.find_in_cells(values))


def _group_facts(rules: ReleaseRules, finished: FinishedRows, groups: GroupMeasures) -> Iterator[Fact]:
    targets = rules.targets
    yield _floor_fact("k", str(groups.k), f"at least {targets.k}", groups.k >= targets.k)
    if groups.l is not None and groups.t is not None:
        yield _floor_fact("l", str(groups.l), f"at least {targets.l}", groups.l >= targets.l)
        limit = f"at most {share_text(targets.t)}"
        yield _floor_fact("t", str(share_text(groups.t)), limit, groups.t <= targets.t)
    yield _suppression_fact(rules, finished)


def _count_facts(rules: ReleaseRules, finished: FinishedRows, groups: GroupMeasures) -> Iterator[Fact]:
    yield Fact(
        name=f"cells of fewer than {rules.minimum_cell} people, left out",
        measured=f"{finished.suppressed} of {finished.total}",
        limit="a person decides about the rest" if rules.asks_about_small_cells else "",
        holds=finished.suppressed == 0 or not rules.asks_about_small_cells,
        finding="small_cells",
    )
    limit = f"at least {rules.minimum_cell}"
    yield _floor_fact("cells to release", str(len(finished.cells)), "at least 1", bool(finished.cells))
    if finished.cells:
        yield _floor_fact("k", str(groups.k), limit, groups.k >= rules.minimum_cell)
    if rules.dominance is not None and finished.dominance is not None:
        yield _floor_fact(
            "largest share of one person in a cell",
            str(share_text(finished.dominance)),
            f"at most {rules.dominance}",
            finished.dominance <= Fraction(rules.dominance),
        )


def _suppression_fact(rules: ReleaseRules, finished: FinishedRows) -> Fact:
    limit = rules.targets.suppression
    return Fact(
        name="rows left out",
        measured=f"{finished.suppressed} of {finished.total}",
        limit=f"at most {share_text(limit)} of them",
        holds=finished.suppressed <= limit * finished.total,
        finding="suppression",
    )


def _difference_facts(site: Site, inputs: PublishInputs, finished: FinishedRows) -> Iterator[Fact]:
    least = max(inputs.rules.targets.k, inputs.rules.minimum_cell)
    for release, cells in released_cells(site, inputs.product).items():
        smallest = smallest_difference(cells, finished.cells, least)
        yield Fact(
            name=f"people singled out together with {release}",
            measured="0" if smallest is None else str(smallest),
            limit=f"0 or at least {least} a cell",
            holds=smallest is None,
            finding="changed_cells",
        )


def _withdrawal_facts(site: Site, inputs: PublishInputs, finished: FinishedRows) -> Iterator[Fact]:
    """Yield that a person took back what was made of the same inputs, or the same rows.

    Private statistics are drawn anew, so that rows which hold them are known by their inputs alone.
    """
    withdrawn = inputs.withdrawn
    if withdrawn is None and not inputs.rules.private:
        rows = order_rows(finished.rows, inputs.released, inputs.contract.file)
        withdrawn = withdrawn_content(site, inputs.product, plain_content(rows))
    if withdrawn is not None:
        yield Fact(
            name=f"withdrawn releases of the same inputs or rows, last {withdrawn}",
            measured="1",
            limit="none",
            holds=False,
            finding=WITHDRAWN_BEFORE,
        )


def _finding_fact(findings: int) -> Fact:
    return Fact(
        name="findings of personal data",
        measured=str(findings),
        limit="none",
        holds=findings == 0,
        finding="findings",
    )


def _check_fact(checks: Sequence[CheckResult]) -> Fact:
    failed = sum(not check.success for check in checks)
    return Fact(
        name="checks of the contract that failed",
        measured=f"{failed} of {len(checks)}",
        limit="none",
        holds=failed == 0,
        finding=FAILED_CHECKS,
    )


def _floor_fact(name: str, measured: str, limit: str, holds: bool) -> Fact:
    return Fact(name=name, measured=measured, limit=limit, holds=holds, finding="floor_missed")
