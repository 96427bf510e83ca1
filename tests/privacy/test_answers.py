"""Asking, paying, repeating: the pipeline over a real registry, ledger and OpenDP."""

from decimal import Decimal

import pyarrow as pa
import pytest
from asked_lab import TABLE, as_role, one_walk_each, open_lab, sign_version, walks

from lakehouse.core.actors import Role
from lakehouse.core.question import Question
from lakehouse.errors import BudgetExhausted, Damaged, NotAllowed, NotReady, Refused, WrongUse
from lakehouse.pipeline.answer import answer, preview
from lakehouse.pipeline.budget import budget_rows


def mean(epsilon: str = "0.5", **words) -> Question:
    return Question.of("mean", "stride_time_s", on=TABLE, by=["sex"], epsilon=epsilon, **words)


def count(epsilon: str = "0.5", **words) -> Question:
    return Question.of("count", on=TABLE, epsilon=epsilon, **words)


def rows_of(site, table: str) -> int:
    with site.registry.reading() as tx:
        return tx.count(table)


def test_an_answer_lies_near_the_truth_and_says_how_near(tmp_path):
    """400 people at 1.1 s: both means lie within four times their own 95 % half-width."""
    given = answer(open_lab(tmp_path, one_walk_each(400)), mean())
    assert [dict(cell.keys)["sex"] for cell in given.cells] == ["female", "male"]
    for cell in given.cells:
        assert abs(cell.value - Decimal("1.1")) < 4 * cell.accuracy95
        assert 0 < cell.accuracy95 < Decimal("0.1")


def test_the_json_has_the_fields_of_the_interface(tmp_path):
    """What scripts rely on is there, amounts as decimal text."""
    document = answer(open_lab(tmp_path, one_walk_each(40)), mean()).as_json()
    assert {
        "values",
        "mechanism",
        "epsilon",
        "delta",
        "accuracy95",
        "unit",
        "spent",
        "left",
        "repeated",
        "receipt",
    } <= set(document)
    assert set(document["values"][0]) == {"sex", "value", "accuracy95"}
    assert (document["epsilon"], document["spent"], document["left"]) == ("0.5", "0.5", "4.5")
    assert (document["unit"], document["repeated"]) == ("s", False)


def test_the_same_question_gets_the_stored_answer_for_nothing(tmp_path):
    """Second time: the same numbers, repeated, one charge, one record."""
    site = open_lab(tmp_path, one_walk_each(40))
    first, second = answer(site, mean()), answer(site, mean("0.50"))
    assert second.cells == first.cells
    assert (second.repeated, second.receipt, second.leaf, second.left) == (
        True,
        first.receipt,
        first.leaf,
        "4.5",
    )
    assert (rows_of(site, "charges"), rows_of(site, "answers"), len(site.log.entries)) == (1, 1, 1)


def test_a_new_version_of_the_data_is_a_new_question(tmp_path):
    """The stored answer belongs to the input it was drawn from."""
    site = open_lab(tmp_path, one_walk_each(40))
    answer(site, mean())
    sign_version(site, number=1)
    assert answer(site, mean()).left == "4.0"


def test_what_does_not_fit_is_refused_before_any_noise(tmp_path, monkeypatch):
    """0.6 of 0.5 left: refused, nothing charged, OpenDP not called."""
    site = open_lab(tmp_path, one_walk_each(40), cap="1.0")
    answer(site, mean())
    monkeypatch.setattr(type(site.dp), "draw", lambda *_: pytest.fail("noise was drawn"))
    with pytest.raises(BudgetExhausted, match=r"requested epsilon 0\.6, left 0\.5, short by 0\.1"):
        answer(site, count("0.6"))
    assert rows_of(site, "charges") == 1


def test_a_preview_reads_no_data_and_costs_nothing(tmp_path, monkeypatch):
    """Accuracy for the contract's 20 people, no value, no charge."""
    site = open_lab(tmp_path, one_walk_each(4000))
    monkeypatch.setattr(site.lake, "read", lambda *_: pytest.fail("data was read"))
    seen = preview(site, mean())
    assert [cell.value for cell in seen.cells] == [None, None]
    assert Decimal("0.4") < seen.accuracy95 < Decimal("0.5")
    assert (seen.left, seen.receipt, seen.as_json()["preview"]) == ("5.0", None, True)
    assert rows_of(site, "charges") == 0


