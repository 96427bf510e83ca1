from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest

from lakehouse.adapters.release_counts import add_answers, count_people, measure_counts
from lakehouse.adapters.release_people import finish_people, measure_people
from lakehouse.adapters.release_rows import order_rows, use_people
from lakehouse.core.answer import AnswerCell
from lakehouse.core.canonical import canonical_json
from lakehouse.core.groups import GroupTargets, SensitiveColumn
from lakehouse.core.hierarchies import Bands, Categories
from lakehouse.core.release_rules import PrivateStatistic, QuasiIdentifier, ReleaseKind, ReleaseRules
from lakehouse.errors import ContractError

SEX = QuasiIdentifier(column="sex", released_as="sex", hierarchy=Categories(values=("female", "male")))
AGE = QuasiIdentifier(
    column="age", released_as="age_band", hierarchy=Bands(widths=(10, 40), domain=(0, 100), top=90)
)
FILE = "gold/example.toml"
RELEASED = ("sex", "age_band", "disease")


def rules(kind: ReleaseKind, **changed: object) -> ReleaseRules:
    usual: dict[str, object] = {
        "kind": kind,
        "purpose": "research",
        "quasi_identifiers": (SEX, AGE) if kind is ReleaseKind.PEOPLE else (AGE,),
        "sensitive": (SensitiveColumn(name="disease", ordered=False),),
        "targets": GroupTargets(k=2, l=2, t=Fraction(1, 2), suppression=Fraction(1, 5)),
        "cells": ("condition", "age_band"),
        "minimum_cell": 5,
        "round_to": 5,
        "tightenings": 1,
        "asks_about_small_cells": True,
        "weight": None,
        "dominance": None,
        "private": (),
    }
    return ReleaseRules(**{**usual, **changed})  # type: ignore[arg-type]


PEOPLE = pa.table(
    {
        "subject": ["a", "b", "c", "d", "e"],
        "sex": ["female", "female", "male", "male", "male"],
        "age": [61, 65, 62, 67, 12],
        "disease": ["flu", "cold", "flu", "cold", "flu"],
    }
)


def test_people_leave_in_bands_and_the_one_alone_stays_inside() -> None:
    finished = finish_people(PEOPLE, rules(ReleaseKind.PEOPLE), RELEASED, FILE)
    assert finished is not None
    assert finished.suppressed == 1
    assert order_rows(finished.rows, RELEASED, FILE).to_pylist() == [
        {"sex": "female", "age_band": "60-69", "disease": "cold"},
        {"sex": "female", "age_band": "60-69", "disease": "flu"},
        {"sex": "male", "age_band": "60-69", "disease": "cold"},
        {"sex": "male", "age_band": "60-69", "disease": "flu"},
    ]
    assert finished.cells == {'["female", "60-69"]': {"a", "b"}, '["male", "60-69"]': {"c", "d"}}
    assert measure_people(finished.rows, rules(ReleaseKind.PEOPLE)).k == 2


def test_a_release_of_people_says_what_it_keeps() -> None:
    """Four of five people stay, in bands of ten years of a hundred; before, age and sex single all out."""
    finished = finish_people(PEOPLE, rules(ReleaseKind.PEOPLE), RELEASED, FILE)
    assert finished is not None and finished.utility is not None
    told = finished.utility.as_json()
    assert told["columns"] == [
        {"column": "sex", "level": 0, "levels": 2, "lost": "0.00"},
        {"column": "age_band", "level": 0, "levels": 3, "lost": "0.10"},
    ]
    assert told["before"] == {"highest": "more than 50", "average": 100, "alone": 100}
    assert told["after"] == {"highest": "50", "average": 50, "alone": 0}
    assert canonical_json(told)


def test_neither_row_order_nor_pseudonyms_change_what_leaves() -> None:
    shuffled = PEOPLE.take([4, 2, 0, 3, 1]).set_column(0, "subject", pa.array(["v", "w", "x", "y", "z"]))
    one, other = (
        finish_people(rows, rules(ReleaseKind.PEOPLE), RELEASED, FILE) for rows in (PEOPLE, shuffled)
    )
    assert one is not None and other is not None
    assert order_rows(one.rows, RELEASED, FILE).equals(order_rows(other.rows, RELEASED, FILE))


