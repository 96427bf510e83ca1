from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.core.consent import Consent, covers

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def record(
    decision: str, *purposes: str, begin: int | None = None, end: int | None = None, recorded: int = 0
) -> Consent:
    return Consent(
        subject="p",
        decision=decision,  # type: ignore[arg-type]
        purposes=frozenset(purposes),
        valid_from=begin and datetime(begin, 1, 1, tzinfo=UTC),
        valid_to=end and datetime(end, 1, 1, tzinfo=UTC),
    )


def test_no_record_says_nothing() -> None:
    assert covers([], "research", NOW) is None


def test_a_permit_covers_only_its_purposes_and_its_time() -> None:
    assert covers([record("permit", "research")], "research", NOW) == "permit"
    assert covers([record("permit", "research")], "commercial", NOW) is None
    assert covers([record("permit", "research", begin=2027)], "research", NOW) is None
    assert covers([record("permit", "research", end=2026)], "research", NOW) is None


def test_a_denial_wins_over_a_permit() -> None:
    assert covers([record("deny", "research"), record("permit", "research")], "research", NOW) == "deny"
    assert (
        covers([record("deny", "research"), record("permit", "research", begin=2026)], "research", NOW)
        == "deny"
    )
    assert (
        covers([record("deny", "research", begin=2026), record("permit", "research")], "research", NOW)
        == "deny"
    )


def test_a_permit_that_began_later_overcomes_a_denial() -> None:
    changed = [record("deny", "research", begin=2024), record("permit", "research", begin=2025)]
    assert covers(changed, "research", NOW) == "permit"
    assert covers([*changed, record("deny", "research", begin=2026)], "research", NOW) == "deny"


def test_a_denial_of_nothing_named_denies_everything() -> None:
    assert covers([record("deny")], "research", NOW) == "deny"
    assert covers([record("permit")], "research", NOW) is None


YEARS = st.none() | st.integers(2024, 2028)
RECORDS = st.lists(
    st.builds(
        record,
        st.sampled_from(["permit", "deny"]),
        st.sampled_from(["research", "commercial"]),
        begin=YEARS,
        end=YEARS,
    )
)


@given(RECORDS)
def test_a_further_denial_without_end_always_denies(records: list[Consent]) -> None:
    assert covers([*records, record("deny", "research")], "research", NOW) == "deny"


@given(RECORDS)
def test_a_further_permit_never_takes_a_permission_away(records: list[Consent]) -> None:
    before = covers(records, "research", NOW)
    after = covers([*records, record("permit", "research")], "research", NOW)
    assert after == "permit" or before != "permit"


@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(records, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(records)
    random.shuffle(shuffled)
    assert covers(shuffled, "research", NOW) == covers(records, "research", NOW)
