"""`make pii-report`: precision, recall and F2 on labelled texts, ours beside Presidio's own."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lakehouse.adapters.presidio_detector import Detector
from tests.pii.labelled_texts import Half, Labelled, english_texts, french_texts
from tests.pii.scores import Score, Span, score_texts
from tests.pii.stock_presidio import stock_findings

PROJECT = Path(__file__).resolve().parents[2]
REPORT = PROJECT / "docs" / "pii-quality.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> None:
    """Measure, print the tables, and put them into docs/pii-quality.md."""
    data = Path(os.environ.get("LIVINGLAB_SHARED") or PROJECT / ".." / "shared") / "data"
    if not data.is_dir():
        raise SystemExit("the labelled texts are not here: set LIVINGLAB_SHARED")
    english = english_texts(data / "presidio_synth" / "synth_dataset_v2.json")
    french = french_texts(data / "eds_pseudo_templates" / "data" / "templates.txt", Half.REPORT)
    detector = Detector()
    lines = [f"Measured {datetime.now(UTC).date().isoformat()} by `make pii-report`: {detector.version}."]
    for title, texts, language in (("English", english, "en"), ("French", french, "fr")):
        lines += ["", f"### {title}: {len(texts)} texts", "", *table_of(detector, texts, language)]
    sys.stdout.write("\n".join(lines) + "\n")
    before, _, rest = REPORT.read_text().partition(BEGIN)
    REPORT.write_text("\n".join([before + BEGIN, *lines, END + rest.partition(END)[2]]))


def table_of(detector: Detector, texts: Sequence[Labelled], language: str) -> list[str]:
    """Return the rows of one language's table as Markdown."""
    ours = score_texts(texts, own_findings(detector, texts, language))
    stock = score_texts(texts, list(stock_findings([text.text for text in texts], language)))
    head = "| kind | labelled | precision | recall | F2 | Presidio: precision | recall | F2 |"
    return [head, "|---|---|---|---|---|---|---|---|", *_rows(ours, stock)]


def own_findings(detector: Detector, texts: Sequence[Labelled], language: str) -> list[list[Span]]:
    """Return (start, end, entity) of each text as redaction gets them."""
    found = detector.find_in_texts([text.text for text in texts], language)
    return [[(finding.start, finding.end, finding.entity) for finding in findings] for findings in found]


def _rows(ours: Mapping[str, Score], stock: Mapping[str, Score]) -> list[str]:
    return [
        f"| {kind} | {score.labelled} | {_figures(score)} | {_figures(stock[kind])} |"
        for kind, score in ours.items()
    ]


def _figures(score: Score) -> str:
    shown = (score.precision, score.recall, score.f2)
    return " | ".join("" if figure is None else f"{figure:.3f}" for figure in shown)


if __name__ == "__main__":
    main()