def test_two_rows_of_one_person_are_not_two_people() -> None:
    """k would count rows; the SQL is refused."""
    twice = pa.concat_tables([PEOPLE, PEOPLE.slice(0, 1)])
    with pytest.raises(ContractError, match="6 rows for 5 people"):
        finish_people(twice, rules(ReleaseKind.PEOPLE), RELEASED, FILE)


def test_a_column_that_the_contract_does_not_declare_does_not_leave() -> None:
    with_name = PEOPLE.append_column("name", pa.array(["n"] * 5))
    finished = finish_people(with_name, rules(ReleaseKind.PEOPLE), RELEASED, FILE)
    assert finished is not None and finished.rows.column_names == list(RELEASED)


def conditions(*rows: tuple[str, int, str | None]) -> pa.Table:
    names = ("subject", "age", "condition")
    return pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})


CONDITIONS = conditions(
    *((f"p{number}", 40 + number, "asthma") for number in range(8)),
    *((f"p{number}", 40 + number, "gout") for number in range(3)),
    *((f"q{number}", 44, None) for number in range(8)),
)


def test_a_cell_below_the_minimum_stays_inside_and_counts_are_rounded() -> None:
    finished = count_people(CONDITIONS, rules(ReleaseKind.PREVALENCE), 0, FILE)
    assert (finished.suppressed, finished.total) == (1, 2)
    assert finished.rows.to_pylist() == [
        {
            "condition": "asthma",
            "age_band": "40-49",
            "people": 10,
            "population": 15,
            "prevalence_percent": 67,
        }
    ]


def test_a_tightening_takes_the_next_band() -> None:
    young = conditions(*((f"p{number}", 42 + 5 * number, "asthma") for number in range(6)))
    assert count_people(young, rules(ReleaseKind.PREVALENCE), 0, FILE).rows.num_rows == 0
    assert count_people(young, rules(ReleaseKind.PREVALENCE), 1, FILE).rows["age_band"].to_pylist() == [
        "40-79"
    ]


def test_k_of_rounded_counts_is_the_fewest_people_they_can_stand_for() -> None:
    finished = count_people(CONDITIONS, rules(ReleaseKind.PREVALENCE), 0, FILE)
    assert measure_counts(finished.rows, rules(ReleaseKind.PREVALENCE)).k == 8


def test_one_person_who_has_most_of_a_cell_is_seen() -> None:
    walks = pa.table(
        {
            "subject": [f"p{n}" for n in range(5)],
            "age": [42] * 5,
            "condition": ["x"] * 5,
            "walks": [6, 1, 1, 1, 1],
        }
    )
    found = count_people(walks, rules(ReleaseKind.COHORTS, weight="walks", dominance=Decimal("0.5")), 0, FILE)
    assert found.dominance == Fraction(6, 10)


def test_answers_stand_beside_their_cells() -> None:
    statistic = PrivateStatistic(
        column="mean_speed", statistic="mean", of="speed", on="silver.x", by=("sex",), bounds=None,
        epsilon=Decimal("0.5"),
    )  # fmt: skip
    answers = [
        AnswerCell(keys=(("sex", "male"),), value=Decimal("1.2"), accuracy95=Decimal("0.1")),
        AnswerCell(keys=(("sex", "female"),), value=Decimal("1.1"), accuracy95=Decimal("0.2")),
    ]
    rows = add_answers(pa.table({"sex": ["female", "unknown"]}), ("sex",), statistic, answers)
    assert rows.to_pylist() == [
        {"sex": "female", "mean_speed": 1.1, "mean_speed_accuracy95": 0.2},
        {"sex": "unknown", "mean_speed": None, "mean_speed_accuracy95": None},
    ]


def test_only_permitted_people_are_read_under_one_name_each() -> None:
    rows = pa.table({"subject": ["a", "alias", None, "denied"], "n": [1, 2, 3, 4]})
    portions = [rows.slice(0, 1), rows.slice(1)]
    assert [kept.to_pylist() for kept in use_people(portions, {"a": "a", "alias": "a"})] == [
        [{"subject": "a", "n": 1}],
        [{"subject": "a", "n": 2}],
    ]
    assert [kept.num_rows for kept in use_people(portions, {})] == [0, 0]
