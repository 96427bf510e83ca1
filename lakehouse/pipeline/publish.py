"""Make a release of a gold product: consenting people only, assessed, then published or submitted.

1. inputs at the versions the registry names; the same inputs, rules and consents give the same release
2. the product's SQL over permitted people only
3. rows finished by kind (people, cohorts, prevalence), tightened as often as the contract says
4. k, l, t measured again on the finished table, a last detection pass, the difference to earlier releases
5. the assessment decides; private statistics are drawn through `answer` once something is to be written
6. gold where nothing is amiss, else a draft that waits for a person; a draft never waits inside a run
"""

from dataclasses import asdict, replace

import pyarrow as pa

from lakehouse.adapters.release_counts import add_answers
from lakehouse.adapters.release_rows import order_rows
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.answer import Answer
from lakehouse.core.assessment import Verdict
from lakehouse.core.privacy_statement import share_text
from lakehouse.core.question import Question
from lakehouse.core.release import ReleaseResult, ReleaseState
from lakehouse.core.release_rules import PrivateStatistic
from lakehouse.pipeline.answer import answer
from lakehouse.pipeline.lineage_failures import tells_failure
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.publish_finish import FinishedProduct, finish_product
from lakehouse.pipeline.publish_inputs import PublishInputs, gather_inputs, permitted_views
from lakehouse.pipeline.publish_records import (
    ReleaseFigures,
    as_result,
    find_release,
    open_run,
    release_row,
)
from lakehouse.pipeline.signing import plain_content
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.statements import both_statements, release_statement
from lakehouse.pipeline.writing import TableWrite, table_locks, write_tables

STATES = {
    Verdict.PUBLISH: ReleaseState.PUBLISHED,
    Verdict.ASK_PERSON: ReleaseState.SUBMITTED,
    Verdict.DP_ONLY: ReleaseState.REJECTED,
    Verdict.REFUSE: ReleaseState.REJECTED,
}
"""Where a new release stands after the assessment."""


@tells_failure("publish", lambda product: f"gold.{product}")
def publish(site: Site, product: str) -> ReleaseResult:
    """Make a release of `product`, or return the one that the same inputs made before.

    Raises:
        NotAllowed: the actor's roles do not cover it.
        WrongUse, ContractError: no such product, or its contract or SQL is wrong.
        NotReady, Refused: an input has no version, or its checks failed.
        BudgetExhausted: a private statistic no longer fits; the earlier release stays.
    """
    site.actor.require("publish")
    inputs = gather_inputs(site, product)
    with table_locks(site, [inputs.contract.table]):
        run = open_run(site, inputs.product, inputs.run_key)
        if run.made is not None:
            return as_result(site, run.made, repeated=True)
        inputs = replace(inputs, run_key=run.key, withdrawn=run.withdrawn)
        rows = site.lake.sql(inputs.contract.sql or "", permitted_views(site, inputs))
        finished = finish_product(site, inputs, rows)
        if STATES[finished.assessment.verdict] is ReleaseState.REJECTED:
            _log_refusal(site, inputs, finished)
        else:
            _write_release(site, inputs, finished)
        return as_result(site, find_release(site, inputs.release_id))


def _write_release(site: Site, inputs: PublishInputs, product: FinishedProduct) -> None:
    rows, answers = _add_private_statistics(site, inputs, product.finished.rows)
    ordered = order_rows(rows, inputs.released, inputs.contract.file)
    state = STATES[product.assessment.verdict]
    published = state is ReleaseState.PUBLISHED
    table = inputs.contract.table if published else f"draft.{inputs.product}"
    site.vault.remember_cells(inputs.release_id, product.finished.cells)
    privacy = release_statement(site, inputs, product, answers, output=plain_content(ordered))
    write = TableWrite(
        table=table,
        rows=ordered,
        mode="overwrite",
        by_subject=False,
        kind="write" if published else "draft",
        details=_details(inputs, product, answers),
        statements=both_statements(site, privacy, inputs.coverage),
    )
    write_tables(
        site,
        verb="publish",
        run_key=inputs.run_key,
        writes=[write],
        inputs=[*inputs.leaves, *(found.leaf for found in answers if found.leaf is not None)],
        consent_root=inputs.coverage.root,
        rows={"releases": [_release_row(site, inputs, product, table=table, rows=len(ordered))]},
    )


def _log_refusal(site: Site, inputs: PublishInputs, product: FinishedProduct) -> None:
    log_record(
        site,
        draft_record(
            site,
            kind="release",
            digests={},
            details=_details(inputs, product, []),
            ref=inputs.release_id,
            table=inputs.contract.table,
            inputs=inputs.leaves,
            consent_root=inputs.coverage.root,
        ),
        rows={"releases": [_release_row(site, inputs, product, table=None, rows=0)]},
    )


def _release_row(
    site: Site, inputs: PublishInputs, product: FinishedProduct, *, table: str | None, rows: int
) -> Row:
    figures = ReleaseFigures(
        rows=rows,
        suppressed=product.finished.suppressed,
        groups=product.measured.groups,
        t=share_text(product.measured.groups.t),
        findings=product.measured.findings,
    )
    return release_row(
        site,
        release_id=inputs.release_id,
        run_key=inputs.run_key,
        product=inputs.product,
        table=table,
        state=STATES[product.assessment.verdict],
        figures=figures,
        assessment=product.assessment,
    )


def _details(inputs: PublishInputs, product: FinishedProduct, answers: list[Answer]) -> dict[str, object]:
    """Return what the record's private part says: counts and labels of levels, never a value."""
    return {
        "release": inputs.release_id,
        "state": str(STATES[product.assessment.verdict]),
        "assessment": product.assessment.as_json(),
        "consents": inputs.coverage.counts(),
        "contract": inputs.contract.digest,
        "levels": dict(zip(inputs.rules.released_quasi, product.finished.levels, strict=False)),
        "loss": share_text(product.finished.loss),
        "suppressed": product.finished.suppressed,
        "utility": None if product.finished.utility is None else product.finished.utility.as_json(),
        "k": product.measured.groups.k,
        "l": product.measured.groups.l,
        "t": share_text(product.measured.groups.t),
        "findings": product.measured.findings,
        "checks": [asdict(check) for check in product.measured.checks],
        "answers": [str(found.receipt) for found in answers],
        "epsilon": str(inputs.rules.epsilon),
    }


def _add_private_statistics(
    site: Site, inputs: PublishInputs, rows: pa.Table
) -> tuple[pa.Table, list[Answer]]:
    answers = []
    for statistic in inputs.rules.private:
        found = answer(site, _question(inputs, statistic), verb="publish")
        rows = add_answers(rows, inputs.rules.cells, statistic, found.cells)
        answers.append(found)
    return rows, answers


def _question(inputs: PublishInputs, statistic: PrivateStatistic) -> Question:
    return Question.of(
        statistic.statistic,
        statistic.of,
        on=statistic.on,
        by=statistic.by,
        bounds=statistic.bounds,
        epsilon=statistic.epsilon,
        purpose=inputs.rules.purpose,
    )
