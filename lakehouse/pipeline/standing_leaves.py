"""The content leaf of everybody in the newest version of a table, kept in shards (docs/adr/leaf-shards.md).

A shard is one row of the registry with one MAC: all people whose pseudonyms begin with the same two hex
digits. Pseudonyms are random, so shards are alike in size. The leaf of rows without a subject stands under
the empty name, in a shard of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from lakehouse.adapters.sql_registry import Transaction
from lakehouse.core.merkle import leaf_hash, root_of

SHARDS = "leaf_shards"
SHARD_DIGITS = 2
SHARDS_A_QUERY = 16
"""A shard of a table of 1,000,000 people is 400 kB of text."""

Shard: TypeAlias = dict[str, dict[str, str]]
"""Leaves (hex) by pseudonym, by the id of the intent that last changed these people's rows."""


def shard_of(pseudonym: str) -> str:
    """Return the name of the shard in which a person's leaf stands."""
    return pseudonym[:SHARD_DIGITS]


def content_root(leaves: Iterable[str]) -> str:
    """Return the Merkle root over content leaves (hex) sorted by value, in hex."""
    return root_of(leaf_hash(bytes.fromhex(leaf)) for leaf in sorted(leaves)).hex()


def standing_leaves(tx: Transaction, table: str) -> dict[str, str]:
    """Return the leaf of everybody in a table, by pseudonym."""
    return {name: leaf for _, people in _everybody(tx, table) for name, leaf in people.items()}


def leaves_of_others(tx: Transaction, table: str, changed: Mapping[str, str]) -> Iterator[str]:
    """Yield the leaf of everybody in a table who is not in `changed`."""
    for _, people in _everybody(tx, table):
        yield from (leaf for name, leaf in people.items() if name not in changed)


def standing_intents(tx: Transaction, table: str) -> dict[str, str]:
    """Return the intent under which each person's leaf stands, by pseudonym, of everybody in a table."""
    return {name: intent for intent, people in _everybody(tx, table) for name in people}


def intents_of(tx: Transaction, table: str, pseudonyms: Iterable[str]) -> dict[str, str]:
    """Return the intents under which these people's leaves stand; only their shards are read."""
    wanted = set(pseudonyms)
    shards = _read_shards(tx, table, {shard_of(name) for name in wanted})
    standing = (part for shard in shards.values() for part in shard.items())
    return {name: intent for intent, people in standing for name in wanted & people.keys()}


def keep_leaves(
    tx: Transaction, table: str, intent: str, leaves: Mapping[str, str], *, replaces: bool
) -> None:
    """Let these be the leaves of these people from now on; with `replaces`, the only ones of the table.

    Without it only the shards of these people are read and written.
    """
    if replaces:
        tx.drop(SHARDS, table_name=table)
    changed: dict[str, dict[str, str]] = {}
    for name, leaf in leaves.items():
        changed.setdefault(shard_of(name), {})[name] = leaf
    names = sorted(changed)
    for start in range(0, len(names), SHARDS_A_QUERY):
        chosen = names[start : start + SHARDS_A_QUERY]
        there = {} if replaces else _read_shards(tx, table, chosen)
        if there:
            tx.drop(SHARDS, table_name=table, shard=list(there))
        add_shards(
            tx, table, {name: _with_people(there.get(name, {}), intent, changed[name]) for name in chosen}
        )


def add_shards(tx: Transaction, table: str, shards: Mapping[str, Shard]) -> None:
    """Add shards that are not there yet, by name."""
    tx.add_all(SHARDS, ({"table_name": table, "shard": name, "leaves": own} for name, own in shards.items()))


def _with_people(shard: Shard, intent: str, changed: Mapping[str, str]) -> Shard:
    kept = {
        earlier: {name: leaf for name, leaf in people.items() if name not in changed}
        for earlier, people in shard.items()
    }
    return {**{earlier: people for earlier, people in kept.items() if people}, intent: dict(changed)}


def _everybody(tx: Transaction, table: str) -> Iterator[tuple[str, dict[str, str]]]:
    for row in tx.each(SHARDS, table_name=table):
        yield from row["leaves"].items()


def _read_shards(tx: Transaction, table: str, names: Iterable[str]) -> dict[str, Shard]:
    rows = tx.many(SHARDS, table_name=table, shard=list(names))
    return {row["shard"]: row["leaves"] for row in rows}
