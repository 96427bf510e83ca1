from collections import Counter
from fractions import Fraction
from itertools import product

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_groups import (
    Microdata,
    SensitiveValues,
    earth_movers_distance,
    equivalence_classes,
    measure_groups,
    total_variation,
)
from small_groups import group_rows as small_group_rows
from small_groups import search_grouping as small_search

from lakehouse.adapters import class_counts, class_distances, level_lattice, merged_tables
from lakehouse.adapters.group_search import Grouping, group_rows, measure_classes, search_grouping
from lakehouse.adapters.people_codes import SUPPRESSED, CodedRows, encode_people
from lakehouse.core.groups import GroupTargets, SensitiveColumn
from lakehouse.core.hierarchies import Bands, Categories, Hierarchy

COLUMNS = (SensitiveColumn(name="group", ordered=False), SensitiveColumn(name="stage", ordered=True))
HIERARCHIES: tuple[Hierarchy, ...] = (
    Categories(values=("f", "m")),
    Bands(widths=(5, 10, 15, 20), domain=(0, 100), top=90),
    Categories(
        values=("ham", "ulm", "aix", "bonn"),
        groupings=({"ham": "north", "aix": "west", "bonn": "west"}, {"ulm": "south", "ham": "south"}),
    ),
)
QUASI = ("sex", "age", "town")
ROW = st.tuples(
    st.sampled_from(("f", "m", None)),
    st.one_of(st.none(), st.integers(40, 95)),
    st.sampled_from(("ham", "ulm", "aix", "bonn", "elsewhere")),
    st.sampled_from("ab"),
    st.sampled_from((0.0, 2.0, 3.0, None)),
)
ROWS = st.lists(ROW, min_size=1, max_size=60)
STAGES = st.lists(st.sampled_from((0, 1, 2, 3)), min_size=1, max_size=8)
Row = tuple[str | None, int | None, str, str, float | None]


def microdata(rows: list[Row]) -> Microdata:
    values = {"group": [row[3] for row in rows], "stage": [row[4] for row in rows]}
    return Microdata(
        quasi=tuple(row[:3] for row in rows),
        hierarchies=HIERARCHIES,
        sensitive=SensitiveValues(columns=COLUMNS, values=values),
    )


def coded(rows: list[Row]) -> CodedRows:
    types = (pa.string(), pa.int64(), pa.string(), pa.string(), pa.float64())
    names = (*QUASI, "group", "stage")
    table = pa.table({name: pa.array([row[n] for row in rows], types[n]) for n, name in enumerate(names)})
    return encode_people(table, list(zip(QUASI, HIERARCHIES, strict=True)), COLUMNS)


def kept_of(people: CodedRows, found: Grouping) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """What stays, as the small implementation says it: labels and row numbers, by labels."""
    classes = people.classes(found)
    return [
        (label, tuple(int(n) for n in (classes.place == at).nonzero()[0]))
        for at, label in enumerate(classes.labels)
    ]


TARGETS = st.builds(
    GroupTargets,
    k=st.integers(1, 6),
    l=st.integers(1, 3),
    t=st.sampled_from([Fraction(1, 5), Fraction(1, 3), Fraction(1, 2), Fraction(1)]),
    suppression=st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 2), Fraction(1)]),
)


@settings(max_examples=200)
@given(ROWS, TARGETS)
def test_the_search_finds_what_trying_every_level_finds(rows: list[Row], targets: GroupTargets) -> None:
    """Levels, loss, suppressed rows and the rows of each class, ties included."""
    people = coded(rows)
    found, small = search_grouping(people.people, targets), small_search(microdata(rows), targets)
    assert (found is None) == (small is None)
    if found and small:
        assert (found.loss, found.suppressed, found.levels) == (small.loss, small.suppressed, small.levels)
        assert kept_of(people, found) == list(small.kept)


@given(ROWS, TARGETS)
def test_numbers_too_large_for_64_bits_change_nothing(rows: list[Row], targets: GroupTargets) -> None:
    """The limits at which keys are packed anew, sorted, or reckoned with Python's numbers are set to 1."""
    expected = search_grouping(coded(rows).people, targets)
    with pytest.MonkeyPatch.context() as narrow:
        narrow.setattr(class_counts, "LARGEST_KEY", 1)
        narrow.setattr(class_counts, "DENSE", 0)
        narrow.setattr(class_distances, "SAFE", 1)
        narrow.setattr(level_lattice, "SAFE", 1)
        people = coded(rows)
        found = search_grouping(people.people, targets)
        assert (found is None) == (expected is None)
        if found and expected:
            assert (found.loss, found.levels) == (expected.loss, expected.levels)
            assert kept_of(people, found) == kept_of(coded(rows), expected)


@given(ROWS, TARGETS)
def test_dropped_tables_are_merged_again(rows: list[Row], targets: GroupTargets) -> None:
    expected = search_grouping(coded(rows).people, targets)
    with pytest.MonkeyPatch.context() as forgetful:
        forgetful.setattr(merged_tables, "MOST_KEPT", 0)
        found = search_grouping(coded(rows).people, targets)
    assert (found and found.levels) == (expected and expected.levels)


@given(ROWS, TARGETS, st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 3)))
def test_every_node_is_judged_as_row_by_row(
    rows: list[Row], targets: GroupTargets, levels: tuple[int, int, int]
) -> None:
    people = coded(rows)
    found, small = (
        group_rows(people.people, levels, targets),
        small_group_rows(microdata(rows), levels, targets),
    )
    assert (found is None) == (not small.kept)
    if found:
        assert (found.loss, found.suppressed) == (small.loss, small.suppressed)
        assert kept_of(people, found) == list(small.kept)
        stay = len(rows) - found.suppressed
        lost = sum(found.lost, Fraction(0)) / len(QUASI) * stay + found.suppressed
        assert lost == found.loss * len(rows)


@given(ROWS)
def test_k_l_and_t_are_those_of_the_definitions(rows: list[Row]) -> None:
    people = coded(rows).people
    labels = [tuple(h.label(v, 0) for v, h in zip(row, HIERARCHIES, strict=False)) for row in rows]
    classes = people.at((0, 0, 0))
    assert measure_classes(classes, COLUMNS) == measure_groups(labels, microdata(rows).sensitive)


@given(ROWS, TARGETS)
def test_a_finished_table_never_misses_a_target(rows: list[Row], targets: GroupTargets) -> None:
    people = coded(rows)
    found = search_grouping(people.people, targets)
    if found is None:
        return
    place = people.classes(found).place
    labels = [(str(at),) for at in place if at != SUPPRESSED]
    values = {
        name: [value for value, at in zip(column, place, strict=True) if at != SUPPRESSED]
        for name, column in microdata(rows).sensitive.values.items()
    }
    measured = measure_groups(labels, SensitiveValues(columns=COLUMNS, values=values))
    assert measured.k >= targets.k
    assert measured.l is not None and measured.l >= targets.l
    assert measured.t is not None and measured.t <= targets.t
    assert found.suppressed == len(rows) - len(labels) <= targets.suppression * len(rows)


@given(ROWS, TARGETS, st.randoms(use_true_random=False))
def test_the_grouping_does_not_depend_on_the_order_of_rows(rows, targets, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (search_grouping(coded(held).people, targets) for held in (rows, shuffled))
    assert (one is None) == (other is None)
    if one and other:
        assert (one.levels, one.suppressed, one.loss) == (other.levels, other.suppressed, other.loss)


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
