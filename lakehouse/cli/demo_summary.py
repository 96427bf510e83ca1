"""What the demo says at its end, for someone who sees LivingLab for the first time."""

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.cli.output import print_facts, print_table, printable

if TYPE_CHECKING:
    from rich.console import Console

Document = Mapping[str, Any]


def show_summary(console: "Console", document: Document, home: Path) -> None:
    """Print received, set aside, found, released, waiting, asked, predicted, proved and what to try next.

    It fits a terminal of 80 columns.
    """
    _show_tables(console, document)
    _show_releases(console, document["releases"])
    for answer in document["answers"]:
        _show_answer(console, answer)
    console.print()
    print_facts(console, _facts(document))
    console.print("\nThree things to try next:")
    for command in next_steps(document, home):
        console.print(f"  {command}", soft_wrap=True)
    console.print(f"Let others watch the log: {_program()} witness --help", soft_wrap=True)


def next_steps(document: Document, home: Path) -> list[str]:
    """Return three commands that work here, on this home as it stands."""
    livinglab = _program() if home == Path(".livinglab").absolute() else f"{_program()} --home {_shown(home)}"
    published = [release["table"] for release in document["releases"] if release["state"] == "PUBLISHED"]
    waiting = _waiting(document)
    look = f'query "SELECT * FROM {published[0]}" --purpose research' if published else "tables"
    decide = f'--as dpo approve {waiting[0]["release"]} --reason "read the report"' if waiting else "releases"
    return [
        f"{livinglab} {look}",
        f"{livinglab} {decide}",
        f"{livinglab} verify {_shown(home / 'reports' / 'proof.json')}",
    ]


def _show_tables(console: "Console", document: Document) -> None:
    results = (*document["batches"], *document["silver"])
    print_table(
        console,
        ["table", "received", "accepted", "set aside", "rows"],
        [_table_row(result) for result in results],
        title="Received and refined",
        right=["received", "accepted", "set aside", "rows"],
    )
    _show_lines(console, "Set aside, and why", [(own["table"], _codes(own)) for own in results])


def _show_lines(console: "Console", title: str, lines: Iterable[tuple[str, str]]) -> None:
    """Print a name and a sentence a line, without the names about which there is nothing to say."""
    said = [(name, sentence) for name, sentence in lines if sentence]
    if not said:
        return
    width = max(len(name) for name, _ in said)
    console.print(f"\n{title}")
    for name, sentence in said:
        console.print(f"{name.ljust(width)}  {printable(sentence)}", soft_wrap=True)


def _table_row(result: Document) -> list[str]:
    numbers = [f"{result[name]:,}" for name in ("received", "accepted", "quarantined", "rows")]
    return [result["table"], *numbers]


def _codes(result: Document) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in sorted(result["reasons"].items()))


def _show_releases(console: "Console", releases: Sequence[Document]) -> None:
    kept = ("product", "state", "version", "rows", "suppressed", "k", "l", "t")
    print_table(
        console,
        ["product", "state", "version", "rows", "left out", "k", "l", "t"],
        [[r[name] for name in kept] for r in releases],
        title="Released and waiting",
        right=["version", "rows", "left out", "k", "l", "t"],
    )
    _show_lines(console, "Why", [(release["product"], "; ".join(release["reasons"])) for release in releases])


def _show_answer(console: "Console", answer: Document) -> None:
    named = [*answer["by"], "value", "accuracy95"]
    print_table(
        console,
        [*answer["by"], f"{answer['stat']} {answer['column']} [{answer['unit']}]", "± 95 %"],
        [[cell[name] for name in named] for cell in answer["values"]],
        title=f"Asked, with noise: epsilon {answer['epsilon']}, {answer['left']} left",
        right=["± 95 %"],
    )


def _facts(document: Document) -> dict[str, object]:
    head, seconds = document["checkpoint"], document["seconds"]
    results = (*document["batches"], *document["silver"])
    waiting = [release["product"] for release in _waiting(document)]
    return {
        "new": _news((*results, *document["releases"])),
        "found": _findings(results),
        "waiting": f"{', '.join(waiting)}: for the data protection officer" if waiting else "nothing",
        "predicted": _prediction(document),
        "proved": _proof(document),
        "log": f"{head['size']} entries, root {head['root']}",
        "report": document["report"],
        "took": f"{seconds['total']:.0f} s",
    }


def _news(results: Sequence[Document]) -> str:
    new = sum(not result["repeated"] for result in results)
    if not new:
        return "nothing: all of this stood already, nothing was landed or released twice"
    return "all of this" if new == len(results) else f"{new} of {len(results)}; the others stood already"


def _waiting(document: Document) -> list[Document]:
    return [release for release in document["releases"] if release["state"] == "SUBMITTED"]


def _findings(results: Iterable[Document]) -> str:
    kinds: Counter[str] = Counter()
    for result in results:
        kinds.update(result["findings"])
    if not kinds:
        return "no personal data in the open"
    most = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(5))
    return f"personal data {kinds.total():,} times, and dealt with it; most often {most}"


def _prediction(document: Document) -> str:
    given = document["prediction"]
    if given is None:
        return f"nothing: {document['why']}"
    agreed = "equal to" if given["agreement"] else "NOT EQUAL to"
    spent = f"{given['milliseconds']:.0f} ms"
    score = f"{given['score']:.3f} for an invented walker"
    return f"{score}, on ciphertext in {spent}, {agreed} the score in clear"


def _proof(document: Document) -> str:
    return f"{document['proved']}: {'verified' if document['verified'] else 'NOT VERIFIED'}"


def _program() -> str:
    """Return how this command is called here: by name where the shell finds it, else by its path."""
    return "livinglab" if shutil.which("livinglab") else _shown(Path(sys.executable).parent / "livinglab")


def _shown(path: Path) -> str:
    """Return the path from here where it lies below, as a shell takes it."""
    here = Path.cwd()
    return shlex.quote(os.path.relpath(path, here) if path.is_relative_to(here) else str(path))
