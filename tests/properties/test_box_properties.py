"""Local recoding on any small table: the targets hold, labels cover what they hide, order is nothing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_groups import SensitiveValues, measure_groups
from test_group_properties import COLUMNS, HIERARCHIES, ROWS, TARGETS, Row, coded, microdata

from lakehouse.adapters import box_search
from lakehouse.adapters.box_search import search_boxes
from lakehouse.core.groups import GroupMeasures, GroupTargets
from lakehouse.core.hierarchies import Hierarchy
from lakehouse.core.privacy_statement import foreign_labels

Boxed = list[tuple[tuple[str, ...], Row]]


def boxed_rows(rows: list[Row], targets: GroupTargets) -> Boxed | None:
    people = coded(rows)
    found = search_boxes(people.people, targets)
    if found is None:
        return None
    classes = people.classes(found)
    labels = classes.labels
    return [(labels[at], row) for at, row in zip(classes.place.tolist(), rows, strict=True)]


def measured(boxed: Boxed) -> GroupMeasures:
    values = microdata([row for _, row in boxed]).sensitive.values
    return measure_groups([label for label, _ in boxed], SensitiveValues(columns=COLUMNS, values=values))


def misses(rows: list[Row], targets: GroupTargets) -> bool:
    boxed = boxed_rows(rows, targets)
    if boxed is None:
        return False
    found = measured(boxed)
    assert found.l is not None and found.t is not None
    return found.k < targets.k or found.l < targets.l or found.t > targets.t


@given(ROWS, TARGETS)
def test_a_boxed_table_never_misses_a_target(rows: list[Row], targets: GroupTargets) -> None:
    assert not misses(rows, targets)


def test_a_search_that_forgets_t_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [("f", 40, "ham", "a", 0.0)] * 4 + [("m", 40, "ham", "b", 3.0)] * 4
    targets = GroupTargets(k=2, l=1, t=Fraction(1, 5), suppression=Fraction(0))
    assert not misses(rows, targets)
    fits = box_search._BoxSearch.fits

    def forgetful(search, items, part, parts):  # type: ignore[no-untyped-def]
        search._targets = GroupTargets(k=targets.k, l=targets.l, t=Fraction(1), suppression=Fraction(0))
        return fits(search, items, part, parts)

    monkeypatch.setattr(box_search._BoxSearch, "fits", forgetful)
    assert misses(rows, targets)


@given(ROWS, TARGETS)
def test_nobody_is_left_out_and_only_an_impossible_table_is_refused(rows, targets) -> None:  # type: ignore[no-untyped-def]
    boxed = boxed_rows(rows, targets)
    whole = measured([(("*",), row) for row in rows])
    assert whole.l is not None
    assert (boxed is None) == (len(rows) < targets.k or whole.l < targets.l)
    assert boxed is None or len(boxed) == len(rows)


@given(ROWS, TARGETS, st.randoms(use_true_random=False))
def test_boxes_do_not_depend_on_the_order_of_rows(rows, targets, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(rows)
    random.shuffle(shuffled)
    told = [boxed_rows(order, targets) for order in (rows, shuffled)]
    assert (told[0] is None) == (told[1] is None)
    if told[0] is not None and told[1] is not None:
        assert sorted(told[0], key=repr) == sorted(told[1], key=repr)


@given(ROWS, TARGETS)
def test_labels_cover_their_values_and_auditors_know_them(rows: list[Row], targets: GroupTargets) -> None:
    for labels, row in boxed_rows(rows, targets) or []:
        for hierarchy, label, value in zip(HIERARCHIES, labels, row, strict=False):
            assert covers(hierarchy, label, value)
            assert "elsewhere" in label or foreign_labels(hierarchy, None, [label]) == 0


def covers(hierarchy: Hierarchy, label: str, value: str | float | None) -> bool:
    finest = hierarchy.label(value, 0)
    if label in {"*", finest} or finest in label.split(" | "):
        return True
    low, _, high = label.rstrip("+").partition("-")
    begin, _, end = finest.rstrip("+").partition("-")
    return int(low) <= int(begin) and (label.endswith("+") or int(end) <= int(high))


@given(ROWS, TARGETS)
def test_the_loss_is_what_the_labels_cover(rows: list[Row], targets: GroupTargets) -> None:
    people = coded(rows)
    found = search_boxes(people.people, targets)
    if found is None:
        return
    classes = people.classes(found)
    lost = Fraction(0)
    for at in range(len(classes.labels)):
        inside = [row for row, place in zip(rows, classes.place, strict=True) if place == at]
        for column, hierarchy in enumerate(HIERARCHIES):
            values = {hierarchy.label(row[column], 0): row[column] for row in inside}
            ordered = sorted(values.values(), key=hierarchy.order)
            lost += hierarchy.joined_penalty(ordered) * len(inside)
    assert found.loss == lost / (len(rows) * len(HIERARCHIES))
