"""What a task says when it fails, what goes through XCom, and who is asked."""

import json

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture
def said(airflow_home, monkeypatch):
    """XCom values that a task pushes, by key."""
    from livinglab_airflow import refusals

    pushed = {}

    class Instance:
        def xcom_push(self, key, value):
            pushed[key] = value

    monkeypatch.setattr(refusals, "get_current_context", lambda: {"ti": Instance()})
    return pushed


def test_a_refusal_leaves_code_message_and_remedy(said):
    from lakehouse.errors import BudgetExhausted
    from livinglab_airflow.refusals import say_refusals

    @say_refusals
    def publish():
        raise BudgetExhausted("requested 0.5, left 0.2", remedy="ask for less", short="0.3")

    with pytest.raises(BudgetExhausted):
        publish()

    assert said["refusal"]["code"] == "BUDGET_EXHAUSTED"
    assert said["refusal"]["remedy"] == "ask for less"
    assert said["refusal"]["short"] == "0.3"


def test_a_fault_says_its_place_but_not_its_message(said):
    from livinglab_airflow.refusals import TaskFaultError, say_refusals

    @say_refusals
    def land():
        raise ValueError("could not convert 'Rosa Canary' to number")

    with pytest.raises(TaskFaultError) as raised:
        land()

    assert "Canary" not in json.dumps(said) + repr(raised.value)
    assert "test_tasks.py" in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_without_the_wrapper_the_value_would_be_in_the_log():
    def land():
        raise ValueError("could not convert 'Rosa Canary' to number")

    with pytest.raises(ValueError, match="Canary"):
        land()


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("Refused", False),
        ("BudgetExhausted", False),
        ("ConsentRefused", False),
        ("WrongUse", False),
        ("Damaged", False),
        ("Unavailable", True),
    ],
)
def test_what_a_second_try_cannot_change_is_not_tried_again(airflow_home, name, again):
    from airflow.sdk.definitions.retry_policy import RetryAction

    from lakehouse import errors
    from livinglab_airflow.refusals import RETRY_POLICY

    decision = RETRY_POLICY.evaluate(getattr(errors, name)("a fact"), 1, 3)

    assert (decision.action is not RetryAction.FAIL) is again


def test_a_contract_error_is_not_tried_again(airflow_home):
    from airflow.sdk.definitions.retry_policy import RetryAction

    from lakehouse.errors import ContractError
    from livinglab_airflow.refusals import RETRY_POLICY

    decision = RETRY_POLICY.evaluate(ContractError("bronze/x.toml", "format", "is not known"), 1, 3)

    assert decision.action is RetryAction.FAIL


def test_an_asset_event_carries_figures_only(airflow_home):
    from livinglab_airflow.assets import event_facts

    result = {"version": 3, "rows": 9, "leaf": 12, "k": 5, "file_digest": "ab", "reasons": {"x": 1}}

    assert event_facts(result) == {"version": 3, "rows": 9, "leaf": 12, "k": 5}


def test_the_dpo_sees_facts_and_reasons(airflow_home):
    from livinglab_airflow.approvals import facts_of_release

    text = facts_of_release(
        {
            "release_id": "r-1",
            "table_name": "draft.conditions_by_age",
            "rows": 4,
            "suppressed": 7,
            "k": 5,
            "l": None,
            "t": "0.31",
            "findings": 0,
            "reasons": ["small_cells: 7 cells of fewer than 5 people"],
        }
    )

    assert "| 4 | 7 | 5 | – | 0.31 | 0 |" in text
    assert "- small_cells: 7 cells of fewer than 5 people" in text
