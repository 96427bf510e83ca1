"""What the demo says at its end."""

import io
from pathlib import Path

from rich.console import Console

from lakehouse.cli.demo_summary import next_steps, show_summary

TABLE = {
    "version": 0,
    "received": 1200,
    "accepted": 1190,
    "quarantined": 10,
    "reasons": {"id_not_canonical": 1, "duplicate_row": 9},
    "rows": 1190,
    "findings": {"PERSON": 12},
    "repeated": False,
}
RELEASE = {
    "release": "conditions_by_age-1",
    "product": "conditions_by_age",
    "state": "SUBMITTED",
    "version": 0,
    "rows": 4,
    "suppressed": 30,
    "k": 5,
    "l": None,
    "t": None,
    "reasons": ["small_cells"],
    "repeated": False,
}
ANSWER = {
    "stat": "mean",
    "column": "stride_time_s",
    "unit": "s",
    "by": ["age_band"],
    "epsilon": "0.5",
    "left": "3.0",
    "values": [{"age_band": "60-79", "value": 1.1, "accuracy95": 0.05}],
}
DOCUMENT = {
    "batches": [{**TABLE, "table": "bronze.gait_people"}],
    "silver": [{**TABLE, "table": "silver.gait_people"}],
    "releases": [RELEASE],
    "answers": [ANSWER],
    "prediction": None,
    "why": "fewer than 10 consenting people of each group",
    "proved": "gold.gait_by_cohort",
    "verified": True,
    "checkpoint": {"origin": "livinglab.local/ab", "size": 40, "root": "cm9vdA=="},
    "report": "/srv/home/reports/site.html",
    "seconds": {"total": 93.2},
}


def summary(document, width=160):
    written = io.StringIO()
    show_summary(Console(file=written, width=width, no_color=True), document, Path("/srv/home"))
    return written.getvalue()


def test_the_summary_says_all_that_a_newcomer_asks():
    text = summary(DOCUMENT)

    for said in ("1,200", "9 duplicate_row, 1 id_not_canonical", "24 PERSON", "24 times", "SUBMITTED"):
        assert said in text
    for said in ("conditions_by_age: for the data protection officer", "60-79", "fewer than 10 consenting"):
        assert said in text
    for said in ("gold.gait_by_cohort: verified", "/srv/home/reports/site.html", "93 s"):
        assert said in text


def test_a_terminal_of_eighty_columns_shows_every_name_and_reason_whole():
    text = summary(DOCUMENT, width=80)

    assert "bronze.gait_people     1,200     1,190         10  1,190" in text
    assert "bronze.gait_people  9 duplicate_row, 1 id_not_canonical" in text
    assert "conditions_by_age  SUBMITTED" in text
    assert "conditions_by_age  small_cells" in text


def test_a_second_run_says_that_everything_stood_already():
    again = {"repeated": True}
    repeated = {
        **DOCUMENT,
        "batches": [{**own, **again} for own in DOCUMENT["batches"]],
        "silver": [{**own, **again} for own in DOCUMENT["silver"]],
    }

    assert "new        all of this" in summary(DOCUMENT)
    assert "new        1 of 3; the others stood already" in summary(repeated)
    assert "nothing was landed or released twice" in summary({**repeated, "releases": [{**RELEASE, **again}]})


def test_a_proof_that_does_not_hold_is_not_hidden():
    assert "NOT VERIFIED" in summary({**DOCUMENT, "verified": False})


def test_a_disagreement_of_the_encrypted_score_is_not_hidden():
    score = {"score": 0.71, "milliseconds": 12.0, "agreement": False}

    assert "NOT EQUAL" in summary({**DOCUMENT, "prediction": score})


def test_three_things_to_try_name_the_home_and_the_release():
    steps = next_steps(DOCUMENT, Path("/srv/home"))

    assert len(steps) == 3
    assert any("--as dpo approve conditions_by_age-1" in step for step in steps)
    assert all("--home /srv/home" in step for step in steps)


def test_a_product_that_was_not_published_is_not_suggested():
    assert "query" not in next_steps(DOCUMENT, Path("/srv/home"))[0]


def test_what_was_published_is_suggested():
    published = {**RELEASE, "state": "PUBLISHED", "table": "gold.gait_by_cohort"}
    steps = next_steps({**DOCUMENT, "releases": [published]}, Path("/srv/home"))

    assert 'query "SELECT * FROM gold.gait_by_cohort"' in steps[0]
    assert steps[1].endswith("releases")
