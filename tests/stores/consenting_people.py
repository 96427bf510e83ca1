"""A site of people who may withdraw: twenty of the gait study, under the shipped contract of consents."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from lakehouse.core.contract import Contracts, DatasetContract
from lakehouse.pipeline.site import Site

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PEOPLE = 20


def with_people(opened: Site, tables: Mapping[str, DatasetContract]) -> Site:
    """Return the site at noon with these contracts of tables.

    `GaPt01` to `GaPt20` are the people whom the tests' rows call `p0` to `p19`.
    """
    shipped = {f"bronze.{name}": opened.contracts.bronze(name) for name in ("consents", "gait_people")}
    names = [f"GaPt{number:02}" for number in range(1, PEOPLE + 1)]
    known = opened.vault.subjects_for("gaitpdb", names)
    opened.vault.subjects_for("gaitpdb", [f"p{number}" for number in range(PEOPLE)])
    for number, name in enumerate(names):
        opened.vault.link(known[name], "gaitpdb", [f"p{number}"])
    return replace(opened, contracts=Contracts(by_table={**tables, **shipped}), clock=lambda: NOON)
