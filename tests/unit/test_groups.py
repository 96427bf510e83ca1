from fractions import Fraction

from lakehouse.core.groups import (
    GroupTargets,
    Microdata,
    SensitiveColumn,
    SensitiveValues,
    earth_movers_distance,
    group_rows,
    measure_groups,
    search_grouping,
    total_variation,
)
from lakehouse.core.hierarchies import Bands, Categories

SEX = Categories(values=("female", "male"))
AGE = Bands(widths=(5, 10), domain=(0, 100), top=90)
DISEASE = SensitiveColumn(name="disease", ordered=False)


def people(*rows: tuple[str, int, str]) -> Microdata:
    return Microdata(
        quasi=tuple((sex, age) for sex, age, _ in rows),
        hierarchies=(SEX, AGE),
        sensitive=SensitiveValues(columns=(DISEASE,), values={"disease": [row[2] for row in rows]}),
    )


def targets(k: int = 2, l: int = 2, t: str = "1", suppression: str = "0") -> GroupTargets:  # noqa: E741
    return GroupTargets(k=k, l=l, t=Fraction(t), suppression=Fraction(suppression))


def test_total_variation_is_half_the_summed_difference() -> None:
    assert total_variation(["flu"], ["flu", "flu", "cold", "cold"]) == Fraction(1, 2)


def test_ordered_distance_weighs_how_far_values_lie_apart() -> None:
    """Li 2007, section 5: salaries {3,4,5}k against nine from 3k to 11k are 0.375 away, {6,8,11}k 0.167."""
    salaries = list(range(3, 12))
    assert earth_movers_distance([3, 4, 5], salaries) == Fraction(3, 8)
    assert earth_movers_distance([6, 8, 11], salaries) == Fraction(1, 6)


def test_measures_of_a_small_table() -> None:
    labels = [("a",), ("a",), ("b",), ("b",), ("b",)]
    values = SensitiveValues(columns=(DISEASE,), values={"disease": ["flu", "cold", "flu", "flu", "flu"]})
    measured = measure_groups(labels, values)
    assert (measured.k, measured.l, measured.t) == (2, 1, Fraction(3, 10))


def test_an_empty_table_has_no_class() -> None:
    measured = measure_groups([], SensitiveValues(columns=(DISEASE,), values={"disease": []}))
    assert (measured.k, measured.l, measured.t) == (0, None, None)


def test_the_finest_levels_that_meet_the_targets_win() -> None:
    table = people(("female", 61, "flu"), ("female", 62, "cold"), ("male", 61, "flu"), ("male", 68, "cold"))
    found = search_grouping(table, targets())
    assert found is not None
    assert [label for label, _ in found.kept] == [("female", "60-69"), ("male", "60-69")]
    assert found.loss == Fraction(1, 20)


def test_a_suppressed_row_costs_one() -> None:
    table = people(*[("female", 61, "flu"), ("female", 62, "cold")] * 5, ("male", 30, "flu"))
    grouping = group_rows(table, (0, 0), targets(suppression="0.1"))
    assert grouping.suppressed == 1
    assert grouping.loss == (1 + 10 * Fraction(5, 100) / 2) / 11


def test_a_homogeneous_class_is_left_out() -> None:
    table = people(("female", 61, "flu"), ("female", 62, "flu"), ("male", 61, "flu"), ("male", 62, "cold"))
    assert [label for label, _ in group_rows(table, (0, 0), targets()).kept] == [("male", "60-64")]


def test_no_grouping_where_everyone_has_the_same_disease() -> None:
    assert search_grouping(people(("female", 61, "flu"), ("male", 62, "flu")), targets()) is None
