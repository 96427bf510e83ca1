from fractions import Fraction

import pyarrow as pa
import pytest

from lakehouse.adapters.class_counts import count_combinations
from lakehouse.adapters.group_search import (
    CodedPeople,
    Grouping,
    group_rows,
    measure_classes,
    search_grouping,
)
from lakehouse.adapters.people_codes import encode_people
from lakehouse.adapters.quasi_codes import QuasiCodes, rank_codes
from lakehouse.core.groups import GroupMeasures, GroupTargets, SensitiveColumn
from lakehouse.core.hierarchies import Bands, Categories

SEX = Categories(values=("female", "male"))
AGE = Bands(widths=(5, 10), domain=(0, 100), top=90)
DISEASE = SensitiveColumn(name="disease", ordered=False)


def people(*rows: tuple[str, int, str]) -> CodedPeople:
    table = pa.table({name: [row[n] for row in rows] for n, name in enumerate(("sex", "age", "disease"))})
    return encode_people(table, [("sex", SEX), ("age", AGE)], [DISEASE]).people


def measure(classes: list[str], values: list[object], *, ordered: bool = False) -> GroupMeasures:
    column = SensitiveColumn(name="disease", ordered=ordered)
    label, value = (rank_codes(pa.chunked_array([held])) for held in (pa.array(classes), pa.array(values)))
    return measure_classes(count_combinations([label], [value]), [column])


def labels_of(table: CodedPeople, found: Grouping | None) -> list[tuple[str, ...]]:
    assert found is not None
    columns = zip(table.quasi, found.levels, found.classes.codes, strict=True)
    labels = [
        [own.labels[level][place] for place in own.places[level][codes]] for own, level, codes in columns
    ]
    return sorted(label for label, stays in zip(zip(*labels, strict=True), found.stays, strict=True) if stays)


def targets(k: int = 2, l: int = 2, t: str = "1", suppression: str = "0") -> GroupTargets:  # noqa: E741
    return GroupTargets(k=k, l=l, t=Fraction(t), suppression=Fraction(suppression))


def test_total_variation_is_half_the_summed_difference() -> None:
    """Half of all have flu, in the first class everybody has: half the mass lies elsewhere."""
    assert measure(["a", "b", "b", "b"], ["flu", "flu", "cold", "cold"]).t == Fraction(1, 2)


def test_ordered_distance_weighs_how_far_values_lie_apart() -> None:
    """Li 2007, section 5: salaries {3,4,5}k against nine from 3k to 11k are 0.375 away, {6,8,11}k 0.167."""
    salaries = list(range(3, 12))
    assert measure(["b" if 3 <= s <= 5 else "a" for s in salaries], salaries, ordered=True).t == Fraction(
        3, 8
    )
    classes = ["b" if s in {6, 8, 11} else "a" for s in salaries]
    assert measure(classes, salaries, ordered=True).t == Fraction(1, 6)


def test_measures_of_a_small_table() -> None:
    measured = measure(["a", "a", "b", "b", "b"], ["flu", "cold", "flu", "flu", "flu"])
    assert (measured.k, measured.l, measured.t) == (2, 1, Fraction(3, 10))


def test_an_empty_table_has_no_class() -> None:
    measured = measure([], [])
    assert (measured.k, measured.l, measured.t) == (0, None, None)
    assert search_grouping(people(), targets()) is None


def test_the_finest_levels_that_meet_the_targets_win() -> None:
    table = people(("female", 61, "flu"), ("female", 62, "cold"), ("male", 61, "flu"), ("male", 68, "cold"))
    found = search_grouping(table, targets())
    assert found is not None and found.loss == Fraction(1, 20)
    assert labels_of(table, found) == [("female", "60-69"), ("male", "60-69")]


def test_a_suppressed_row_costs_one() -> None:
    table = people(*[("female", 61, "flu"), ("female", 62, "cold")] * 5, ("male", 30, "flu"))
    grouping = group_rows(table, (0, 0), targets(suppression="0.1"))
    assert grouping is not None and grouping.suppressed == 1
    assert grouping.loss == (1 + 10 * Fraction(5, 100) / 2) / 11


def test_what_each_column_lost_is_told_over_the_rows_that_stay() -> None:
    table = people(*[("female", 61, "flu"), ("female", 62, "cold")] * 5, ("male", 30, "flu"))
    grouping = group_rows(table, (0, 0), targets(suppression="0.1"))
    assert grouping is not None and grouping.lost == (Fraction(0), Fraction(5, 100))


def test_a_homogeneous_class_is_left_out() -> None:
    table = people(("female", 61, "flu"), ("female", 62, "flu"), ("male", 61, "flu"), ("male", 62, "cold"))
    assert labels_of(table, group_rows(table, (0, 0), targets())) == [("male", "60-64")]


def test_no_grouping_where_everyone_has_the_same_disease() -> None:
    assert search_grouping(people(("female", 61, "flu"), ("male", 62, "flu")), targets()) is None


def test_bands_that_overlap_do_not_refine_each_other() -> None:
    """20 and 29 share a band of 10 and not one of 15: what 15 leaves out says nothing about 10."""
    table = pa.table({"age": [20, 29, 30, 44, 45], "disease": ["flu"] * 5})
    bands = Bands(widths=(5, 10, 15, 30), domain=(0, 100))
    (age,) = encode_people(table, [("age", bands)], [DISEASE]).people.quasi
    assert age.refines(0, 1) and age.refines(0, 2) and age.refines(2, 3)
    assert not age.refines(1, 2) and not age.refines(2, 1)


def test_a_search_that_takes_wider_bands_for_coarser_ones_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of 15 part 42 from 47 and leave a person alone; bands of 10 do not, and are the least loss."""
    ages = [17] * 50 + [25] * 50 + [42] + [47] * 4
    table = pa.table({"age": ages, "disease": ["flu"] * len(ages)})
    bands = Bands(widths=(10, 15, 20, 30), domain=(0, 100))
    wanted = targets(k=5, l=1)

    def least() -> tuple[int, ...] | None:
        found = search_grouping(encode_people(table, [("age", bands)], [DISEASE]).people, wanted)
        return found and found.levels

    assert least() == (0,)
    monkeypatch.setattr(QuasiCodes, "refines", lambda _, fine, coarse: fine <= coarse)
    assert least() != (0,)


def test_values_that_no_level_tells_apart_share_a_code() -> None:
    """Bands of 5 are the finest that may leave: 60 and 64 are one code, and so is every null."""
    table = pa.table({"age": [60, 64, None, 65, None], "disease": ["flu"] * 5})
    coded = encode_people(table, [("age", AGE)], [DISEASE])
    assert coded.codes[0].tolist() == [0, 0, 1, 2, 1]
    assert len(coded.people.classes) == 3


@pytest.mark.parametrize("encoded", [False, True])
def test_null_is_one_value_however_the_rows_arrive(encoded: bool) -> None:
    """In several chunks, as texts or as a dictionary."""
    part = pa.array(["female", None, "male"])
    sex = pa.chunked_array([part.dictionary_encode() if encoded else part] * 2)
    table = pa.table({"sex": sex, "disease": ["flu"] * 6})
    coded = encode_people(table, [("sex", SEX)], [DISEASE])
    assert coded.codes[0].tolist() == [0, 1, 2, 0, 1, 2]
    assert coded.people.quasi[0].labels[0] == ("female", "unknown", "male")
