"""OpenLineage events: complete, the same each time, and about nobody; a receiver that is down ends with 7."""

import json
import uuid
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from home_samples import BRONZE, TYPED_RUN, make_home
from loopback_receiver import receiving

from lakehouse.adapters.lineage_receiver import PAUSES, LineageReceiver
from lakehouse.adapters.openlineage_events import lineage_events
from lakehouse.adapters.openlineage_facets import MASKING, PRIVACY, PROOF
from lakehouse.adapters.openlineage_runs import DRAFT, LineageSources
from lakehouse.adapters.openlineage_statements import ANSWER, MODEL
from lakehouse.core.actors import Role
from lakehouse.core.contract import Column
from lakehouse.core.contract_columns import BRONZE_HANDLINGS
from lakehouse.core.report_sources import VersionFacts
from lakehouse.errors import NotAllowed, Unavailable, WrongUse
from lakehouse.methods import method_names
from lakehouse.pipeline.lineage import event_lines, send_events, site_events
from lakehouse.pipeline.standing_leaves import standing_leaves

FACETS = Path(__file__).parents[2] / "docs" / "facets"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A home whose first write came from a DAG run in whose name somebody typed a person."""
    opened = make_home(tmp_path, monkeypatch)
    with opened.registry.transaction() as tx:
        first = {"table_name": "bronze.gait_people", "version": 0}
        details = tx.one("versions", **first)["details"]
        tx.change(
            "versions", first, details={**details, "run": TYPED_RUN, "reasons": {"bad_type": 2}}, rows=167
        )
    return opened


def written(site):
    return [json.loads(line) for line in event_lines(site)[0].splitlines()]


def every_facet(value):
    """Yield each facet, wherever it stands."""
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from every_facet(inner)


def test_every_run_starts_and_completes_once_with_the_fields_of_the_specification(site):
    events = written(site)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * 5
    for event in events:
        assert event["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
        assert {"eventTime", "producer", "run", "job", "inputs", "outputs"} <= event.keys()
        assert uuid.UUID(event["run"]["runId"]).version == 5
        for dataset in (*event["inputs"], *event["outputs"], event["job"]):
            assert dataset["namespace"] == f"livinglab://{site.home.origin}"
            assert dataset["name"]
    for facet in every_facet(events):
        assert facet["_producer"].startswith("urn:livinglab:0.1.0")
    starts, ends = events[::2], events[1::2]
    assert [e["run"]["runId"] for e in starts] == [e["run"]["runId"] for e in ends]
    assert all(start["eventTime"] <= end["eventTime"] for start, end in zip(starts, ends, strict=True))


def test_our_facets_are_of_their_published_schemas(site):
    checked = []
    for facet in every_facet(written(site)):
        if facet["_schemaURL"].startswith("urn:"):
            schema = json.loads((FACETS / f"{facet['_schemaURL'].rpartition(':')[2]}.json").read_text())
            assert schema["$id"] == facet["_schemaURL"]
            jsonschema.Draft202012Validator(schema).validate(facet)
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({**facet, "rows": 3}, schema)
            checked.append(facet["_schemaURL"])
    assert set(checked) == {ANSWER, MODEL, PRIVACY, PROOF}


def test_a_version_says_its_leaf_its_digests_and_what_it_was_made_from(site):
    gold = written(site)[5]
    with site.registry.reading() as tx:
        row = tx.one("versions", table_name="gold.gait_by_cohort")
        entry = tx.one("entries", leaf_index=row["leaf_index"])
    proof = gold["outputs"][0]["facets"]["livinglab_proof"]
    assert (proof["leaf"], proof["leafHash"]) == (row["leaf_index"], entry["leaf_hash"])
    assert (proof["fileDigest"], proof["contentDigest"]) == (row["file_digest"], row["content_digest"])
    assert [(d["name"], d["facets"]["version"]["datasetVersion"]) for d in gold["inputs"]] == [
        ("bronze.gait_people", "0"),
        ("bronze.gait_people", "1"),
    ]


def test_a_sealed_column_is_masked_and_one_kept_is_not(site):
    facets = written(site)[1]["outputs"][0]["facets"]
    fields = facets["columnLineage"]["fields"]
    masked = {name: own["inputFields"][0]["transformations"][0]["masking"] for name, own in fields.items()}
    assert (masked["person_id__sealed"], masked["subject_number__sealed"], masked["age"]) == (
        True,
        True,
        False,
    )
    said = {own["name"]: own["masking"] for own in facets["livinglab_privacy"]["columns"]}
    assert said == masked


def test_masking_names_methods_that_exist():
    assert {*method_names(), *BRONZE_HANDLINGS} >= MASKING


def test_a_silver_column_comes_from_its_bronze_column_by_its_stored_name(site):
    events = silver_events(site)
    fields = events[1]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert fields["note"]["inputFields"][0]["field"] == "note_id"
    assert fields["text"]["inputFields"][0] == {
        "namespace": f"livinglab://{site.home.origin}",
        "name": "bronze.clinic_notes",
        "field": "text__sealed",
        "transformations": [
            {"type": "DIRECT", "subtype": "TRANSFORMATION", "description": "redact", "masking": True}
        ],
    }


def silver_events(site, **more):
    with site.registry.reading() as tx:
        row = tx.many("versions", order="leaf_index")[0]
    return events_of(site, {**row, "table_name": "silver.clinic_notes", **more})


def events_of(site, row, releases=()):
    sources = LineageSources(
        origin=site.home.origin,
        contracts=site.contracts,
        policy=site.policy,
        versions=[VersionFacts.of(row)],
        releases=releases,
    )
    return list(lineage_events(sources))


def test_counts_are_rounded_and_small_ones_absent(site):
    whole = written(site)
    assert whole[1]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 165
    assert silver_events(site, rows=4)[1]["outputs"][0]["outputFacets"] == {}


@pytest.mark.parametrize(("k", "said"), [(7, 7), (4, None)])
def test_a_release_says_k_l_and_t_unless_k_is_itself_a_small_count(site, k, said):
    with site.registry.reading() as tx:
        row = tx.one("versions", table_name="gold.gait_by_cohort")
    release = {
        "product": "gait_by_cohort",
        "content_digest": row["content_digest"],
        "k": k,
        "l": 2,
        "t": "0.4",
    }
    events = events_of(site, {**row, "table_name": f"{DRAFT}.gait_by_cohort"}, [release])
    facet = events[1]["outputs"][0]["facets"]["livinglab_privacy"]
    assert {own["masking"] for own in facet["columns"]} == {None}
    assert (facet["k"], facet["l"], facet["t"]) == ((7, 2, "0.4") if said else (None, None, None))


def test_the_same_log_gives_the_same_bytes(site):
    assert event_lines(site)[0] == event_lines(replace(site, clock=lambda: None, run="another"))[0]


def test_nobody_stands_in_an_event(site):
    """No identifier, pseudonym, actor, account, run name or reason; the run's DAG and a derived id do."""
    content = event_lines(site)[0].decode()
    with site.registry.reading() as tx:
        pseudonyms = standing_leaves(tx, BRONZE).keys()
    forbidden = {"GaCo01", "GaPt02", "GaPt03", "Anna", "manual", "bad_type", '"actor"', *pseudonyms}
    assert len(pseudonyms) == 3
    assert leaks(content, forbidden) == set()
    assert written(site)[0]["run"]["facets"]["parent"]["job"]["name"] == "source_gait_people"