def test_a_crash_after_the_charge_loses_it_and_the_next_answer_says_so(tmp_path, monkeypatch):
    """Killed between charge and store: 0.5 is lost, the retry costs 0.5 again and names the loss."""
    site = open_lab(tmp_path, one_walk_each(40))
    with monkeypatch.context() as killed:
        killed.setattr(type(site.dp), "draw", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            answer(site, mean())
    retried = answer(site, mean())
    assert (retried.spent, retried.lost, retried.repeated) == ("1.0", "0.5", False)
    assert answer(site, mean()).lost == "0.5"


def test_the_charge_is_durable_when_noise_is_drawn(tmp_path, monkeypatch):
    """A second connection sees the charge before OpenDP is called."""
    site = open_lab(tmp_path, one_walk_each(40))
    drawn = type(site.dp).draw
    seen = []

    def spy(engine, plan, shares):
        seen.append(rows_of(open_lab(tmp_path, one_walk_each(1)), "charges"))
        return drawn(engine, plan, shares)

    monkeypatch.setattr(type(site.dp), "draw", spy)
    answer(site, mean())
    assert seen == [1]


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.AUDITOR])
def test_who_may_not_ask_is_refused(tmp_path, role):
    """Engineers and auditors have no numbers over silver from `ask`."""
    with pytest.raises(NotAllowed, match="'ask' needs"):
        answer(open_lab(tmp_path, one_walk_each(4), roles=frozenset({role})), mean())


def test_publish_draws_through_the_same_door(tmp_path):
    """An engineer who publishes may draw; the stored answer then serves the analyst."""
    site = open_lab(tmp_path, one_walk_each(40), roles=frozenset({Role.ENGINEER}))
    first = answer(site, mean(), verb="publish")
    assert answer(as_role(site, Role.ANALYST), mean()).receipt == first.receipt


def test_a_purpose_outside_the_contract_is_refused(tmp_path):
    """The table is for research."""
    with pytest.raises(Refused, match="may not be used for 'advertising'"):
        answer(open_lab(tmp_path, one_walk_each(4)), mean(purpose="advertising"))


def test_a_table_without_a_version_is_not_ready(tmp_path):
    """Nothing was refined yet."""
    site = open_lab(tmp_path, one_walk_each(4))
    with site.registry.transaction() as tx:
        tx.drop("versions", table_name=TABLE)
    with pytest.raises(NotReady, match="no version yet"):
        answer(site, mean())


def test_cells_without_people_are_answered_too(tmp_path):
    """No rows at all: every public cell has a value, and a mean admits that it knows nothing."""
    given = answer(open_lab(tmp_path, walks({})), count(by=["sex", "task"]))
    assert len(given.cells) == 4
    assert all(cell.value == int(cell.value) for cell in given.cells)


def test_people_who_object_are_not_in_the_answer(tmp_path, monkeypatch):
    """Half of 2000 people deny research: the count is near 1000, far from 2000."""
    site = open_lab(tmp_path, one_walk_each(2000))
    site.lake.tables["bronze.consents"] = pa.Table.from_pylist(
        [
            {"subject": f"p{n:04}", "decision": "deny", "purposes": '["research"]', "from": None, "to": None,
             "batch": 1, "row": n}
            for n in range(1000)
        ]
    )  # fmt: skip
    sign_version(site, "bronze.consents")
    assert abs(answer(site, count()).cells[0].value - 1000) < 300


def test_two_pseudonyms_of_one_person_count_as_one(tmp_path):
    """1000 people known under two names each, two walks a name: three rows a person are kept, not four."""
    people = {
        f"{name}{n:04}": [(w, 1.0, "male", "usual") for w in (1, 2)] for n in range(1000) for name in "ab"
    }
    aliases = {f"b{n:04}": f"a{n:04}" for n in range(1000)}
    given = answer(open_lab(tmp_path, walks(people), aliases=aliases), count())
    assert abs(given.cells[0].value - 3000) < 300


def test_a_budget_given_back_behind_our_back_is_damage(tmp_path):
    """A charge deleted from registry.db does not buy another answer."""
    site = open_lab(tmp_path, one_walk_each(4))
    answer(site, mean())
    with site.registry.store.writing() as link:
        link.exec_driver_sql("DELETE FROM charges")
    with pytest.raises(Damaged, match="charges in registry"):
        answer(site, count())


def test_a_stored_answer_that_was_changed_is_damage(tmp_path):
    """A forged number is not served."""
    site = open_lab(tmp_path, one_walk_each(4))
    answer(site, mean())
    with site.registry.store.writing() as link:
        link.exec_driver_sql("UPDATE answers SET answer = '{}'")
    with pytest.raises(Damaged, match="answers in registry"):
        answer(site, mean())


def test_the_budget_shows_spent_left_and_by_whom(tmp_path):
    """One row a population and purpose; 4.5 left are nine questions at 0.5."""
    site = open_lab(tmp_path, one_walk_each(4))
    answer(site, mean())
    (row,) = budget_rows(site, TABLE)
    assert row.as_json() == {
        "population": "gait",
        "purpose": "research",
        "cap": "5.0",
        "spent": "0.5",
        "left": "4.5",
        "questions_left": 9,
        "by": [{"actor": "ada", "spent": "0.5"}],
    }
    with pytest.raises(WrongUse, match="no table"):
        budget_rows(site, "silver.nothing")
