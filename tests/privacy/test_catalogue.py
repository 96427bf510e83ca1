"""What analysts see of tables, and the released rows they may read."""

import pyarrow as pa
import pytest
from asked_lab import TABLE, as_role, one_walk_each, open_lab, sign_version

from lakehouse.core.actors import Role
from lakehouse.core.policy import ReleaseFloor
from lakehouse.errors import NotAllowed, NotReady, Refused, WrongUse
from lakehouse.pipeline.catalogue import describe_table, list_tables
from lakehouse.pipeline.publish_records import list_releases
from lakehouse.pipeline.query import query

SELECT = "SELECT sex, people FROM gold.gait_by_cohort"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    site = open_lab(tmp_path, one_walk_each(40))
    site.lake.tables["gold.gait_by_cohort"] = pa.table({"sex": ["female"], "people": [20]})
    floor = ReleaseFloor(k=5, l=2, t="0.5", minimum_cell=5, round_to=5, suppression="0.05")
    monkeypatch.setattr(type(site.policy), "floor", floor, raising=False)
    return site


def release(site, version: int, state: str = "PUBLISHED") -> None:
    sign_version(site, "gold.gait_by_cohort", version)
    with site.registry.transaction() as tx:
        tx.add(
            "releases", release_id=f"r{version}", product="gait_by_cohort", table_name="gold.gait_by_cohort",
            state=state, version=version, rows=1, k=None, l=None, t=None,
        )  # fmt: skip


def test_a_published_release_is_queried_with_its_receipt(lab):
    """Rows, the release they belong to, and what `prove` takes."""
    release(lab, 3)
    assert query(lab, SELECT, purpose="research").as_json() == {
        "columns": ["sex", "people"],
        "rows": [["female", 20]],
        "release": "r3",
        "receipt": "gold.gait_by_cohort@3",
    }


@pytest.mark.parametrize("state", ["DRAFT", "SUBMITTED", "REJECTED", "APPROVED"])
def test_what_is_not_published_cannot_be_read(lab, state):
    """Nothing leaves before it is published."""
    with pytest.raises(NotReady, match="no release yet"):
        query(lab, SELECT, purpose="research")
    release(lab, 3, state)
    with pytest.raises(Refused, match=f"no published release; its newest is {state}"):
        query(lab, SELECT, purpose="research")


def test_a_withdrawn_release_does_not_bring_back_the_one_before(lab):
    """Withdrawn means nothing is to be read."""
    release(lab, 3)
    release(lab, 4, "WITHDRAWN")
    with pytest.raises(Refused, match="withdrawn"):
        query(lab, SELECT, purpose="research")


def test_a_withdrawn_version_is_refused_by_its_number_too(lab):
    """The DPO reads superseded releases, not withdrawn ones; only what can be read is offered."""
    release(lab, 3, "WITHDRAWN")
    release(lab, 4)
    with pytest.raises(Refused, match=r"version 3 of gold\.gait_by_cohort was withdrawn"):
        query(as_role(lab, Role.DPO), SELECT, purpose="research", as_of=3)
    with pytest.raises(WrongUse) as refused:
        query(as_role(lab, Role.DPO), SELECT, purpose="research", as_of=7)
    assert refused.value.remedy == "versions: 4"


def test_superseded_releases_are_the_dpos_alone(lab):
    """Two releases side by side would show who changed."""
    release(lab, 3)
    release(lab, 4)
    assert query(lab, SELECT, purpose="research", as_of=4).releases == ("r4",)
    with pytest.raises(NotAllowed, match="superseded"):
        query(lab, SELECT, purpose="research", as_of=3)
    assert query(as_role(lab, Role.DPO), SELECT, purpose="research", as_of=3).releases == ("r3",)
    with pytest.raises(WrongUse, match="no published version 7"):
        query(as_role(lab, Role.DPO), SELECT, purpose="research", as_of=7)


def test_a_purpose_that_the_product_does_not_serve_is_refused(lab):
    """Gold has purposes too."""
    release(lab, 3)
    with pytest.raises(Refused, match="may not be used"):
        query(lab, SELECT, purpose="advertising")


def test_silver_is_not_queried_by_anyone(lab):
    """Not even by the DPO: `query` sees gold only."""
    with pytest.raises(Refused, match="not released"):
        query(as_role(lab, *Role), f"SELECT * FROM {TABLE}", purpose="research")


def test_engineers_do_not_query(lab):
    """Reading released rows is the analyst's and the DPO's."""
    with pytest.raises(NotAllowed):
        query(as_role(lab, Role.ENGINEER), SELECT, purpose="research")


def test_an_analyst_sees_no_exact_count_of_silver(lab):
    """The number of walks is a private answer; reviewers see it."""
    shown = {table["name"]: table["rows"] for table in list_tables(lab, "silver")}
    assert shown == {TABLE: None}
    assert list_tables(as_role(lab, Role.ENGINEER), "silver")[0]["rows"] == 1


def test_an_analyst_is_not_told_how_many_people_a_release_left_out(lab):
    """Released rows and rows left out add up to the size of silver; a waiting release shows no count."""
    release(lab, 3)
    with lab.registry.transaction() as tx:
        tx.change("releases", {"release_id": "r3"}, rows=97, suppressed=4, findings=0, reasons=["4 of 101"])
        tx.add(
            "releases", release_id="r4", product="gait_by_cohort", state="SUBMITTED", rows=2, suppressed=46,
            findings=0, reasons=["46 of 48"],
        )  # fmt: skip
    told = [(found.rows, found.suppressed, found.reasons) for found in list_releases(lab)]
    assert told == [(97, None, ()), (None, None, ())]
    assert list_releases(as_role(lab, Role.DPO))[1].suppressed == 46


def test_a_table_is_described_with_class_and_budget(lab):
    """Columns say how they may be learned; the budget left is there."""
    found = describe_table(lab, TABLE)
    classes = {column["name"]: column["class"] for column in found["columns"]}
    assert (classes["stride_time_s"], classes["weight_kg"]) == ("private", "none")
    assert found["budget"][0]["left"] == "5.0"
    assert describe_table(lab, "gold.gait_by_cohort")["columns"][0]["class"] == "exact"
    with pytest.raises(WrongUse, match="no table"):
        describe_table(lab, "gold.nothing")
