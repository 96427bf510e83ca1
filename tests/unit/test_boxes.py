"""Local recoding: people cut into boxes, as small as the targets allow."""

from dataclasses import replace
from fractions import Fraction

import pyarrow as pa
import pytest

from lakehouse.adapters.box_search import Boxes, search_boxes
from lakehouse.adapters.people_codes import CodedRows, encode_people
from lakehouse.core.groups import GroupTargets, SensitiveColumn
from lakehouse.core.hierarchies import ANY, UNKNOWN, Bands, Categories
from lakehouse.core.privacy_statement import foreign_labels

TOWN = Categories(values=("ham", "ulm", "aix", "bonn"))
AGE = Bands(widths=(5, 10), domain=(0, 100), top=90)
DISEASE = SensitiveColumn(name="disease", ordered=False)
Person = tuple[str | None, int | None, str]

EIGHT: tuple[Person, ...] = (
    ("ham", 21, "flu"), ("ham", 22, "cold"), ("ham", 34, "flu"), ("ulm", 31, "cold"),
    ("aix", 71, "flu"), ("aix", 74, "cold"), ("bonn", 91, "flu"), ("bonn", 97, "cold"),
)  # fmt: skip


def coded(*rows: Person) -> CodedRows:
    table = pa.table(
        {
            "town": pa.array([row[0] for row in rows], pa.string()),
            "age": pa.array([row[1] for row in rows], pa.int64()),
            "disease": [row[2] for row in rows],
        }
    )
    return encode_people(table, [("town", TOWN), ("age", AGE)], [DISEASE])


def targets(k: int = 2, l: int = 2, t: str = "1") -> GroupTargets:  # noqa: E741
    return GroupTargets(k=k, l=l, t=Fraction(t), suppression=Fraction(0))


def boxed(people: CodedRows, wanted: GroupTargets) -> Boxes:
    found = search_boxes(people.people, wanted)
    assert found is not None
    return found


def test_each_box_keeps_the_finest_labels_that_its_people_share() -> None:
    """Two from Ham in their early twenties, two of two towns in their early thirties, and so on."""
    people = coded(*EIGHT)
    found = boxed(people, targets())
    assert people.classes(found).labels == [
        ("aix", "70-74"), ("bonn", "90+"), ("ham", "20-24"), ("ham | ulm", "30-34"),
    ]  # fmt: skip
    assert found.suppressed == 0


def test_the_loss_is_the_share_of_its_range_that_a_label_covers() -> None:
    """One box of four has two towns of four: (2/4 * 2) / 8; bands of 5 years in 100 for everybody."""
    found = boxed(coded(*EIGHT), targets())
    assert found.lost == (Fraction(1, 8), Fraction(1, 20))
    assert found.loss == Fraction(7, 80)


def test_larger_boxes_where_k_asks_for_them() -> None:
    people = coded(*EIGHT)
    fours = people.classes(boxed(people, targets(k=4))).labels
    assert fours == [("aix | bonn", "70+"), ("ham | ulm", "20-34")]
    assert people.classes(boxed(people, targets(k=8))).labels == [(ANY, "20+")]


def test_nobody_is_released_where_all_together_miss_a_target() -> None:
    assert search_boxes(coded(*EIGHT).people, targets(k=9)) is None
    assert search_boxes(coded(*EIGHT).people, targets(l=3)) is None
    assert search_boxes(coded().people, targets()) is None


def test_an_age_that_nobody_knows_is_joined_with_any_other_only_as_any() -> None:
    one, two = ("ham", None, "flu"), ("ham", None, "cold")
    assert [age for _, age in coded_labels(one, two)] == [UNKNOWN]
    assert [age for _, age in coded_labels(one, ("ham", 30, "cold"))] == [ANY]


def coded_labels(*rows: Person) -> list[tuple[str, ...]]:
    people = coded(*rows)
    return people.classes(boxed(people, targets())).labels


def test_t_keeps_apart_what_k_alone_would_part() -> None:
    """Ham has colds and Ulm has fevers: alone each lies at 1/2 from the table, together at 0."""
    rows = [("ham", 20, d) for d in ("cold", "cough")] + [("ulm", 20, d) for d in ("fever", "gout")]
    assert len(coded_labels(*rows)) == 2
    people = coded(*rows)
    assert people.classes(boxed(people, targets(t="0.4"))).labels == [("ham | ulm", "20-24")]


def test_rows_carry_the_labels_of_their_box() -> None:
    people = coded(*EIGHT)
    classes = people.classes(boxed(people, targets()))
    table = pa.table({"town": [row[0] for row in EIGHT], "age": [row[1] for row in EIGHT]})
    found = classes.generalised(table, classes.place.argsort(kind="stable"), ("town", "age"))
    assert found.column("town").to_pylist()[4:] == ["ham", "ham", "ham | ulm", "ham | ulm"]
    assert found.column("age").to_pylist()[:4] == ["70-74", "70-74", "90+", "90+"]


@pytest.mark.parametrize("label", ["20-34", "90+", "85+", UNKNOWN, ANY, "0-4"])
def test_an_auditor_knows_joined_bands(label: str) -> None:
    assert foreign_labels(AGE, None, [label]) == 0


@pytest.mark.parametrize("label", ["21-34", "20-33", "34-20", "93+", "20-94", "about 20", "", "20-24-29"])
def test_an_auditor_names_bands_that_no_joining_makes(label: str) -> None:
    assert foreign_labels(AGE, None, [label]) == 1
    assert foreign_labels(replace(AGE, top=None), None, ["90+"]) == 1


def test_an_auditor_knows_joined_categories() -> None:
    assert foreign_labels(TOWN, None, ["ham", "ham | ulm", "ulm | bonn | unknown", ANY]) == 0
    assert foreign_labels(TOWN, None, ["ulm | ham", "ham | ham", "rome", "ham|ulm"]) == 4
