"""A small site to report on: two bronze tables, one silver, one gold, all made up."""

import tomllib
from pathlib import Path

from lakehouse.core.budget import Charge, PrivacyLoss
from lakehouse.core.contract import (
    Check,
    Column,
    ColumnType,
    Contracts,
    DatasetContract,
    Handling,
    Layer,
    Sensitivity,
    Statistic,
)
from lakehouse.core.policy import parse_policy
from lakehouse.core.report_sources import LogHead, SiteFacts, TableFacts, VersionFacts

POLICY = Path(__file__).parents[2] / "expectations" / "policies" / "research.toml"


def column(name, sensitivity, method, kind=ColumnType.TEXT, **more):
    return Column(
        name=name,
        type=kind,
        sensitivity=Sensitivity(sensitivity),
        handling=Handling(method=method, parameters=more.pop("parameters", {})),
        source=name,
        **more,
    )


def contract(layer, name, columns=(), **more):
    return DatasetContract(
        layer=layer,
        name=name,
        title=more.pop("title", name),
        description=more.pop("description", ""),
        revision=1,
        grain="one person",
        keys=("subject",),
        population="gait",
        purposes=("research",),
        retention_days=3650,
        columns=tuple(columns),
        checks=more.pop("checks", ()),
        digest="ab" * 32,
        file=f"expectations/{layer}/{name}.toml",
        **more,
    )


CONTRACTS = Contracts(
    by_table={
        own.table: own
        for own in (
            contract(Layer.BRONZE, "walks", folders=("gaitpdb",)),
            contract(
                Layer.SILVER,
                "people",
                [
                    column("age", "quasi", "cap", ColumnType.INTEGER, unit="years", parameters={"top": 90}),
                    column("height_m", "quasi", "harmonise", ColumnType.NUMBER, statistic=Statistic.PRIVATE),
                    column("notes", "free_text", "redact"),
                ],
                source="bronze.walks",
                checks=(
                    Check(
                        expect="expect_column_values_to_be_between",
                        arguments={"column": "age", "min_value": 0, "max_value": 120},
                    ),
                ),
            ),
            contract(Layer.GOLD, "open", [column("age_band", "quasi", "keep")], reads=("silver.people",)),
        )
    }
)


def version(table, leaf, rows, inputs=(), **details):
    actor = {"name": "engineer", "roles": ["engineer"], "authenticated": "os", "account": None}
    row = {
        "table_name": table,
        "version": 0,
        "leaf_index": leaf,
        "rows": rows,
        "inputs": list(inputs),
        "intent_id": f"{leaf:032x}",
        "kind": "write",
        "file_digest": "3f" * 32,
        "content_digest": f"{leaf:064x}",
        "created_at": "2026-11-22T10:00:00Z",
        "details": {"actor": actor, "run": "manual__1", **details},
    }
    record = {"code_version": "0.1.0", "policy_digest": "cc" * 32, "consent_root": None}
    return VersionFacts(row=row, record=record)


WALKS = version("bronze.walks", 0, 2_541_934, received=2_541_934, quarantined=0)
PEOPLE = version(
    "silver.people",
    1,
    165,
    [0],
    received=167,
    accepted=165,
    quarantined=2,
    subjects=165,
    reasons={"unlinked_person": 2},
    checks=[
        {"expect": "expect_column_values_to_be_between", "column": "age", "success": False, "unexpected": 1}
    ],
    findings={"notes PERSON": 41},
)
OPEN = version("gold.open", 2, 159, [1])

CHARGE = Charge(
    charge_id="1",
    population="gait",
    purpose="research",
    actor="analyst",
    loss=PrivacyLoss.of("0.5"),
    question_digest="",
    time="2026-11-22T10:20:00Z",
)


def site_facts(**more):
    return SiteFacts(
        name=more.pop("name", "local"),
        time="2026-11-22T10:30:00Z",
        code_version="0.1.0+abc",
        policy=parse_policy(tomllib.loads(POLICY.read_text()), POLICY.name),
        contracts=more.pop("contracts", CONTRACTS),
        head=LogHead(origin="livinglab.local/00ff", size=3, root="7c" * 32, note="livinglab.local/00ff\n3\n"),
        charges=(CHARGE,),
    )


def people_facts(**more):
    silver = CONTRACTS.by_table["silver.people"]
    return TableFacts(site=site_facts(**more), contract=silver, version=PEOPLE, newest=0, ancestry={0: WALKS})


def open_facts(**release):
    judged = {
        "state": "PUBLISHED",
        "suppressed": 3,
        "k": 6,
        "l": 2,
        "t": "0.43",
        "reasons": [],
        "facts": {"facts": [{"name": "k", "measured": "6", "limit": "at least 5", "holds": True}]},
        **release,
    }
    return TableFacts(
        site=site_facts(),
        contract=CONTRACTS.by_table["gold.open"],
        version=OPEN,
        newest=0,
        ancestry={0: WALKS, 1: PEOPLE},
        release=judged,
    )
