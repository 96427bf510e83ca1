"""The tables of registry.db: a name, its columns by kind, its key.

Kinds: text, integer, json (any JSON value without floats). Every row also carries a MAC (`sql_registry`).
`ADDED` and `DROPPED` say which format of the home (`core.home_format`) brought a table and which ended it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """Columns by kind and the names of the primary key."""

    key: tuple[str, ...]
    columns: Mapping[str, Kind]


def _table(key: str, **kinds: str) -> TableSchema:
    columns: dict[str, Kind] = {}
    for kind in ("text", "integer", "json"):
        for name in kinds.get(kind, "").split():
            columns[name] = kind
    return TableSchema(key=tuple(key.split()), columns=columns)


REGISTRY: Mapping[str, TableSchema] = {
    "intents": _table("intent_id", text="intent_id run_key verb state created_at", json="tables payload"),
    "versions": _table(
        "table_name version",
        text="table_name intent_id kind file_digest content_digest run_key record salt created_at",
        integer="version leaf_index rows",
        json="inputs details manifest statements",
    ),
    "entries": _table("leaf_index", text="entry leaf_hash kind ref", integer="leaf_index"),
    "checkpoints": _table("size", text="root note created_at", integer="size"),
    "cosignatures": _table("size witness", text="witness line created_at", integer="size"),
    "time_stamps": _table("size authority", text="authority token created_at", integer="size"),
    "batches": _table(
        "dataset batch",
        text="dataset run_key intent_id created_at",
        integer="batch received accepted quarantined subjects",
        json="reasons",
    ),
    "batch_files": _table("dataset source_digest", text="dataset source_digest", integer="batch file"),
    "leaf_shards": _table("table_name shard", text="table_name shard", json="leaves"),
    "records": _table(
        "leaf_index",
        text="kind ref record salt created_at",
        integer="leaf_index",
        json="details inputs statements",
    ),
    "releases": _table(
        "release_id",
        text="release_id product table_name state run_key content_digest intent_id created_at updated_at t",
        integer="version draft_version rows suppressed k l findings leaf_index",
        json="reasons facts",
    ),
    "decisions": _table(
        "decision_id",
        text="decision_id release_id decision reason created_at",
        integer="leaf_index",
        json="actor",
    ),
    "answers": _table(
        "question_digest",
        text="question_digest receipt population purpose created_at",
        integer="leaf_index",
        json="question answer actor",
    ),
    "charges": _table(
        "charge_id",
        text="charge_id population purpose actor measure question_digest created_at",
        integer="micro_epsilon",
    ),
    "missed_deadlines": _table("dag run", text="dag run created_at"),
    "models": _table(
        "name digest", text="name digest state run_key created_at", integer="leaf_index", json="manifest card"
    ),
    "restores": _table(
        "restore_id", text="restore_id backup made_at restored_at state", integer="size", json="actor"
    ),
}

FORMER: Mapping[str, TableSchema] = {
    "content_leaves": _table("table_name pseudonym", text="table_name pseudonym leaf intent_id"),
}
"""The tables that homes of earlier formats have: `livinglab upgrade` reads them."""

ADDED: Mapping[int, tuple[str, ...]] = {2: ("missed_deadlines", "restores"), 3: ("leaf_shards",)}
"""Every format adds a table at least: by that one sees which format a killed upgrade has reached."""
DROPPED: Mapping[int, tuple[str, ...]] = {3: ("content_leaves",)}


def tables_of(number: int) -> tuple[str, ...]:
    """Return the tables that a home of a format has."""
    later = {name for added, names in ADDED.items() if added > number for name in names}
    gone = {name for dropped, names in DROPPED.items() if dropped <= number for name in names}
    return tuple(name for name in (*REGISTRY, *FORMER) if name not in later | gone)
