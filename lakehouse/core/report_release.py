"""The sections of a report on a release: how it was judged, whose consent covers it, what it cost."""

import re
from collections.abc import Mapping, Sequence

from lakehouse.core.budget import decimal_text, epsilon_of
from lakehouse.core.report import Fact, Grid, Section, Tone, facts_of, filled, moment, shown
from lakehouse.core.report_sources import Row, TableFacts
from lakehouse.core.report_utility import page_loss
from lakehouse.core.report_words import actor_words

FACTS_ABOUT_PEOPLE = ("rows left out", "people singled out")


def release_section(table: TableFacts) -> Section | None:
    """How the release was judged: k, l, t and loss beside their targets, consent, decisions."""
    release = table.release
    if release is None:
        return None
    waits = release["state"] == "SUBMITTED"
    told = facts_of(
        [
            ("State", release["state"]),
            ("Rows left out", table.people(release.get("suppressed"))),
            ("Information lost", _loss_words(page_loss(table))),
            ("Waits because", ("; ".join(release.get("reasons") or ()) or None) if waits else None),
        ]
    )
    grids = (*filled(_measured(table)), *filled(_decided(table.decisions)))
    lead = "Measured on the finished table, not taken from the targets."
    return Section(anchor="release", title="How the release was judged", lead=lead, facts=told, grids=grids)


def consent_section(table: TableFacts) -> Section | None:
    """Whose permission covers the rows."""
    consent = table.judged.get("consents")
    root = table.version.record.get("consent_root")
    if not consent and not root:
        return None
    counts = consent if isinstance(consent, Mapping) else {}
    words = {
        "permitted": "People in it",
        "by_record": "By a consent record",
        "by_policy": "By the policy, no record",
        "denied": "Left out: denied",
    }
    facts = [
        Fact(name=words[name], value=table.people(counts[name]))
        for name in words
        if isinstance(counts.get(name), int)
    ]
    if table.withdrawn_since:
        facts.append(Fact(name="Have withdrawn since", value=table.people(table.withdrawn_since)))
    opened = facts_of([("Consent root", root)], code=True)
    lead = "Only people whose consent or the policy permits the purpose. The root commits to who they are."
    return Section(anchor="consent", title="Consent coverage", lead=lead, facts=(*facts, *opened))


def budget_section(table: TableFacts) -> Section | None:
    """The privacy loss spent on the population of the table."""
    population = table.contract.population
    budget = table.site.policy.budgets.get(population)
    if budget is None:
        return None
    charges = [charge for charge in table.site.charges if charge.population == population]
    spent = sum(charge.loss.micro for charge in charges)
    rows = tuple(
        (moment(charge.time), charge.actor, charge.purpose, decimal_text(charge.loss.epsilon))
        for charge in charges
    )
    left = budget.cap - epsilon_of(spent)
    facts = facts_of(
        [
            ("Epsilon spent", decimal_text(epsilon_of(spent))),
            ("Cap, for ever", decimal_text(budget.cap)),
            ("Left", decimal_text(left)),
        ]
    )
    grid = Grid(columns=("Charged", "By", "Purpose", "Epsilon"), rows=rows, right=("Epsilon",))
    lead = f"All answers about the population {population!r} share one budget; every charge stands here."
    return Section(anchor="budget", title="Privacy loss spent", lead=lead, facts=facts, grids=filled(grid))


def _measured(table: TableFacts) -> Grid:
    facts = ((table.release or {}).get("facts") or {}).get("facts") or ()
    rows = tuple(
        (
            str(fact.get("name")),
            _measured_words(table, fact),
            shown(fact.get("limit")),
            "holds" if fact.get("holds") else "missed",
        )
        for fact in facts
    )
    tones = tuple(Tone.GOOD if fact.get("holds") else Tone.WARN for fact in facts)
    return Grid(columns=("Measured", "Value", "Limit", "Verdict"), rows=rows, tones=tones)


def _measured_words(table: TableFacts, fact: Row) -> str:
    """Return a measured value; where it counts people, as the page may tell it."""
    measured = shown(fact.get("measured"))
    if not str(fact.get("name")).startswith(FACTS_ABOUT_PEOPLE):
        return measured
    return re.sub(r"[0-9]+", lambda number: table.people(int(number[0])), measured)


def _decided(decisions: Sequence[Row]) -> Grid:
    rows = tuple(
        (own["decision"], actor_words(own["actor"]) or "–", own["reason"], moment(own["created_at"]))
        for own in decisions
    )
    return Grid(columns=("Decision", "By", "Reason", "When"), rows=rows)


def _loss_words(loss: object) -> str | None:
    return None if loss is None else f"{loss} (0 nothing, 1 everything; mean normalised certainty penalty)"
