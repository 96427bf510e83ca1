from hypothesis import given
from hypothesis import strategies as st

from lakehouse.core.cell_differences import smallest_difference

MANY = {f"p{number}" for number in range(20)}


def test_the_same_people_single_nobody_out() -> None:
    assert smallest_difference({"60-74": MANY}, {"60-74": set(MANY)}, 5) is None


def test_one_person_more_is_one_person_singled_out() -> None:
    assert smallest_difference({"60-74": MANY}, {"60-74": MANY | {"new"}}, 5) == 1


def test_five_people_more_hide_each_other() -> None:
    assert smallest_difference({"60-74": MANY}, {"60-74": MANY | {f"n{i}" for i in range(5)}}, 5) is None


def test_two_hierarchies_cut_a_small_group_out_together() -> None:
    """Two releases of at least 5 a cell; 60-74 without 60-69 leaves two people of 70-74."""
    younger, older = {f"y{i}" for i in range(8)}, {"o1", "o2"}
    assert smallest_difference({"60-74": younger | older}, {"60-69": younger}, 5) == 2


def test_whoever_is_in_no_cell_any_more_is_seen_over_all_cells() -> None:
    first, second = {f"a{i}" for i in range(10)}, {f"b{i}" for i in range(10)}
    assert (
        smallest_difference({"60-79": first | second | {"gone"}}, {"60-69": first, "70-79": second}, 5) == 1
    )


PEOPLE = st.frozensets(st.sampled_from(sorted(MANY)))


@given(st.dictionaries(st.sampled_from("abc"), PEOPLE), st.dictionaries(st.sampled_from("abc"), PEOPLE))
def test_the_order_of_two_releases_does_not_matter(
    one: dict[str, frozenset[str]], other: dict[str, frozenset[str]]
) -> None:
    assert smallest_difference(one, other, 5) == smallest_difference(other, one, 5)
