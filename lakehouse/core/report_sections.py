"""The sections of a report on one table, in the order a data protection officer reads them."""

from collections.abc import Iterator, Mapping

from lakehouse.core.contract import Column, Layer
from lakehouse.core.release_rules import parse_release_rules
from lakehouse.core.report import Grid, Section, Tone, facts_of, filled, moment, shown
from lakehouse.core.report_gold import other_columns, released_columns
from lakehouse.core.report_sources import Row, TableFacts, VersionFacts
from lakehouse.core.report_words import (
    LEARN,
    REASONS,
    WHY,
    actor_words,
    expectation_name,
    handling_of,
    meaning_of,
)


def about_section(table: TableFacts) -> Section:
    """What the table is, for which purposes and on which legal basis, and how long it is kept."""
    contract, policy = table.contract, table.site.policy
    purposes = [policy.purposes[name] for name in contract.purposes if name in policy.purposes]
    facts = facts_of(
        [
            ("One row is", contract.grain),
            ("Population", contract.population),
            ("Kept for", f"{contract.retention_days:,}\u00a0days"),
            ("Policy", f"{policy.title} ({policy.name})"),
            ("Contract", f"{contract.file}, revision {contract.revision}"),
        ]
    )
    rows = tuple(
        (purpose.title, purpose.legal_basis, "permitted" if purpose.permits_without_record else "denied")
        for purpose in purposes
    )
    grid = Grid(columns=("Purpose", "Legal basis", "Without a consent record"), rows=rows)
    return Section(
        anchor="about",
        title="What this table is",
        lead=contract.description,
        facts=facts,
        grids=filled(grid),
    )


def origin_section(table: TableFacts) -> Section:
    """From which versions and sources it was made, and what was set aside."""
    inputs = tuple(
        (own.label, "–" if table.public else shown(own.rows), str(own.leaf), moment(own.row["created_at"]))
        for own in table.inputs
    )
    made = Grid(columns=("Made from", "Rows", "Leaf", "Written"), rows=inputs, right=("Rows", "Leaf"))
    version = table.version
    facts = facts_of(
        [
            ("Source folder", table.contract.folder if table.contract.layer is Layer.BRONZE else None),
            ("Format", table.contract.format),
        ]
    )
    return Section(
        anchor="origin",
        title="Where it comes from",
        lead=_balance_sentence(version),
        facts=facts,
        grids=(*filled(made), *filled(_reasons(version))),
        shows_flow=True,
    )


def columns_section(table: TableFacts) -> Section:
    """What was done to each column, and why."""
    rows = tuple(
        (
            column.name,
            meaning_of(column),
            f"{column.sensitivity}: {WHY[column.sensitivity]}",
            *done,
        )
        for column, done in _handled(table)
    )
    grid = Grid(
        columns=("Column", "Meaning", "Class and why", "What was done", "Analysts learn it"), rows=rows
    )
    lead = "Class, handling and limits stand in the contract; changing one makes a new version."
    return Section(anchor="columns", title="What was done to each column", lead=lead, grids=filled(grid))


def _handled(table: TableFacts) -> Iterator[tuple[Column, tuple[str, str]]]:
    """Yield each column with what was done to it and how analysts learn it."""
    if table.contract.layer is not Layer.GOLD or not table.contract.release:
        for column in table.contract.columns:
            yield column, (handling_of(column), LEARN[column.statistic])
        return
    rules = parse_release_rules(table.contract, table.site.policy.floor)
    named = released_columns(rules, table.judged.get("levels") or {})
    for column in table.contract.columns:
        yield column, named.get(column.name) or other_columns(column, rules)


def checks_section(table: TableFacts) -> Section:
    """Which checks of the contract passed and failed."""
    results = list(table.version.detail("checks") or ())
    if not results:
        return Section(anchor="checks", title="Checks", lead="No check was run on this version.")
    failed = [result for result in results if not result.get("success")]
    rows = tuple(
        (
            expectation_name(str(result.get("expect", ""))),
            shown(result.get("column")),
            _limits(table, result),
            shown(result.get("unexpected")),
            "passed" if result.get("success") else "failed",
        )
        for result in (*failed, *(own for own in results if own.get("success")))
    )
    tones = (*(Tone.BAD for _ in failed), *(Tone.GOOD for _ in range(len(results) - len(failed))))
    columns = ("Expected", "Column", "Limits", "Rows against it", "Result")
    aside = " Rows that fail are set aside." if table.contract.layer is Layer.SILVER else ""
    lead = f"{len(results) - len(failed)} of {len(results)} checks passed.{aside}"
    grid = Grid(columns=columns, rows=rows, right=("Rows against it",), tones=tones)
    return Section(anchor="checks", title="Checks", lead=lead, grids=(grid,))


