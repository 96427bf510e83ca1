"""A report has words for everything the code can do."""

import re
from pathlib import Path

from lakehouse.core import report_words
from lakehouse.core.contract import Sensitivity, Statistic
from lakehouse.core.contract_columns import BRONZE_HANDLINGS
from lakehouse.methods import method_names

ROOT = Path(__file__).parents[2] / "lakehouse"


def test_every_method_and_bronze_handling_has_words():
    assert set(report_words.DONE) == {*method_names(), *BRONZE_HANDLINGS}


def test_every_class_and_statistic_has_words():
    assert set(report_words.WHY) == set(Sensitivity)
    assert set(report_words.LEARN) == set(Statistic)


def test_every_reason_code_in_the_code_has_words():
    source = "\n".join(path.read_text() for path in ROOT.rglob("*.py") if path.name != "report_words.py")
    used = set(re.findall(r'reason="([a-z_]+)"', source))
    assert used and used <= set(report_words.REASONS)
