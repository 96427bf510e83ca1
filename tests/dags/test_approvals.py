"""The gate for people inside Airflow: what an answer becomes, and when it changes nothing."""

from types import SimpleNamespace

import pytest

from lakehouse.adapters.lineage_settings import LineageSettings
from lakehouse.adapters.log_settings import LogSettings
from lakehouse.core.alerts import AlertSettings

pytestmark = pytest.mark.airflow

WAITING = {"release_id": "walkers_open-1", "facts": "..."}


class Registry:
    """A registry with one release."""

    def __init__(self, state):
        self.state = state

    def reading(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def one(self, table, release_id):
        return release(1) | {"state": self.state}

    def many(self, table, **_):
        return []


@pytest.fixture
def decided(airflow_home, monkeypatch):
    """Calls of `pipeline.decide`, and a function that gives the answer of a person."""
    import lakehouse.pipeline.decide as verb
    from livinglab_airflow import approvals, refusals

    calls, outcomes = [], {}
    instance = SimpleNamespace(xcom_push=lambda key, value: outcomes.update({key: value}))
    monkeypatch.setattr(refusals, "get_current_context", lambda: {"ti": instance})

    def decide(site, release_id, decision, reason):
        calls.append((site.actor, release_id, decision, reason))
        return SimpleNamespace(as_json=lambda: {"state": "PUBLISHED"})

    monkeypatch.setattr(verb, "decide", decide)

    def answer(option, state="SUBMITTED"):
        monkeypatch.setattr(
            approvals,
            "open_task_site",
            lambda actor=None: SimpleNamespace(
                actor=actor,
                registry=Registry(state),
                log_policy=LogSettings(),
                lineage=LineageSettings(),
                alerts=AlertSettings(),
            ),
        )
        given = {
            "chosen_options": [option],
            "params_input": {"reason": "facts checked"},
            "responded_by_user": {"id": "dpo", "name": "dpo"},
        }
        return approvals.decide.function(WAITING, given)

    return SimpleNamespace(calls=calls, outcomes=outcomes, answer=answer)


@pytest.mark.parametrize(("option", "decision"), [("Approve", "approve"), ("Reject", "reject")])
def test_an_answer_becomes_the_decision_of_who_gave_it(decided, option, decision):
    decided.answer(option)

    assert decided.calls == [("dpo", "walkers_open-1", decision, "facts checked")]


def test_an_approval_that_was_cut_short_is_completed(decided):
    decided.answer("Approve", "APPROVED")

    assert len(decided.calls) == 1


@pytest.mark.parametrize("state", ["PUBLISHED", "REJECTED", "WITHDRAWN"])
def test_a_release_that_the_other_door_decided_is_left_alone(decided, state):
    from airflow.sdk.exceptions import AirflowSkipException

    with pytest.raises(AirflowSkipException, match=f"decided already, it is {state}"):
        decided.answer("Approve", state)

    assert decided.calls == []
    assert "this answer changes nothing" in decided.outcomes["outcome"]


def release(number):
    figures = dict.fromkeys(("rows", "suppressed", "k", "l", "t", "findings"))
    table = "draft.walkers_open"
    own = {"release_id": f"walkers_open-{number}", "product": "walkers_open", "state": "SUBMITTED"}
    return {**own, "leaf_index": number, "table_name": table, "reasons": [], **figures}


@pytest.fixture
def asked(airflow_home, monkeypatch):
    """Return which release a run asks about, its facts, and which others it wakes runs for."""
    from livinglab_airflow import approvals, refusals
    from livinglab_airflow.assets import ASKED_BESIDE, draft_asset, waiting_event

    class Woken(list):
        def add(self, asset, extra):
            self.append((asset, extra))

    def ask(waiting, events):
        """`waiting`: numbers of the releases that wait; `events`: those that woke the run."""
        registry = Registry("SUBMITTED")
        monkeypatch.setattr(registry, "many", lambda *_, **__: [release(number) for number in waiting])
        contract = SimpleNamespace(name="walkers_open")
        contracts = SimpleNamespace(gold=lambda _: contract)
        site = SimpleNamespace(registry=registry, contracts=contracts)
        woken = Woken()
        own = [SimpleNamespace(extra=waiting_event(f"walkers_open-{number}")) for number in events]
        context = {
            "triggering_asset_events": {"draft": own},
            "outlet_events": {ASKED_BESIDE: woken},
            "ti": SimpleNamespace(xcom_push=lambda key, value: None),
        }
        monkeypatch.setattr(approvals, "open_task_site", lambda actor=None: site)
        for module in (approvals, refusals):
            monkeypatch.setattr(module, "get_current_context", lambda: context)
        found = approvals.find_waiting_release.function("walkers_open")
        assert {asset.name for asset, _ in woken} <= {draft_asset(contract).name}
        return found["release_id"], found["facts"], [extra["release"] for _, extra in woken]

    return ask


@pytest.mark.parametrize(("waiting", "events"), [([], []), ([], [1]), ([2], [1])])
def test_where_nothing_waits_nobody_is_asked(asked, waiting, events):
    """Nor where the release that woke the run was decided through the other door meanwhile."""
    from airflow.sdk.exceptions import AirflowSkipException

    with pytest.raises(AirflowSkipException, match="no release of walkers_open waits"):
        asked(waiting, events)


def test_each_of_two_releases_that_wait_is_asked_about_in_a_run_of_its_own(asked):
    """The first waits while the second is submitted: its run asks about it alone, both can be answered."""
    assert [asked([1], [1])[0], asked([1, 2], [2])[0]] == ["walkers_open-1", "walkers_open-2"]
    assert asked([1, 2], [2])[2] == []


def test_two_that_wake_one_run_become_two_questions(asked):
    """While nothing scheduled, both came: one run asks about the newer and wakes another for the older."""
    newer, facts, woken = asked([1, 2], [1, 2])
    older, said, none = asked([1, 2], [1])

    assert (newer, woken) == ("walkers_open-2", ["walkers_open-1"])
    assert (older, none) == ("walkers_open-1", [])
    assert "can only be rejected" in said and "can only be rejected" not in facts


def test_a_person_who_triggers_the_run_is_asked_about_the_newest(asked):
    assert asked([1, 2], [])[0] == "walkers_open-2"


def test_an_approval_holds_up_no_other(expectations):
    from airflow.dag_processing.dagbag import DagBag

    from livinglab_airflow.settings import PROJECT

    assert DagBag(str(PROJECT / "dags")).dags["approve_walkers_open"].max_active_runs > 1


def test_a_rejection_goes_on_to_be_recorded(expectations):
    """Airflow's own approval skips what follows a rejection; ours must not."""
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    from livinglab_airflow.approvals import DpoApproval

    event = {
        "chosen_options": ["Reject"],
        "params_input": {},
        "responded_at": None,
        "responded_by_user": {"id": "dpo", "name": "dpo"},
    }
    event["responded_at"] = SimpleNamespace(isoformat=lambda: "2026-11-22T10:00:00Z")
    skipped = []
    for operator in (DpoApproval, ApprovalOperator):
        asked = operator(task_id="asked", subject="?")
        asked.downstream_task_ids = {"decide"}
        asked.skip = lambda **_: skipped.append(type(asked).__name__)  # noqa: B023
        context = {"ti": None, "task": SimpleNamespace(get_direct_relatives=lambda upstream: [])}
        assert asked.execute_complete(context, event)["chosen_options"] == ["Reject"]

    assert skipped == ["ApprovalOperator"]