def test_an_event_that_named_its_run_would_be_caught(site):
    """The broken variant: the run's name instead of the id made from it."""
    assert leaks(json.dumps([*written(site), TYPED_RUN]), {"GaPt03"}) == {"GaPt03"}


def leaks(content, forbidden):
    return {word for word in forbidden if word.lower() in content.lower()}


def test_an_analyst_replays_nothing(site):
    with pytest.raises(NotAllowed):
        list(site_events(replace(site, actor=replace(site.actor, roles=frozenset({Role.ANALYST})))))


def answering(*answers):
    """Run a receiver that gives these answers in turn, then 201."""
    left = list(answers)
    return receiving(lambda _: left.pop(0) if left else 201)


def receiver(url, **more):
    pauses = []
    return LineageReceiver(url=url, sleep=pauses.append, **more), pauses


def test_events_are_posted_in_order_with_the_token(site):
    with answering() as (url, came):
        done = send_events(site, receiver(url, token="s3cret")[0], lambda _: None)
    assert (done.events, done.runs) == (10, 5)
    assert [event for _, event in came] == written(site)
    assert {headers["authorization"] for headers, _ in came} == {"Bearer s3cret"}
    assert {headers["content-type"] for headers, _ in came} == {"application/json"}


def test_a_receiver_that_starts_anew_is_tried_again(site):
    with answering(503, 429, 500) as (url, came):
        own, pauses = receiver(url)
        send_events(site, own, lambda _: None)
    assert (len(came), pauses) == (13, list(PAUSES))


@pytest.mark.parametrize(("status", "tries"), [(500, 4), (401, 1), (302, 1)])
def test_a_refusal_ends_with_7_and_says_the_status_not_the_token(site, status, tries):
    with answering(*[status] * 4) as (url, came), pytest.raises(Unavailable, match=str(status)) as caught:
        send_events(site, receiver(url, token="s3cret")[0], lambda _: None)
    assert (caught.value.exit_code, len(came)) == (7, tries)
    assert "s3cret" not in str(caught.value.as_json())


def test_refused_events_hold_up_no_other_and_end_with_7_when_all_are_sent(site):
    with answering(422, 201, 413) as (url, came), pytest.raises(Unavailable) as caught:
        send_events(site, receiver(url)[0], lambda _: None)
    assert len(came) == len(list(site_events(site)))
    assert caught.value.message == f"the lineage receiver refused 2 of {len(came)} events"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_verdict_on_one_event_is_no_failure_of_the_receiver(status):
    with answering(status) as (url, _):
        assert receiver(url)[0].send({"eventType": "START"}) is False


@pytest.mark.parametrize("status", [401, 403, 404, 405, 302])
def test_any_other_answer_says_that_it_takes_nothing_now(status):
    with answering(status) as (url, _), pytest.raises(Unavailable, match=str(status)):
        receiver(url)[0].send({"eventType": "START"})


def test_a_receiver_that_is_down_ends_with_7(site):
    with answering() as (url, _):
        pass
    own, pauses = receiver(url)
    with pytest.raises(Unavailable, match="does not answer"):
        send_events(site, own, lambda _: None)
    assert pauses == list(PAUSES)


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("ftp://catalogue.example", None),
        ("https://kim:pw@catalogue.example", None),
        ("https://catalogue.example/?key=1", None),
        ("http://catalogue.example", "s3cret"),
        ("https://catalogue.example", "line\nend"),
        ("http://[", None),
    ],
)
def test_addresses_and_tokens_that_would_leak_are_refused(url, token):
    with pytest.raises(WrongUse) as caught:
        LineageReceiver(url=url, token=token)
    assert "s3cret" not in str(caught.value.as_json())


def test_a_token_stands_in_no_text_of_the_receiver():
    assert "s3cret" not in repr(LineageReceiver(url="https://catalogue.example", token="s3cret"))


def test_stored_names_are_those_of_the_contract(site):
    people = site.contracts.require("bronze.gait_people")
    column = people.column("person_id")
    assert isinstance(column, Column) and column.stored_name == "person_id__sealed"
