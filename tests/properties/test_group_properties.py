from collections import Counter
from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.core.groups import (
    GroupTargets,
    Microdata,
    SensitiveColumn,
    SensitiveValues,
    earth_movers_distance,
    equivalence_classes,
    measure_groups,
    search_grouping,
    total_variation,
)
from lakehouse.core.hierarchies import Bands, Categories

COLUMNS = (SensitiveColumn(name="group", ordered=False), SensitiveColumn(name="stage", ordered=True))
HIERARCHIES = (Categories(values=("f", "m")), Bands(widths=(5, 10, 20), domain=(0, 100), top=90))
ROW = st.tuples(
    st.sampled_from("fm"), st.integers(40, 95), st.sampled_from("ab"), st.sampled_from((0.0, 2.0, 3.0))
)
ROWS = st.lists(ROW, min_size=1, max_size=40)
STAGES = st.lists(st.sampled_from((0, 1, 2, 3)), min_size=1, max_size=8)


def microdata(rows: list[tuple[str, int, str, float]]) -> Microdata:
    values = {"group": [row[2] for row in rows], "stage": [row[3] for row in rows]}
    return Microdata(
        quasi=tuple((row[0], row[1]) for row in rows),
        hierarchies=HIERARCHIES,
        sensitive=SensitiveValues(columns=COLUMNS, values=values),
    )


TARGETS = st.builds(
    GroupTargets,
    k=st.integers(2, 6),
    l=st.integers(1, 2),
    t=st.sampled_from([Fraction(1, 5), Fraction(1, 2), Fraction(1)]),
    suppression=st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 2)]),
)


@given(ROWS, TARGETS)
def test_a_finished_table_never_misses_a_target(
    rows: list[tuple[str, int, str, float]], targets: GroupTargets
) -> None:
    people = microdata(rows)
    found = search_grouping(people, targets)
    if found is None:
        return
    order = [row for _, members in found.kept for row in members]
    labels = [label for label, members in found.kept for _ in members]
    values = {name: [column[row] for row in order] for name, column in people.sensitive.values.items()}
    measured = measure_groups(labels, SensitiveValues(columns=COLUMNS, values=values))
    assert measured.k >= targets.k
    assert measured.l is not None and measured.l >= targets.l
    assert measured.t is not None and measured.t <= targets.t
    assert found.suppressed == len(rows) - len(order) <= targets.suppression * len(rows)


@given(ROWS, TARGETS, st.randoms(use_true_random=False))
def test_the_grouping_does_not_depend_on_the_order_of_rows(rows, targets, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = search_grouping(microdata(rows), targets), search_grouping(microdata(shuffled), targets)
    assert (one is None) == (other is None)
    if one and other:
        assert (one.levels, one.suppressed, one.loss) == (other.levels, other.suppressed, other.loss)
        assert [(label, len(members)) for label, members in one.kept] == [
            (label, len(members)) for label, members in other.kept
        ]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"))))
def test_classes_divide_the_rows(labels: list[tuple[str, ...]]) -> None:
    classes = equivalence_classes(labels)
    assert sorted(row for rows in classes.values() for row in rows) == list(range(len(labels)))


@given(STAGES, STAGES)
def test_total_variation_is_the_largest_gap_of_any_event(part: list[int], rest: list[int]) -> None:
    """Brute force: the largest difference of probability over every set of values."""
    whole = part + rest
    gaps = []
    for chosen in product((False, True), repeat=4):
        event = {value for value, inside in enumerate(chosen) if inside}
        inside, outside = sum(v in event for v in part), sum(v in event for v in whole)
        gaps.append(abs(Fraction(inside, len(part)) - Fraction(outside, len(whole))))
    assert total_variation(part, whole) == max(gaps)


@given(STAGES, STAGES)
def test_ordered_distance_is_the_least_work_of_moving(part: list[int], rest: list[int]) -> None:
    """Brute force: match equal masses in order, rank by rank; that is the optimal plan on a line."""
    whole = part + rest
    ranks = {value: rank for rank, value in enumerate(sorted(set(whole)))}
    if len(ranks) == 1:
        assert earth_movers_distance(part, whole) == 0
        return
    left = sorted(ranks[value] for value in part for _ in range(len(whole)))
    right = sorted(ranks[value] for value in whole for _ in range(len(part)))
    moved = sum(abs(one - other) for one, other in zip(left, right, strict=True))
    assert earth_movers_distance(part, whole) == Fraction(moved, len(left) * (len(ranks) - 1))


@given(STAGES)
def test_a_table_is_at_no_distance_from_itself(values: list[int]) -> None:
    assert total_variation(values, values) == earth_movers_distance(values, values) == 0
    assert Counter(values).total() == len(values)
