"""A black-box audit of the whole answer: tables that differ by one person with all their rows.

For the event `value >= c` the ratio of its chances under both tables bounds epsilon from below. The
threshold is chosen on the first half of the draws, the bound (Clopper-Pearson, 99.99 %) taken on the other.
"""

import math
from fractions import Fraction

import pytest
from asked_lab import TABLE, gait_contracts, walks
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from lakehouse.adapters.opendp_engine import OpenDpEngine, _integer_laplace, noise_scale
from lakehouse.adapters.person_shares import sensitivity
from lakehouse.core.answer_plan import AnswerPlan, plan_question
from lakehouse.core.budget import PrivacyLoss
from lakehouse.core.question import Question

DRAWS = 3000
CONFIDENCE = 0.9999
OTHERS = {f"p{n}": [(1, 0.5, "male", "usual")] for n in range(3)}
ADDED = {"x": [(walk, 2.0, "male", "usual") for walk in (1, 2, 3)]}


class HalfScale(OpenDpEngine):
    """Broken on purpose: half the noise that epsilon needs."""

    def _scale(self, plan: AnswerPlan) -> float:
        return super()._scale(plan) / 2


class RowUnit(OpenDpEngine):
    """Broken on purpose: protects one row, though a person has three."""

    def _scale(self, plan: AnswerPlan) -> float:
        return noise_scale(sensitivity(plan) // plan.rows_per_person, plan.loss.epsilon)


def plan(stat: str) -> AnswerPlan:
    column = None if stat == "count" else "stride_time_s"
    return plan_question(Question.of(stat, column, on=TABLE, epsilon="1"), gait_contracts())


def draws(engine: OpenDpEngine, asked: AnswerPlan, people: dict) -> list[float]:
    rows = walks(people)
    shares = engine.shares(asked, rows, {name: name for name in people})
    return [float(engine.draw(asked, shares)[0].value) for _ in range(DRAWS)]


def least_epsilon(more: list[float], less: list[float]) -> float:
    """Return a lower bound of epsilon from draws with and without the person."""
    half = len(more) // 2
    best = max(sorted(more[:half])[:: half // 50], key=lambda c: _bound(more[:half], less[:half], c))
    return _bound(more[half:], less[half:], best)


def _bound(more: list[float], less: list[float], threshold: float) -> float:
    hits, rare = sum(x >= threshold for x in more), sum(x >= threshold for x in less)
    low = beta.ppf(1 - CONFIDENCE, hits, len(more) - hits + 1) if hits else 0.0
    high = beta.ppf(CONFIDENCE, rare + 1, len(less) - rare) if rare < len(less) else 1.0
    return math.log(low / high) if low else -math.inf


def audited(engine: OpenDpEngine, stat: str) -> float:
    asked = plan(stat)
    return least_epsilon(draws(engine, asked, OTHERS | ADDED), draws(engine, asked, OTHERS))


@pytest.mark.parametrize("stat", ["count", "sum", "mean"])
def test_an_answer_at_epsilon_one_shows_at_most_epsilon_one(stat):
    """A person with three walks at the clamp, present or not."""
    assert audited(OpenDpEngine(), stat) <= 1


@pytest.mark.parametrize("broken", [HalfScale(), RowUnit()], ids=["half the scale", "rows as the unit"])
def test_the_audit_catches_a_broken_engine(broken):
    """Positive controls: true epsilon 2 and 3 show as more than 1."""
    assert audited(broken, "count") > 1.2


@settings(deadline=None, max_examples=60)
@given(sensitivity=st.integers(1, 1 << 40), micro=st.integers(1, 20_000_000))
def test_opendps_own_map_never_exceeds_what_was_charged(sensitivity, micro):
    """Compared exactly, whatever floats do to sensitivity / epsilon; and no noise is wasted."""
    epsilon = PrivacyLoss(micro=micro).epsilon
    scale = noise_scale(sensitivity, epsilon)
    assert Fraction(_integer_laplace(scale).map(sensitivity)) <= Fraction(epsilon)
    assert scale <= sensitivity / float(epsilon) * (1 + 1e-12)


@pytest.mark.parametrize("people", [3, 30, 300])
def test_the_stated_accuracy_covers_the_truth(people):
    """Of 800 means over few, some and many people, at least 93 % lie within their own 95 % half-width."""
    engine, asked = OpenDpEngine(), plan("mean")
    group = {f"p{n}": [(1, 1.1, "male", "usual")] for n in range(people)}
    shares = engine.shares(asked, walks(group), {name: name for name in group})
    cells = [engine.draw(asked, shares)[0] for _ in range(800)]
    assert sum(abs(float(c.value) - 1.1) <= float(c.accuracy95) for c in cells) >= 0.93 * 800


def test_the_accuracy_of_a_count_is_neither_too_wide_nor_too_narrow():
    """Of 2000 counts, 93 to 97 % lie within the stated half-width."""
    engine, asked = OpenDpEngine(), plan("count")
    errors = [engine.draw(asked, [100])[0] for _ in range(2000)]
    assert 0.93 <= sum(abs(c.value - 100) <= c.accuracy95 for c in errors) / 2000 <= 0.97
