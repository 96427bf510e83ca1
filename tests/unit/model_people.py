"""People whose walks a model can learn from, on a lake held in memory."""

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from lakehouse.core.actors import Role
from lakehouse.core.lineage import LineageRecord
from lakehouse.pipeline.site import Site

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class MemoryLake:
    """Tables by name; every version of one is the same."""

    tables: dict[str, pa.Table] = field(default_factory=dict)

    def read(self, table, version, columns=None):
        rows = self.tables[table]
        return rows.select(list(columns)) if columns else rows


def walks_of(subjects: list[str]) -> pa.Table:
    """Three walks a person, the last one no usual walk; patients are one deviation off in every feature."""
    draw = random.Random(7)
    names = example_names()
    rows = []
    for place, subject in enumerate(subjects):
        sick = place % 2 == 0
        for walk in (1, 2, 10):
            values = {name: draw.gauss(0.7 * sick, 1.0) for name in names}
            rows.append({"subject": subject, "study": "Ga", "walk": walk, "group": group_of(sick), **values})
    rows[0][names[0]] = None
    return pa.Table.from_pylist(rows)


def group_of(sick: bool) -> str:
    return "parkinson" if sick else "control"


def example_names() -> list[str]:
    recipe = tomllib.loads((ROOT / "models" / "pd_screen.toml").read_text())
    return [feature["name"] for feature in recipe["feature"]]


def people_of(subjects: list[str]) -> pa.Table:
    facts = {"height_m": 1.7, "weight_kg": None}
    return pa.Table.from_pylist(
        [
            {"subject": s, **facts, "age": 50 + n, "sex": ("male", "female")[n % 2]}
            for n, s in enumerate(subjects)
        ],
        schema=pa.schema(
            [
                ("subject", pa.string()),
                ("age", pa.int64()),
                ("sex", pa.string()),
                ("height_m", pa.float64()),
                ("weight_kg", pa.float64()),
            ]
        ),
    )


def with_people(site: Site, count: int, version: int = 1) -> Site:
    """Return the site with so many people in its two silver tables, as refine would have left them."""
    found = site.vault.subjects_for("gaitpdb", [f"GaPt{number:02}" for number in range(count)])
    subjects = list(found.values())
    return with_tables(
        site, {"silver.gait_features": walks_of(subjects), "silver.gait_people": people_of(subjects)}, version
    )


def with_tables(site: Site, tables: Mapping[str, pa.Table], version: int = 1) -> Site:
    """Return the site with signed versions of these tables; their leaves are numbered from 0."""
    with site.registry.transaction() as tx:
        for number, (table, rows) in enumerate(tables.items()):
            tx.add(
                "versions",
                table_name=table,
                version=version,
                intent_id=f"i{version}",
                kind="write",
                leaf_index=number,
                rows=len(rows),
                file_digest="0" * 64,
                content_digest=f"{version + number:064x}",
                run_key=f"{table}{version}",
                inputs=[],
                record=record_of(site, table, version),
                details={},
                salt="",
                manifest=[],
                created_at="2026-11-22T10:00:00Z",
            )
    return replace(site, lake=MemoryLake({**getattr(site.lake, "tables", {}), **tables}))


def record_of(site: Site, table: str, version: int) -> str:
    record = LineageRecord(
        kind="write",
        table=table,
        version=version,
        digests={},
        policy_digest=site.policy.digest,
        code_version=site.code_version,
        vault_counter=0,
        time="2026-11-22T10:00:00Z",
        details_commitment="0" * 64,
    )
    return record.public_bytes().decode()


def with_denial(site: Site, person: str) -> Site:
    """Return the site in which a consent record of this person denies research."""
    subject = site.vault.find_subject("gaitpdb", person)
    record = {"subject": subject, "decision": "deny", "purposes": "research", "from": None, "to": None}
    schema = pa.schema([(name, pa.string()) for name in record])
    return with_tables(site, {"bronze.consents": pa.Table.from_pylist([record], schema=schema)})


def as_everyone(site: Site) -> Site:
    return replace(site, actor=replace(site.actor, roles=frozenset(Role)))
