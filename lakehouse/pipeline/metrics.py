"""metrics: a site's figures for a monitor, read from the registry alone.

Counts of rows and findings are rounded as released counts are; those from 1 to below the policy's k are
left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.contract import Layer
from lakehouse.core.metrics import Metric, Sample, counter, gauge, sample, shown_count
from lakehouse.core.release import ReleaseState
from lakehouse.pipeline.alert_delivery import waiting_notices
from lakehouse.pipeline.alerts import moment_of, watched_alerts
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.cosign import read_cosigning
from lakehouse.pipeline.intents import OPEN
from lakehouse.pipeline.lineage_outbox import waiting_lineage
from lakehouse.pipeline.lineage_refused import refused_lineage
from lakehouse.pipeline.site import Site

STALE_AFTER = timedelta(hours=1)
"""A write lives for minutes: an older open intent was left by a killed process."""


Key = TypeVar("Key", tuple[str], tuple[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class _RegistryRows:
    """What the figures are made from, of one consistent state."""

    batches: list[Row]
    versions: list[Row]
    heads: list[Row]
    cosignatures: list[Row]
    releases: list[Row]
    intents: list[Row]

    @classmethod
    def read(cls, tx: Transaction) -> "_RegistryRows":
        return cls(
            batches=tx.many("batches"),
            versions=tx.many("versions", order="leaf_index"),
            heads=tx.many("checkpoints", order="size", newest=1),
            cosignatures=tx.many("cosignatures", order="created_at", newest=1),
            releases=tx.many("releases", order="created_at"),
            intents=tx.many("intents", state=OPEN),
        )


def absent_metrics() -> list[Metric]:
    """Return what can be said where there is no home."""
    return [gauge("initialised", "1 where the home is initialised", [sample(0)])]


def site_metrics(site: Site) -> list[Metric]:
    """Return all figures of a site. Raises NotAllowed, Damaged, Unavailable, ContractError."""
    site.actor.require("metrics")
    with site.registry.reading() as tx:
        rows = _RegistryRows.read(tx)
    return [
        gauge("initialised", "1 where the home is initialised", [sample(1)]),
        *_input_metrics(site, rows),
        *_table_metrics(site, rows),
        *_log_metrics(site, rows),
        *_people_metrics(site, rows),
        *_alert_metrics(site),
    ]


def _alert_metrics(site: Site) -> Iterator[Metric]:
    yield gauge(
        "alert_firing",
        "1 where a threshold of the site file is passed",
        [sample(int(own.firing), alert=own.name, about=own.about) for own in watched_alerts(site)],
    )
    if site.alerts.told_anywhere:
        meaning = "Alerts begun or ended that a receiver has not taken"
        yield gauge("alerts_untold", meaning, [sample(waiting_notices(site))])


def _input_metrics(site: Site, rows: _RegistryRows) -> Iterator[Metric]:
    totals: dict[str, Counter[str]] = {name: Counter() for name in ("received", "accepted")}
    reasons: Counter[tuple[str, str]] = Counter()
    for row in rows.batches:
        for name, counted in totals.items():
            counted[row["dataset"]] += row[name] or 0
        for reason, count in (row["reasons"] or {}).items():
            reasons[(row["dataset"], reason)] += count
    reasons.update(_taken_in_later(rows))
    for name, counted in totals.items():
        shown = _shown(site, {(dataset,): count for dataset, count in counted.items()}, "dataset")
        yield counter(f"rows_{name}", f"Input rows {name} by land", shown)
    meaning = "Input rows that land set aside"
    yield counter("rows_quarantined", meaning, _shown(site, reasons, "dataset", "reason"))


def _taken_in_later(rows: _RegistryRows) -> Counter[tuple[str, str]]:
    """Count what retries took out of quarantines, by data set and reason: it stays in what only grows."""
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows.versions:
        details = row["details"] or {}
        if row["table_name"] == f"{Layer.BRONZE}.{details.get('dataset')}":
            for reason, count in (details.get("passed_reasons") or {}).items():
                counted[(details["dataset"], reason)] += count
    return counted


def _table_metrics(site: Site, rows: _RegistryRows) -> Iterator[Metric]:
    versions = Counter(row["table_name"] for row in rows.versions)
    newest = {row["table_name"]: row["details"] or {} for row in rows.versions if row["kind"] == "write"}
    known = {table: details for table, details in newest.items() if site.contracts.find(table)}
    aside = {
        (table, reason): count
        for table, details in known.items()
        if table.startswith(f"{Layer.SILVER}.")
        for reason, count in (details.get("reasons") or {}).items()
    }
    found = {
        key: count
        for table, details in known.items()
        if not table.startswith(f"{Layer.GOLD}.")
        for key, count in _findings(table, details).items()
    }
    released = {(row["product"],): row["findings"] for row in rows.releases if row["findings"] is not None}
    yield counter(
        "versions", "Signed versions of a table", [sample(n, table=name) for name, n in versions.items()]
    )
    yield gauge(
        "refine_rows_quarantined",
        "Input rows that refine set aside for the newest version",
        _shown(site, aside, "table", "reason"),
    )
    yield gauge(
        "findings",
        "Personal data found and removed in the newest version (bronze: newest batch)",
        _shown(site, found, "table", "entity"),
    )
    meaning = "Personal data found in the finished product of the newest release"
    yield gauge("release_findings", meaning, _shown(site, released, "product"))


def _findings(table: str, details: Mapping[str, Mapping[str, int]]) -> Counter[tuple[str, str]]:
    """Count by kind of personal data: details name `column KIND`, or `undeclared #3 KIND`."""
    counted: Counter[tuple[str, str]] = Counter()
    for place, count in (details.get("findings") or {}).items():
        counted[(table, place.rpartition(" ")[2])] += count
    return counted


def _log_metrics(site: Site, rows: _RegistryRows) -> Iterator[Metric]:
    now = site.clock()
    yield gauge("log_size", "Leaves of the log", [sample(site.log.size())])
    yield gauge("log_head_age_seconds", "Since the newest head was signed", _ages(rows.heads, now))
    yield gauge(
        "cosignature_age_seconds", "Since the newest cosignature was kept", _ages(rows.cosignatures, now)
    )
    if site.log_policy.witnesses:
        cosigning = read_cosigning(site)
        yield gauge(
            "head_cosignatures", "Witnesses who cosigned the newest head", [sample(len(cosigning.collected))]
        )
        yield gauge("head_cosignatures_wanted", "Witnesses whom the site demands", [sample(cosigning.wanted)])
    if site.lineage.wanted:
        meaning = "Leaves and failed steps whose lineage has not been sent"
        yield gauge("lineage_waiting", meaning, [sample(waiting_lineage(site))])
        meaning = "Lineage events that the receiver refused, set aside"
        yield gauge("lineage_refused", meaning, [sample(refused_lineage(site))])
    stale = sum(now - moment_of(row) > STALE_AFTER for row in rows.intents)
    yield gauge("intents_open", "Writes begun and not ended", [sample(len(rows.intents))])
    yield gauge("intents_stale", "Writes begun more than an hour ago and not ended", [sample(stale)])


def _people_metrics(site: Site, rows: _RegistryRows) -> Iterator[Metric]:
    waiting = Counter(row["product"] for row in rows.releases if row["state"] == ReleaseState.SUBMITTED)
    products = [contract.name for contract in site.contracts.of_layer(Layer.GOLD)]
    yield gauge(
        "approvals_open",
        "Releases that wait for a decision",
        [sample(waiting[product], product=product) for product in products],
    )
    budgets = budget_rows(site)
    for name, meaning in (
        ("cap", "Privacy loss (epsilon) that answers may cost together"),
        ("spent", "Privacy loss (epsilon) that answers have cost"),
        ("left", "Privacy loss (epsilon) that answers may still cost"),
    ):
        yield gauge(
            f"budget_epsilon_{name}",
            meaning,
            [
                sample(Decimal(getattr(row, name)), population=row.population, purpose=row.purpose)
                for row in budgets
            ],
        )


def _ages(rows: Iterable[Row], now: datetime) -> list[Sample]:
    return [sample(max(0, int((now - moment_of(row)).total_seconds()))) for row in rows if row["created_at"]]


def _shown(site: Site, counted: Mapping[Key, int], *labels: str) -> list[Sample]:
    floor = site.policy.floor
    shown = {key: shown_count(count, minimum=floor.k, step=floor.round_to) for key, count in counted.items()}
    return [
        Sample(value=count, labels=dict(zip(labels, key, strict=True)))
        for key, count in sorted(shown.items())
        if count is not None
    ]
