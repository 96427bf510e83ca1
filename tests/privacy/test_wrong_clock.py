"""A question under a clock that was set back: refused before it is charged, so it costs nothing."""

from datetime import timedelta

import pytest
from asked_lab import TABLE, one_walk_each, open_lab

from lakehouse.core.question import Question
from lakehouse.errors import Unavailable
from lakehouse.pipeline import answer as answering
from lakehouse.pipeline.answer import answer
from lakehouse.pipeline.budget import budget_rows


def ask_a_day_earlier(lab) -> None:
    """Ask once, then set the clock back a day and ask something else."""
    answer(lab, Question.of("count", on=TABLE, epsilon="0.5"))
    clock = lab.clock
    lab.clock = lambda: clock() - timedelta(days=1)
    with pytest.raises(Unavailable, match="1440 minutes before the newest record"):
        answer(lab, Question.of("count", on=TABLE, epsilon="0.25"))


def spent(lab) -> str:
    return str(budget_rows(lab)[0].as_json()["spent"])


def test_no_budget_is_spent(tmp_path):
    lab = open_lab(tmp_path, one_walk_each(40))
    ask_a_day_earlier(lab)
    assert spent(lab) == "0.5"


def test_asked_after_the_charge_it_would_be(tmp_path, monkeypatch):
    """The broken variant: the clock is looked at only when the record is drafted."""
    monkeypatch.setattr(answering, "require_current_home", lambda _site: 0)
    lab = open_lab(tmp_path, one_walk_each(40))
    ask_a_day_earlier(lab)
    assert spent(lab) == "0.75"
