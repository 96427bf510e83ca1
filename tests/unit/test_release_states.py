from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.core.release import DECIDED, TRANSITIONS, ReleaseState, parse_decision, require_transition
from lakehouse.errors import Refused, WrongUse

STATES = st.sampled_from(ReleaseState)


def walk(choices: list[ReleaseState]) -> list[ReleaseState]:
    """Follow the choices that are allowed, from DRAFT."""
    path = [ReleaseState.DRAFT]
    for choice in choices:
        if choice in TRANSITIONS[path[-1]]:
            path.append(choice)
    return path


@given(st.lists(STATES, max_size=30))
def test_nothing_is_published_without_approval(choices: list[ReleaseState]) -> None:
    path = walk(choices)
    for before, after in pairwise(path):
        if after is ReleaseState.PUBLISHED:
            assert before is ReleaseState.APPROVED


@given(st.lists(STATES, max_size=30))
def test_no_state_comes_back(choices: list[ReleaseState]) -> None:
    path = walk(choices)
    assert len(path) == len(set(path))


@given(STATES, STATES)
def test_a_step_that_is_not_in_the_table_is_refused(old: ReleaseState, new: ReleaseState) -> None:
    if new in TRANSITIONS[old]:
        require_transition(old, new, "r1")
    else:
        with pytest.raises(Refused, match=f"r1 is {old}"):
            require_transition(old, new, "r1")


def test_every_decision_leads_to_a_state_that_something_precedes() -> None:
    assert all(any(state in following for following in TRANSITIONS.values()) for state in DECIDED.values())


def test_an_unknown_decision_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="no decision"):
        parse_decision("maybe")
