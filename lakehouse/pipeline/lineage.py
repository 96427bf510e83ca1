"""lineage replay: the site's whole lineage as OpenLineage events, to a file or a receiver."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lakehouse.adapters.lineage_receiver import LineageReceiver
from lakehouse.adapters.openlineage_events import lineage_events
from lakehouse.adapters.openlineage_runs import Event, LineageSources
from lakehouse.adapters.openlineage_statements import VERBS
from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.report_sources import StatementFacts, VersionFacts
from lakehouse.errors import Unavailable
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How many events of how many runs went out; sent again, the same events go."""

    events: int
    runs: int

    def as_json(self) -> dict[str, object]:
        """Return the counts of `lineage replay`."""
        return {"events": self.events, "runs": self.runs}


def site_events(site: Site) -> Iterator[Event]:
    """Yield the events of every logged version, answer and model. Raises NotAllowed, Damaged, Unavailable."""
    site.actor.require("report")
    with site.registry.reading() as tx:
        versions, intents = tx.many("versions", order="leaf_index"), tx.many("intents")
        sources = _sources(site, tx, versions, intents, tx.many("records", kind=list(VERBS)))
    yield from lineage_events(sources)


def written_events(site: Site, leaves: range) -> list[Event]:
    """Return the events of what ends within `leaves`, as a replay gives them."""
    with site.registry.reading() as tx:
        found = tx.many("versions", leaf_index=list(leaves))
        intents = list({row["intent_id"] for row in found})
        written = tx.many("versions", intent_id=intents, order="leaf_index")
        stated = tx.many("records", leaf_index=list(leaves), kind=list(VERBS))
        known = {row["leaf_index"] for row in written}
        read = list({leaf for row in (*written, *stated) for leaf in row["inputs"] or ()} - known)
        rows = [*tx.many("versions", leaf_index=read), *written]
        sources = _sources(site, tx, rows, tx.many("intents", intent_id=intents), stated)
    return list(lineage_events(sources, leaves))


def _sources(
    site: Site, tx: Transaction, versions: Iterable[Row], intents: Iterable[Row], statements: Iterable[Row]
) -> LineageSources:
    return LineageSources(
        origin=site.home.origin,
        contracts=site.contracts,
        policy=site.policy,
        versions=[VersionFacts.of(row) for row in versions],
        statements=[StatementFacts.of(row) for row in statements],
        begun={row["intent_id"]: (row["verb"], row["created_at"]) for row in intents},
        releases=tx.many("releases", order="created_at"),
    )


def event_lines(site: Site) -> tuple[bytes, Replay]:
    """Return the events as NDJSON: one JSON object a line."""
    lines = [json.dumps(event, separators=(",", ":"), ensure_ascii=False) for event in site_events(site)]
    content = "".join(f"{line}\n" for line in lines).encode()
    return content, _counted(len(lines))


def send_events(site: Site, receiver: LineageReceiver, advance: Callable[[int], None]) -> Replay:
    """Send all events, one after another; those that it refuses hold up no other.

    Raises Unavailable where the receiver is down, and, once all are sent, where it refused some.
    """
    sent = refused = 0
    for event in site_events(site):
        taken = receiver.send(event)
        sent, refused = sent + taken, refused + (not taken)
        advance(1)
    if refused:
        raise Unavailable(
            f"the lineage receiver refused {refused} of {sent + refused} events",
            remedy="see what it logs, then replay again",
            refused=refused,
        )
    return _counted(sent)


def _counted(events: int) -> Replay:
    """Every run has its START and its COMPLETE."""
    return Replay(events=events, runs=events // 2)
