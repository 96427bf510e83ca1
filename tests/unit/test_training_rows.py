"""Whose walks a model learns from, and in which order: hand-made people."""

from dataclasses import replace

import pyarrow as pa
import pytest
from model_people import as_everyone, example_names, with_denial, with_people

from lakehouse.errors import NotReady
from lakehouse.pipeline.training_rows import choose_rows

NAME = "pd_screen"


@pytest.fixture
def site(open_home):
    return as_everyone(open_home())


def chosen_of(site):
    return choose_rows(site, site.models.recipe(NAME))


def subject_of(site, number: int) -> str:
    return site.vault.find_subject("gaitpdb", f"GaPt{number:02}")


def with_walks(site, change):
    walks = site.lake.tables["silver.gait_features"].to_pylist()
    for walk in walks:
        change(walk)
    schema = site.lake.tables["silver.gait_features"].schema
    tables = {**site.lake.tables, "silver.gait_features": pa.Table.from_pylist(walks, schema=schema)}
    return replace(site, lake=replace(site.lake, tables=tables))


def test_usual_walks_of_everyone_who_permits(site):
    """Twelve people with three walks each, of which one is a dual task."""
    chosen = chosen_of(with_people(site, 12))
    assert len(chosen.subjects) == 12 and chosen.smaller_group() == 6
    assert len(chosen.rows.values) == 24 and {len(row) for row in chosen.rows.values} == {24}
    assert sorted(set(chosen.rows.person)) == list(range(12))
    assert [len(row) for row in chosen.rows.baseline] == [4] * 12
    assert {row[1] for row in chosen.rows.baseline} == {0.0, 1.0}
    assert {row[3] for row in chosen.rows.baseline} == {None}


def test_whoever_denies_is_left_out(site):
    """One record of denial: one person fewer, and another root of consents."""
    site = with_people(site, 12)
    before = chosen_of(site)
    after = chosen_of(with_denial(site, "GaPt03"))
    assert before.subjects - after.subjects == {subject_of(site, 3)}
    assert len(after.rows.values) == 22
    assert before.coverage.root != after.coverage.root


def test_an_alias_is_one_person(site):
    """A link found late: two pseudonyms, one person, never in two folds."""
    site = with_people(site, 12)
    site.vault.subjects_for("fhir", ["p1"])
    site.vault.link(subject_of(site, 0), "gaitpdb", ["GaPt02"])
    chosen = chosen_of(site)
    assert len(chosen.subjects) == 11
    assert sorted(chosen.rows.person.count(person) for person in range(11)) == [2] * 10 + [4]


def test_contradicting_and_unknown_labels_are_left_out(site):
    """Who is both, or neither, teaches nothing."""
    site = with_people(site, 12)

    def contradict(walk):
        if walk["subject"] == subject_of(site, 0) and walk["walk"] == 2:
            walk["group"] = "control"
        if walk["subject"] == subject_of(site, 1):
            walk["group"] = None

    assert len(chosen_of(with_walks(site, contradict)).subjects) == 10


def test_walks_of_other_studies_and_empty_walks_are_left_out(site):
    """Walks that the recipe does not name, and walks of which nothing is known."""
    site = with_people(site, 12)

    def empty(walk):
        if walk["subject"] == subject_of(site, 0):
            walk["study"] = "Si"
        if walk["subject"] == subject_of(site, 1):
            walk.update(dict.fromkeys(example_names()))

    assert len(chosen_of(with_walks(site, empty)).subjects) == 10


def test_the_order_of_people_does_not_depend_on_pseudonyms(open_home):
    """Two homes give the same people other pseudonyms; the rows for training are the same."""
    homes = [with_people(as_everyone(open_home(name)), 12) for name in ("one", "two")]
    one, two = (chosen_of(home) for home in homes)
    assert one.subjects != two.subjects
    assert one.rows == two.rows


def test_a_home_without_features_is_not_ready(site):
    """It names the table and the way there."""
    with pytest.raises(NotReady, match=r"silver\.gait_features"):
        chosen_of(site)
