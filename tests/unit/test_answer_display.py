"""What `ask` says beside its numbers: the price, and how far a preview can be relied on."""

import io
from dataclasses import replace
from decimal import Decimal

from rich.console import Console

from lakehouse.cli.answers import _show_answer
from lakehouse.core.answer import Answer, AnswerCell

PAID = Answer(
    question={"stat": "mean", "column": "stride_time_s"},
    population="gait",
    version=0,
    cells=(AnswerCell(keys=(("age_band", "60-79"),), value=Decimal("1.06"), accuracy95=Decimal("0.10")),),
    mechanism="OpenDP make_laplace",
    scale=Decimal(2),
    epsilon="0.5",
    unit="s",
    spent="2.0",
    left="3.0",
    lost="0.0",
    repeated=False,
    preview=False,
    receipt="answer-1",
    leaf=24,
)


def shown(answer):
    written = io.StringIO()
    _show_answer(Console(file=written, width=80), answer)
    return written.getvalue()


def test_the_price_says_when_it_is_paid():
    assert "0.5 (paid now)" in shown(PAID)
    assert "0.5 (paid before)" in shown(replace(PAID, repeated=True))
    assert "0.5 (would cost this)" in shown(replace(PAID, preview=True))


def test_a_preview_of_a_mean_does_not_promise_its_accuracy_to_small_groups():
    assert "answered less exactly" in shown(replace(PAID, preview=True))
    assert "answered less exactly" not in shown(PAID)
