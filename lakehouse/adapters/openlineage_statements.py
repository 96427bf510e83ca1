"""OpenLineage: private answers and trained models, which are records of the log but no versions of a table.

Of an answer: what was read, by which mechanism, at what epsilon, under which receipt; neither the question
nor a number of the answer. Of a model: what it learnt from, its digest and its recipe's; no figure of it.
"""

from collections.abc import Mapping
from typing import Any

from lakehouse.adapters.openlineage_facets import facet
from lakehouse.adapters.openlineage_runs import EndedRun, LineageSources, run_id
from lakehouse.core.merkle import leaf_hash
from lakehouse.core.report_sources import StatementFacts, VersionFacts

ANSWER = "urn:livinglab:facet:1-0-0:LivingLabAnswerRunFacet"
MODEL = "urn:livinglab:facet:1-0-0:LivingLabModelDatasetFacet"
VERBS = {"answer": "answer", "model": "train"}
"""Kinds of record that are told, and the verb of their job."""

UNKNOWN = "unknown"


def statement_run(
    sources: LineageSources, statement: StatementFacts, by_leaf: Mapping[int, VersionFacts]
) -> EndedRun:
    """Return the run that logged an answer or a model; it began and ended with its record."""
    code = str(statement.record.get("code_version") or UNKNOWN)
    facets, outputs = sources.parent(str(statement.detail("run") or ""), code), []
    if statement.kind == "answer":
        about = str(statement.record.get("table") or UNKNOWN)
        facets = {**facets, "livinglab_answer": _answer_facet(sources, statement, code)}
    else:
        about = str(statement.detail("model") or UNKNOWN)
        digest = str(statement.digests.get("model") or UNKNOWN)
        named = sources.versioned(f"models/{about}", digest, code)
        stated = {"livinglab_model": _model_facet(sources, statement, code)}
        outputs = [{**named, "facets": {**named["facets"], **stated}}]
    return EndedRun(
        run=run_id(sources.origin, f"record/{_leaf_hash(statement)}"),
        verb=VERBS[statement.kind],
        about=about,
        code=code,
        begun=statement.time,
        ended=statement.time,
        facets=facets,
        inputs=sources.read(statement.inputs, by_leaf, code),
        outputs=outputs,
    )


def _answer_facet(sources: LineageSources, statement: StatementFacts, code: str) -> Mapping[str, Any]:
    question = statement.detail("question") or {}
    return facet(
        code,
        ANSWER,
        **_proof(sources, statement),
        receipt=statement.ref,
        mechanism=statement.detail("mechanism"),
        epsilon=statement.detail("epsilon"),
        population=statement.detail("population"),
        purpose=question.get("purpose"),
        questionDigest=statement.digests.get("question"),
        answerDigest=statement.digests.get("answer"),
    )


def _model_facet(sources: LineageSources, statement: StatementFacts, code: str) -> Mapping[str, Any]:
    return facet(
        code,
        MODEL,
        **_proof(sources, statement),
        modelDigest=statement.digests.get("model"),
        recipeDigest=statement.digests.get("recipe"),
        supersedes=statement.record.get("supersedes"),
    )


def _proof(sources: LineageSources, statement: StatementFacts) -> Mapping[str, Any]:
    return {
        "origin": sources.origin,
        "leaf": statement.leaf,
        "leafHash": _leaf_hash(statement),
        "policyDigest": statement.record.get("policy_digest"),
        "consentRoot": statement.record.get("consent_root"),
    }


def _leaf_hash(statement: StatementFacts) -> str:
    return leaf_hash(str(statement.row["record"]).encode()).hex()
