from decimal import Decimal

import pytest

from lakehouse.core.question import Question, parse_where
from lakehouse.errors import WrongUse

ON = "silver.gait_features"


def mean(**changes) -> Question:
    return Question.of("mean", "stride_time_s", **{"on": ON, "by": ["sex"], "epsilon": "0.5", **changes})


def test_groups_may_be_repeated_or_separated_by_commas():
    """`--by sex --by task` and `--by sex,task` are one question."""
    assert mean(by=["sex", "task"]) == mean(by="sex, task")


@pytest.mark.parametrize(
    "where",
    ["sex=female,task=usual", "sex = 'female' AND task == \"usual\"", ["sex=female", "task=usual"],
     {"sex": "female", "task": "usual"}],
)  # fmt: skip
def test_conditions_are_equalities_joined_by_and(where):
    """Four ways to write one condition."""
    assert parse_where(where) == (("sex", "female"), ("task", "usual"))


@pytest.mark.parametrize(
    "where", ["sex", "sex>1", "sex in (1)", "sex=female or task=usual=1", "=x", "a='x' b"]
)
def test_other_conditions_are_wrong_use(where):
    """Only equality with one value is understood."""
    with pytest.raises(WrongUse, match="column=value"):
        parse_where(where)


@pytest.mark.parametrize("bounds", ["1", "2,1", "1,1", "a,b", "nan,1", "0,inf", "1,2,3"])
def test_bounds_are_two_numbers(bounds):
    """A lower and a higher finite number."""
    with pytest.raises(WrongUse, match="bounds"):
        mean(bounds=bounds)


def test_an_unknown_statistic_is_wrong_use():
    """The remedy lists what there is."""
    with pytest.raises(WrongUse) as refusal:
        Question.of("median", "x", on=ON, epsilon="0.5")
    assert "histogram" in refusal.value.remedy


def test_the_digest_covers_words_price_and_inputs():
    """Anything that changes the answer or its price changes the digest; spelling does not."""
    inputs = {"content": "a"}
    same = mean(epsilon=Decimal("0.50")).digest(inputs=inputs)
    assert same == mean().digest(inputs=inputs)
    others = [
        mean(epsilon="0.4"),
        mean(by=[]),
        mean(where="task=usual"),
        mean(purpose="care"),
        mean(bounds="1,2"),
    ]
    digests = {question.digest(inputs=inputs) for question in others} | {
        mean().digest(inputs={"content": "b"})
    }
    assert len(digests) == 6
    assert same not in digests


def test_the_order_of_conditions_does_not_matter():
    """Both orders are one question, so the second is free."""
    one, other = mean(where="sex=male,task=dual"), mean(where="task=dual,sex=male")
    assert one.digest(inputs={}) == other.digest(inputs={})
