"""Answer a question about people's rows with noise, once, at a price that is paid first.

In this order, under one lock so that a question is never drawn twice at the same time:
1. role, contract and policy allow it; consenting people only
2. a question answered before, about the same input, gets the stored answer and costs nothing
3. the charge is durable
4. OpenDP draws the noise
5. answer and log record are stored; only then does the answer leave

A process that dies between 3 and 5 has lost the budget and shown nothing. Asked again, the question is
charged again, and the new answer says in `lost` what the earlier charge took (docs/adr/lost-charges.md).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lakehouse.adapters.budget_ledger import BudgetLedger
from lakehouse.core.answer import Answer, AnswerCell, answer_from_record
from lakehouse.core.answer_plan import AnswerPlan, plan_question
from lakehouse.core.budget import Balance, Charge, decimal_text, micro_text
from lakehouse.core.canonical import digest_json, timestamp
from lakehouse.core.lineage import Version
from lakehouse.core.privacy_statement import CONSENTS, PRIVACY
from lakehouse.core.question import Question
from lakehouse.errors import Damaged, Refused
from lakehouse.pipeline.consents import ConsentCoverage, consent_coverage, state_consents
from lakehouse.pipeline.log_records import draft_record, log_record, require_current_home
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.statements import Statement, answer_statement
from lakehouse.pipeline.versions import require_version

ANSWER_LOCK = "answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Input:
    """What an answer depends on besides its words."""

    plan: AnswerPlan
    version: Version
    coverage: ConsentCoverage
    shares: list[int]
    digest: str


def answer(site: Site, question: Question, *, verb: str = "ask") -> Answer:
    """Return the private answer; `verb` is what the actor's role must cover (`publish` inside publish).

    Raises:
        NotAllowed, Refused: role, contract or policy forbid the question.
        WrongUse: the question is not of the contract's form.
        NotReady: the table has no version yet.
        BudgetExhausted: what it costs no longer fits; nothing was charged.
        Damaged: charges or answers were changed behind the registry's back.
    """
    site.actor.require(verb)
    plan = _permitted_plan(site, question)
    with site.locks.hold([ANSWER_LOCK]):
        asked = _read_input(site, plan)
        return _stored_answer(site, asked) or _new_answer(site, asked)


def preview(site: Site, question: Question) -> Answer:
    """Return what the answer would cost and how accurate it would be; reads no data, charges nothing."""
    site.actor.require("ask")
    plan = _permitted_plan(site, question)
    return _build_answer(site, plan, site.dp.preview(plan), _balance(site, plan))


def _permitted_plan(site: Site, question: Question) -> AnswerPlan:
    plan = plan_question(question, site.contracts)
    purpose = question.purpose
    site.policy.purpose(purpose)
    site.contracts.by_table[question.table].require_purpose(purpose)
    if not site.policy.budget(plan.population).allowance(purpose, site.actor.name):
        raise Refused(
            f"the policy allows no private answers on population {plan.population!r} for {purpose!r}",
            remedy="livinglab budget",
        )
    return plan


def _read_input(site: Site, plan: AnswerPlan) -> _Input:
    """Read the version that the registry names; nobody's absence changes what is done with it."""
    version = require_version(site, plan.question.table)
    rows = site.lake.read(plan.question.table, version.version, plan.columns)
    pseudonyms = {name for name in rows["subject"].to_pylist() if name is not None}
    coverage = consent_coverage(site, pseudonyms, plan.question.purpose)
    inputs = {
        "content": version.content_digest,
        "contract": site.contracts.by_table[plan.question.table].digest,
        "consents": coverage.root,
        "population": plan.population,
    }
    return _Input(
        plan=plan,
        version=version,
        coverage=coverage,
        shares=site.dp.shares(plan, rows, coverage.people),
        digest=plan.question.digest(inputs=inputs),
    )


def _stored_answer(site: Site, asked: _Input) -> Answer | None:
    with site.registry.reading() as tx:
        row = tx.one("answers", question_digest=asked.digest)
        if row is not None and tx.check_table("answers"):
            raise Damaged("answers in registry.db were changed", remedy="livinglab fsck; restore a backup")
    if row is None:
        return None
    balance = _balance(site, asked.plan)
    return answer_from_record(
        row["answer"],
        receipt=row["receipt"],
        leaf=row["leaf_index"],
        spent=micro_text(balance.spent),
        left=micro_text(balance.left),
    )


def _new_answer(site: Site, asked: _Input) -> Answer:
    require_current_home(site)
    ledger, plan = BudgetLedger(site.registry), asked.plan
    lost = sum(c.loss.micro for c in ledger.charges() if c.question_digest == asked.digest)
    charge = Charge(
        charge_id=secrets.token_hex(16),
        population=plan.population,
        purpose=plan.question.purpose,
        actor=site.actor.name,
        loss=plan.loss,
        question_digest=asked.digest,
        time=timestamp(site.clock()),
    )
    consents = state_consents(site, asked.coverage)
    balance = ledger.charge(charge, site.policy.budget(plan.population))
    cells = site.dp.draw(plan, asked.shares)
    receipt = f"answer-{asked.digest[:24]}"
    number = asked.version.version
    drawn = _build_answer(site, plan, cells, balance, receipt=receipt, version=number, lost=lost)
    output = digest_json(drawn.as_record())
    privacy = answer_statement(site, plan, asked.version, drawn, balance, output=output)
    statements = {PRIVACY: privacy, CONSENTS: consents}
    return replace(drawn, leaf=_store(site, asked, drawn, charge, statements))


def _store(
    site: Site, asked: _Input, drawn: Answer, charge: Charge, statements: Mapping[str, Statement]
) -> int:
    record = drawn.as_record()
    row = {
        "question_digest": asked.digest,
        "receipt": drawn.receipt,
        "population": asked.plan.population,
        "purpose": asked.plan.question.purpose,
        "created_at": charge.time,
        "leaf_index": None,
        "question": asked.plan.question.as_record(),
        "answer": record,
        "actor": site.actor.as_json(),
    }
    return log_record(
        site,
        draft_record(
            site,
            kind="answer",
            table=asked.plan.question.table,
            digests={"question": asked.digest, "answer": digest_json(record)},
            details={
                "question": asked.plan.question.as_record(),
                "population": asked.plan.population,
                "epsilon": drawn.epsilon,
                "charge": charge.charge_id,
                "mechanism": drawn.mechanism,
                "consents": asked.coverage.counts(),
            },
            ref=str(drawn.receipt),
            inputs=[asked.version.leaf],
            consent_root=asked.coverage.root,
            statements=statements,
        ),
        rows={"answers": [row]},
    )


def _build_answer(
    site: Site,
    plan: AnswerPlan,
    cells: tuple[AnswerCell, ...],
    balance: Balance,
    *,
    receipt: str | None = None,
    version: int | None = None,
    lost: int = 0,
) -> Answer:
    return Answer(
        question=plan.question.as_record(),
        population=plan.population,
        version=version,
        cells=cells,
        mechanism=site.dp.mechanism,
        scale=site.dp.scale(plan),
        epsilon=decimal_text(plan.loss.epsilon),
        unit=plan.unit,
        spent=micro_text(balance.spent),
        left=micro_text(balance.left),
        lost=micro_text(lost),
        repeated=False,
        preview=receipt is None,
        receipt=receipt,
        leaf=None,
    )


def _balance(site: Site, plan: AnswerPlan) -> Balance:
    budget = site.policy.budget(plan.population)
    return BudgetLedger(site.registry).balance(budget, plan.question.purpose, site.actor.name)
