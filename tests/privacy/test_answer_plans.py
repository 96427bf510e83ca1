"""What the contract lets be asked."""

from decimal import Decimal

import pytest
from asked_lab import TABLE, gait_contracts

from lakehouse.core.answer_plan import AnswerPlan, askable_tables, plan_question
from lakehouse.core.question import Question, Stat
from lakehouse.errors import Refused, WrongUse


def plan(stat: str, column: str | None = None, *, on: str = TABLE, **words) -> AnswerPlan:
    return plan_question(Question.of(stat, column, on=on, epsilon="0.5", **words), gait_contracts())


def test_cells_are_the_product_of_the_public_groups():
    """Every combination is answered, whether it occurs in the data or not."""
    assert plan("count", by=["sex", "task"]).cells == (
        ("female", "usual"), ("female", "dual"), ("male", "usual"), ("male", "dual"),
    )  # fmt: skip


def test_bounds_come_from_the_contract_and_may_be_narrower():
    """A user may clamp harder, never softer."""
    assert plan("mean", "stride_time_s").bounds == (Decimal("0.5"), Decimal("2.0"))
    assert plan("mean", "stride_time_s", bounds="0.8,1.6").bounds == (Decimal("0.8"), Decimal("1.6"))
    with pytest.raises(WrongUse, match=r"within 0\.5 and 2\.0 s"):
        plan("mean", "stride_time_s", bounds="0,2")


def test_the_contracts_bounds_spelt_out_are_the_same_question():
    """Naming the default bounds does not buy a second draw."""
    spelt, default = plan("mean", "stride_time_s", bounds="0.5,2"), plan("mean", "stride_time_s")
    assert spelt.question.digest(inputs={}) == default.question.digest(inputs={})


def test_a_histogram_is_a_count_by_its_column():
    """The same question in two words has one digest, so one price."""
    question = plan("histogram", "sex").question
    assert (question.stat, question.column, question.by) == (Stat.COUNT, None, ("sex",))


def test_count_is_in_rows_and_mean_in_the_columns_unit():
    """The unit travels with the answer."""
    assert (plan("count").unit, plan("mean", "stride_time_s").unit) == ("rows", "s")


@pytest.mark.parametrize(
    ("stat", "column", "words", "why"),
    [
        ("mean", None, {}, "needs a column"),
        ("mean", "stride", {}, "no column 'stride'"),
        ("quantile", "stride_time_s", {}, "not answered yet"),
        ("count", None, {"by": ["city"]}, "no column 'city'"),
        ("count", None, {"by": ["sex", "sex"]}, "twice"),
        ("count", None, {"by": ["sex"], "where": "sex=male"}, "twice"),
        ("count", None, {"where": "sex=other"}, "not one of its groups"),
        ("count", None, {"bounds": "0,1"}, "no bounds"),
        ("count", None, {"on": "silver.nothing"}, "no table"),
    ],
)
def test_questions_of_the_wrong_form_are_wrong_use(stat, column, words, why):
    """Each says what is wrong; the remedy lists what there is."""
    with pytest.raises(WrongUse, match=why) as refusal:
        plan(stat, column, **words)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("stat", "column", "words", "why"),
    [
        ("mean", "weight_kg", {}, "no private statistics"),
        ("count", None, {"by": ["stride_time_s"]}, "not public"),
        ("count", None, {"by": ["walk"]}, "not public"),
        ("count", None, {"on": "gold.gait_by_cohort"}, "queried, not asked"),
    ],
)
def test_what_the_contract_does_not_offer_is_refused(stat, column, words, why):
    """Columns without private statistics, keys from data, and released tables."""
    with pytest.raises(Refused, match=why):
        plan(stat, column, **words)


def test_askable_tables_are_those_with_private_columns():
    """Nothing of gold is among them."""
    assert askable_tables(gait_contracts()) == (TABLE,)
