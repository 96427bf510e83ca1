"""Answers and models as OpenLineage events: what was read, charged and made; never a question or a number."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from home_samples import make_home

from lakehouse.adapters import openlineage_statements
from lakehouse.pipeline.lineage import site_events, written_events
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site

FACETS = Path(__file__).parents[2] / "docs" / "facets"
CANARIES = {
    "GaPt03",
    "Anna Muster",
    "1.2345678",
    "0.4711",
    "98765432",
    "canary_charge",
    "canary_condition",
    "canary_statistic",
    "speed_above_two",
}
"""What stands in the details and rows of the answer and the model below, and in no event."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A home with an answer about bronze version 1 and a model that learnt from it, as verbs log them."""
    opened = replace(make_home(tmp_path, monkeypatch), run="product_x/manual for GaPt03 (Anna Muster)")
    question = {
        "statistic": "canary_statistic",
        "column": "speed_above_two",
        "where": {"canary_condition": "Anna Muster"},
        "bounds": ["0", "1.2345678"],
        "purpose": "research",
    }
    details = {
        "question": question,
        "population": "gait",
        "epsilon": "0.5",
        "charge": "canary_charge",
        "mechanism": "discrete_laplace",
        "consents": {"permitted": 98765432},
        "values": ["0.4711"],
    }
    log(
        opened,
        "answer",
        {"question": "2" * 64, "answer": "3" * 64},
        details,
        "answer-22",
        "silver.gait_people",
    )
    people = {"model": "pd_screen", "people": 98765432, "walks": 98765432}
    log(opened, "model", {"model": "4" * 64, "recipe": "5" * 64}, people, f"model/{'4' * 64}", None)
    return opened


def log(
    site: Site, kind: str, digests: dict[str, str], details: dict[str, object], ref: str, table: str | None
) -> int:
    draft = draft_record(
        site,
        kind=kind,
        digests=digests,
        details=details,
        ref=ref,
        table=table,
        inputs=[1],
        consent_root="6" * 64,
    )
    return log_record(site, draft)


def pairs(site: Site) -> list[tuple[str, dict]]:
    """The job and the COMPLETE event of every run, in order."""
    return [(own["job"]["name"], own) for own in site_events(site) if own["eventType"] == "COMPLETE"]


def facets_of(event: dict) -> dict:
    return event["run"]["facets"]


def test_an_answer_says_what_was_read_and_charged_and_where_its_proof_stands(site: Site) -> None:
    name, event = pairs(site)[-2]
    said = facets_of(event)["livinglab_answer"]
    leaf = site.log.size() - 2
    with site.registry.reading() as tx:
        entry = tx.one("entries", leaf_index=leaf)
    assert entry is not None
    assert name == "answer.silver.gait_people" and event["outputs"] == []
    assert (said["mechanism"], said["epsilon"], said["population"]) == ("discrete_laplace", "0.5", "gait")
    assert (said["receipt"], said["purpose"]) == ("answer-22", "research")
    assert (said["leaf"], said["leafHash"], said["consentRoot"]) == (leaf, entry["leaf_hash"], "6" * 64)
    (read,) = event["inputs"]
    assert (read["name"], read["facets"]["version"]["datasetVersion"]) == ("bronze.gait_people", "1")
    assert facets_of(event)["parent"]["job"]["name"] == "product_x"


def test_a_model_is_an_output_at_the_version_of_its_digest(site: Site) -> None:
    name, event = pairs(site)[-1]
    (made,) = event["outputs"]
    assert name == "train.pd_screen" and made["name"] == "models/pd_screen"
    assert made["facets"]["version"]["datasetVersion"] == "4" * 64
    said = made["facets"]["livinglab_model"]
    assert (said["modelDigest"], said["recipeDigest"]) == ("4" * 64, "5" * 64)
    assert said["leaf"] == site.log.size() - 1
    assert [own["name"] for own in event["inputs"]] == ["bronze.gait_people"]


def test_their_facets_are_of_their_published_schemas(site: Site) -> None:
    answer, model = pairs(site)[-2][1], pairs(site)[-1][1]
    told = [facets_of(answer)["livinglab_answer"], model["outputs"][0]["facets"]["livinglab_model"]]
    for facet in told:
        schema = json.loads((FACETS / f"{facet['_schemaURL'].rpartition(':')[2]}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(facet)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**facet, "question": {}}, schema)


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
def test_windows_of_leaves_give_what_a_replay_gives(site: Site, at_once: int) -> None:
    """Every run once, in the order of the log, wherever windows end; inputs may stand before the window."""
    windows = [
        range(first, min(first + at_once, site.log.size())) for first in range(0, site.log.size(), at_once)
    ]
    assert [event for window in windows for event in written_events(site, window)] == list(site_events(site))


def test_no_question_number_or_person_stands_in_an_event(site: Site) -> None:
    assert leaks(list(site_events(site))) == set()


def test_an_event_that_told_the_question_would_be_caught(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant: a facet that copies the details of the record."""
    honest = openlineage_statements.facet

    def careless(code: str, schema: str, **fields: object) -> object:
        with site.registry.reading() as tx:
            details = tx.many("records", kind="answer")[-1]["details"]
        return {**honest(code, schema, **fields), "question": details["question"]}

    monkeypatch.setattr(openlineage_statements, "facet", careless)
    assert {"Anna Muster", "canary_statistic", "1.2345678"} <= leaks(list(site_events(site)))


def leaks(events: list) -> set[str]:
    content = json.dumps(events, ensure_ascii=False)
    return {word for word in CANARIES if word in content}


def test_runs_have_ids_of_their_own(site: Site) -> None:
    """Two answers of one moment are two runs; told again, an answer is the same run."""
    first = [event["run"]["runId"] for _, event in pairs(site)]
    assert len(set(first)) == len(first) and first == [event["run"]["runId"] for _, event in pairs(site)]
