import pytest

from lakehouse.core.hierarchies import ANY, UNKNOWN, Bands, Categories

AGE = Bands(widths=(5, 15, 20), domain=(0, 100), top=90)


@pytest.mark.parametrize(
    ("age", "level", "label"),
    [
        (60, 0, "60-64"),
        (64.0, 0, "60-64"),
        (74, 1, "60-74"),
        (89, 0, "85-89"),
        (90, 0, "90+"),
        (97, 0, "90+"),
        (85, 2, "80+"),
        (90, 2, "80+"),
        (36, 3, ANY),
        (None, 0, UNKNOWN),
    ],
)
def test_bands(age: float | None, level: int, label: str) -> None:
    assert AGE.label(age, level) == label


def test_an_unknown_value_stays_told_apart_only_below_the_top_level() -> None:
    assert AGE.label(None, 3) == ANY
    assert Categories(values=("a", "b")).label(None, 1) == ANY


def test_categories_go_by_groups_to_any() -> None:
    drug = Categories(values=("a", "b", "c"), groupings=({"a": "ab", "b": "ab"},))
    assert [drug.label("a", level) for level in range(drug.levels)] == ["a", "ab", ANY]
    assert [str(drug.penalty("a", level)) for level in range(drug.levels)] == ["0", "2/3", "1"]
    assert drug.penalty("c", 1) == 0