def findings_section(table: TableFacts) -> Section:
    """Which personal data was found, and what of it is left."""
    found = table.version.detail("findings") or {}
    title = "Personal data found and left"
    if table.contract.layer is Layer.GOLD:
        left = table.release.get("findings") if table.release else None
        lead = "A last detection pass read every text of the finished table."
        return Section(anchor="findings", title=title, lead=lead, facts=facts_of([("Findings left", left)]))
    grid = findings_grid(found)
    lead = (
        "What the detectors found, by kind. What was found is handled as the columns above say, or its row "
        "is set aside; values are never kept."
        if grid.rows
        else "The detectors found no personal data where none may stand."
    )
    facts = facts_of([("Detector", table.version.detail("detector"))])
    return Section(anchor="findings", title=title, lead=lead, facts=facts, grids=filled(grid))


def findings_grid(findings: Mapping[str, int]) -> Grid:
    """Return what was found; keys are a kind, or a place and a kind: `undeclared #2 PERSON`."""
    told = [(*name.rpartition(" ")[::2], shown(count)) for name, count in sorted(findings.items())]
    kinds = tuple((kind.lower().replace("_", " "), count) for _, kind, count in told)
    if not any(place for place, _, _ in told):
        return Grid(columns=("Kind", "Count"), rows=kinds, right=("Count",))
    rows = tuple((place or "–", *kind) for (place, _, _), kind in zip(told, kinds, strict=True))
    return Grid(columns=("Where", "Kind", "Count"), rows=rows, right=("Count",))


def run_section(table: TableFacts) -> Section:
    """Who made the version, in which run, with which code and policy."""
    version = table.version
    facts = facts_of(
        [
            ("Written", moment(version.row["created_at"])),
            ("By", actor_words(version.detail("actor"))),
            ("DAG run", version.detail("run") or "none: made on the command line"),
            ("Kind of write", version.row["kind"]),
            ("Newest version of the table", table.newest),
        ]
    )
    digests = facts_of(
        [
            ("Code version", version.record.get("code_version")),
            ("Policy digest", version.record.get("policy_digest")),
            ("Contract digest", table.contract.digest),
        ],
        code=True,
    )
    return Section(anchor="run", title="Run and code", facts=(*facts, *digests))


def proof_section(table: TableFacts) -> Section:
    """The leaf, the head of the log, and the commands that check them."""
    head, version = table.site.head, table.version
    facts = facts_of(
        [
            ("Leaf", str(version.leaf)),
            ("Log", head.origin),
            ("Size", head.size),
            ("Root", head.root),
            ("File digest", version.row["file_digest"]),
            ("Content digest", version.row["content_digest"]),
            ("Checkpoint", head.note.strip()),
        ],
        code=True,
    )
    proof = f"{version.table.replace('.', '-')}-{version.row['version']}.proof.json"
    commands = (
        f"livinglab prove {version.label} -o {proof}\nlivinglab trust -o trust.json",
        f"livinglab verify {proof} --trust trust.json",
    )
    lead = (
        "The version has a leaf in the site's Merkle log, whose head is signed. "
        "The last command needs neither this site nor a network, only the two files."
    )
    return Section(anchor="proof", title="Proof", lead=lead, facts=facts, commands=commands)


def _balance_sentence(version: VersionFacts) -> str:
    received, quarantined = version.detail("received"), version.detail("quarantined")
    if not isinstance(received, int) or not isinstance(quarantined, int):
        return ""
    return (
        f"{received:,} received = {received - quarantined:,} accepted + {quarantined:,} set aside. "
        "Nothing disappears without a reason."
    )


def _limits(table: TableFacts, result: Row) -> str:
    """Return the arguments that the contract gives a check."""
    for check in table.contract.checks:
        if check.expect == result.get("expect") and check.arguments.get("column") == result.get("column"):
            limits = {key: value for key, value in check.arguments.items() if key not in {"column", "mostly"}}
            return shown({key.replace("_", " "): value for key, value in limits.items()})
    return "–"


def _reasons(version: VersionFacts) -> Grid:
    reasons = version.detail("reasons") or {}
    rows = tuple(
        (code, REASONS.get(code, "–"), shown(count))
        for code, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    )
    return Grid(columns=("Set aside as", "Because", "Count"), rows=rows, right=("Count",))
