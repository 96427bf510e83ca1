"""The statements that records commit to and proofs open: what privacy a release, answer or model has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lakehouse.core.answer import Answer
from lakehouse.core.answer_plan import AnswerPlan
from lakehouse.core.budget import Balance, decimal_text, micro_text
from lakehouse.core.lineage import Version
from lakehouse.core.model_recipe import ModelRecipe
from lakehouse.core.privacy_statement import (
    CONSENTS,
    PRIVACY,
    SCHEMA,
    MeasuredRelease,
    StatedInput,
    release_measures,
    release_rules_json,
)
from lakehouse.core.release_rules import PrivateStatistic
from lakehouse.pipeline.consents import ConsentCoverage, state_consents
from lakehouse.pipeline.publish_finish import FinishedProduct
from lakehouse.pipeline.publish_inputs import PublishInputs
from lakehouse.pipeline.site import Site

Statement = dict[str, object]
MODEL_FIGURES = ("auc", "auc_interval", "baseline_auc", "baseline_auc_interval", "membership_auc")


def both_statements(site: Site, privacy: Statement, coverage: ConsentCoverage) -> dict[str, Statement]:
    """Return a record's two statements by name: what it says about privacy and about consents."""
    return {PRIVACY: privacy, CONSENTS: state_consents(site, coverage)}


def release_statement(
    site: Site, inputs: PublishInputs, product: FinishedProduct, answers: Sequence[Answer], *, output: str
) -> Statement:
    """Return what is said about a release; `output` is the content digest of its rows."""
    rules = inputs.rules
    measured = MeasuredRelease(
        groups=product.measured.groups,
        rows=len(product.finished.rows),
        suppressed=product.finished.suppressed,
        total=product.finished.total,
        loss=product.finished.loss,
        findings=product.measured.findings,
    )
    return {
        **_header(site, "release", inputs.versions, output),
        "release": inputs.release_id,
        "product": inputs.contract.table,
        "contract": inputs.contract.digest,
        **release_rules_json(rules, product.finished.levels),
        "measured": release_measures(rules, measured),
        "private_statistics": [
            _private_json(statistic, answer) for statistic, answer in zip(rules.private, answers, strict=True)
        ],
        "detector": site.detector.version,
    }


def answer_statement(
    site: Site, plan: AnswerPlan, version: Version, drawn: Answer, balance: Balance, *, output: str
) -> Statement:
    """Return what is said about an answer: mechanism, scale, public keys, what it cost and what is left."""
    return {
        **_header(site, "answer", [version], output),
        "question": plan.question.as_record(),
        "population": plan.population,
        "contract": site.contracts.by_table[plan.question.table].digest,
        "mechanism": drawn.mechanism,
        "unit": drawn.unit,
        "scale": str(drawn.scale),
        "epsilon": drawn.epsilon,
        "delta": "0",
        "bounds": None if plan.bounds is None else [decimal_text(bound) for bound in plan.bounds],
        "rows_per_person": plan.rows_per_person,
        "keys": [{"column": key.column, "values": list(key.values)} for key in plan.keys],
        "accuracy95": str(drawn.accuracy95),
        "spent": drawn.spent,
        "left": drawn.left,
        "cap": micro_text(balance.cap),
    }


def model_statement(
    site: Site, recipe: ModelRecipe, versions: Iterable[Version], card: Mapping[str, Any], *, output: str
) -> Statement:
    """Return what is said about a model; `card` is that of the model, its people rounded."""
    return {
        **_header(site, "model", versions, output),
        "model": recipe.name,
        "purpose": recipe.purpose,
        "recipe": recipe.digest,
        "split": card["split"],
        "people": card["people"],
        "rounded_to": card["people_rounded_to"],
        "measured": {name: _figure_text(card[name]) for name in MODEL_FIGURES},
    }


def _header(site: Site, of: str, versions: Iterable[Version], output: str) -> Statement:
    inputs = [StatedInput(leaf=version.leaf, content=version.content_digest) for version in versions]
    return {
        "schema": SCHEMA,
        "of": of,
        "inputs": [found.as_json() for found in inputs],
        "output": output,
        "policy": site.policy.digest,
        "code_version": site.code_version,
    }


def _private_json(statistic: PrivateStatistic, answer: Answer) -> Statement:
    return {
        "column": statistic.column,
        "accuracy_column": statistic.accuracy_column,
        "answer": answer.leaf,
        "epsilon": answer.epsilon,
        "scale": str(answer.scale),
        "mechanism": answer.mechanism,
        "spent": answer.spent,
        "left": answer.left,
    }


def _figure_text(figure: object) -> object:
    """Return a measured figure without floats: decimal text, or a list of such."""
    if isinstance(figure, Sequence) and not isinstance(figure, str):
        return [_figure_text(value) for value in figure]
    return figure if figure is None else str(figure)
