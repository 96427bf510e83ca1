"""What the demo says of silver tables that several DAGs bring up to date."""

from lakehouse.cli.demo import with_refined

NOTES = {"table": "silver.clinic_notes", "version": 0, "repeated": False}
PEOPLE = {"table": "silver.gait_people", "version": 0, "repeated": False}


def test_what_this_demo_wrote_is_no_repeat_because_a_later_dag_confirms_it() -> None:
    """Notes are redacted again when a later source could name people in them."""
    once = with_refined({}, [NOTES])
    assert with_refined(once, [{**NOTES, "repeated": True}]) == {NOTES["table"]: NOTES}


def test_a_second_demo_repeats() -> None:
    again = with_refined({}, [{**NOTES, "repeated": True}])
    assert with_refined(again, [{**NOTES, "repeated": True}])[NOTES["table"]]["repeated"]


def test_a_later_version_takes_the_place_of_an_earlier_one() -> None:
    newer = {**PEOPLE, "version": 1}
    assert with_refined(with_refined({}, [PEOPLE]), [newer]) == {PEOPLE["table"]: newer}
