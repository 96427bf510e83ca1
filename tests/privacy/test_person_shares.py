"""A person moves the vector under the noise by a bounded amount, whatever their rows hold."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from asked_lab import TABLE, gait_contracts, walks
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.adapters import person_shares as shares_module
from lakehouse.adapters.person_shares import person_shares, sensitivity
from lakehouse.core.answer import GRID
from lakehouse.core.answer_plan import AnswerPlan, plan_question
from lakehouse.core.question import Question

STATS = ("count", "sum", "mean")
ROW = st.tuples(
    st.integers(0, 4),
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(0.4, 2.2)),
    st.sampled_from(["female", "male", "unlisted", None]),
    st.sampled_from(["usual", "dual"]),
)
PEOPLE = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.lists(ROW, max_size=9), max_size=4)


def plan(stat: str, by=("sex", "task"), where=()) -> AnswerPlan:
    column = None if stat == "count" else "stride_time_s"
    question = Question.of(stat, column, on=TABLE, by=by, where=where, epsilon="1")
    return plan_question(question, gait_contracts())


def shares(asked: AnswerPlan, rows: pa.Table, hidden: str = "") -> list[int]:
    people = {name: name for name in rows["subject"].to_pylist() if name != hidden}
    return person_shares(asked, rows, people)


def largest_move(asked: AnswerPlan, people: dict, count: Callable[..., list[int]] = shares) -> int:
    rows = walks(people)
    whole = count(asked, rows)
    moves = [
        sum(abs(x - y) for x, y in zip(whole, count(asked, rows, hidden), strict=True)) for hidden in people
    ]
    return max(moves, default=0)


@pytest.mark.parametrize("stat", STATS)
@settings(deadline=None)
@given(people=PEOPLE)
def test_nobody_moves_the_vector_by_more_than_the_sensitivity(stat, people):
    """L1 distance with and without each person, over rows of any content and number."""
    asked = plan(stat)
    assert largest_move(asked, people) <= sensitivity(asked)


MANY_WALKS = {"a": [(n, 9.0, "male", "usual") for n in range(50)], "b": [(1, 1.0, "male", "usual")]}


@pytest.mark.parametrize("stat", STATS)
def test_a_row_as_the_unit_would_be_caught(stat, monkeypatch):
    """Positive control: without the limit of rows a person, fifty walks move counts and sums too far."""
    monkeypatch.setattr(shares_module, "_first_rows", lambda _plan, rows: rows)
    if stat == "mean":
        monkeypatch.setattr(shares_module.np, "bincount", lambda people: shares_module.np.ones(99, int))
    asked = plan(stat)
    assert largest_move(asked, MANY_WALKS) > sensitivity(asked)


def test_missing_clamps_would_be_caught(monkeypatch):
    """Positive control: without clamping, one walk of 10^6 s moves a sum too far."""
    asked = plan("sum")
    people = {"a": [(1, 1e6, "male", "usual")]}
    assert largest_move(asked, people) <= sensitivity(asked)
    monkeypatch.setattr(shares_module.np, "clip", lambda values, _low, _high: values)
    assert largest_move(asked, people) > sensitivity(asked)


def test_one_person_under_two_pseudonyms_is_one_person():
    """An alias found late does not double what a person contributes."""
    asked = plan("count", by=())
    rows = walks({"new": [(1, 1.0, "male", "usual")] * 3, "old": [(2, 1.0, "male", "usual")] * 3})
    assert person_shares(asked, rows, {"new": "old", "old": "old"}) == [3]
    assert person_shares(asked, rows, {"new": "new", "old": "old"}) == [6]


def test_people_who_may_not_be_counted_are_left_out():
    """Only the keys of `person_of` contribute."""
    rows = walks({"a": [(1, 1.0, "male", "usual")], "b": [(1, 1.0, "male", "usual")]})
    assert person_shares(plan("count", by=()), rows, {"b": "b"}) == [1]


def test_a_mean_gives_each_person_one_share():
    """Two walks at the clamps share one person's unit half and half; a third person is at the middle."""
    rows = walks({
        "a": [(1, 2.0, "male", "usual"), (2, 0.5, "male", "dual")],
        "b": [(1, 1.25, "male", "usual")],
    })  # fmt: skip
    near_upper_usual, near_upper_dual, near_lower_usual, near_lower_dual = shares(
        plan("mean", by=("task",)), rows
    )
    assert (near_upper_usual, near_lower_usual) == (GRID // 2 + GRID // 2, GRID // 2)
    assert (near_upper_dual, near_lower_dual) == (0, GRID // 2)


def test_the_first_walks_in_the_order_of_the_keys_are_kept():
    """Walks 1 to 3 of 5 count, whatever order the rows are stored in or the pseudonym is."""
    own = [(n, 1.0, "male", "usual" if n <= 3 else "dual") for n in (5, 3, 1, 4, 2)]
    assert shares(plan("count", by=("task",)), walks({"a": own})) == [3, 0]
    assert shares(plan("count", by=("task",)), walks({"z": own[::-1]})) == [3, 0]


def test_rows_without_a_finite_value_or_a_public_key_do_not_count():
    """Null, NaN, infinity and unlisted groups are left out."""
    rows = walks({
        "a": [(1, None, "male", "usual")], "b": [(1, float("nan"), "male", "usual")],
        "c": [(1, float("inf"), "male", "usual")], "d": [(1, 1.0, "unlisted", "usual")],
        "e": [(1, 1.0, None, "usual")], "f": [(1, 1.0, "male", "usual")],
    })  # fmt: skip
    assert sum(shares(plan("mean"), rows)) == GRID


def test_conditions_keep_only_their_rows():
    """`where` uses public values."""
    rows = walks({"a": [(1, 1.0, "male", "usual"), (2, 1.0, "male", "dual")]})
    assert shares(plan("count", by=("sex",), where="task=dual"), rows) == [0, 1]


@pytest.mark.parametrize("stat", STATS)
def test_an_empty_table_gives_zeros(stat):
    """No people, no error: the cells are there all the same."""
    asked = plan(stat)
    assert set(shares(asked, walks({}))) == {0}
