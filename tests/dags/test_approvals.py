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
        return {"release_id": release_id, "state": self.state}

    def many(self, table, **_):
        return []


@pytest.fixture
def decided(airflow_home, monkeypatch):
    """Calls of `pipeline.decide`, and a function that gives the answer of a person."""
    import lakehouse.pipeline.decide as verb
    from livinglab_airflow import approvals

    calls = []

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

    return SimpleNamespace(calls=calls, answer=answer)


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

    with pytest.raises(AirflowSkipException, match="decided already"):
        decided.answer("Approve", state)

    assert decided.calls == []


def test_where_nothing_waits_nobody_is_asked(airflow_home, monkeypatch):
    from airflow.sdk.exceptions import AirflowSkipException

    from livinglab_airflow import approvals

    site = SimpleNamespace(registry=Registry("PUBLISHED"))
    monkeypatch.setattr(approvals, "open_task_site", lambda actor=None: site)

    with pytest.raises(AirflowSkipException, match="no release of walkers_open waits"):
        approvals.find_waiting_release.function("walkers_open")


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
