from datetime import UTC, datetime

import pyarrow as pa
import pytest

from lakehouse.adapters.consent_rows import read_consents
from lakehouse.core.consent import Consent
from lakehouse.errors import Damaged


def read(
    begin: str | None = None, end: str | None = None, purposes: str | None = '["research"]'
) -> list[Consent]:
    rows = pa.table(
        {
            "subject": ["p", None],
            "decision": ["permit", "deny"],
            "purposes": pa.array([purposes] * 2, pa.string()),
            "from": pa.array([begin] * 2, pa.string()),
            "to": pa.array([end] * 2, pa.string()),
        }
    )
    return list(read_consents(rows))


def test_a_row_without_a_person_says_nothing() -> None:
    assert [(record.subject, record.decision) for record in read()] == [("p", "permit")]


def test_a_day_named_as_the_end_belongs_to_the_time() -> None:
    (record,) = read(begin="2026-01-01", end="2026-12-31")
    assert record.speaks_for("research", datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert not record.speaks_for("research", datetime(2027, 1, 1, tzinfo=UTC))
    assert not record.speaks_for("research", datetime(2025, 12, 31, 23, 59, tzinfo=UTC))


def test_a_moment_named_as_the_end_does_not() -> None:
    (record,) = read(end="2026-12-31T10:00:00+02:00")
    assert record.valid_to == datetime(2026, 12, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "purposes"),
    [('["research", "commercial"]', {"research", "commercial"}), ("research", {"research"}), (None, set())],
)
def test_purposes_are_a_list_one_or_none(text: str | None, purposes: set[str]) -> None:
    (record,) = read(purposes=text)
    assert record.purposes == purposes


@pytest.mark.parametrize(("begin", "purposes"), [("soon", '["research"]'), (None, "[research")])
def test_what_cannot_be_parsed_is_damage_and_not_a_permit(begin: str | None, purposes: str) -> None:
    with pytest.raises(Damaged):
        read(begin=begin, purposes=purposes)
