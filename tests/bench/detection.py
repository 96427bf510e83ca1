"""Detection beside Presidio's own engine with the same recognizers and models, findings equal."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from lakehouse.adapters.phone_numbers import parsed_number
from lakehouse.adapters.presidio_detector import Detector
from tests.bench.figures import Figure, in_turn, ratio_of
from tests.pii.labelled_texts import Half, english_texts, french_texts
from tests.pii.plain_presidio import PlainPresidio, places_of

ROUNDS = 3
TEXTS = 300
ROWS = 20_000
ROOMS = 50


def detection_steps(data: Path | None, folder: Path) -> tuple[Callable[[], Figure], ...]:
    """data: the shared data, without which only cells and generated notes are measured."""
    own = (cells_figure, lambda: texts_figure("notes of generated people", made_notes(folder), "en"))
    return (*own, *_labelled_steps(data)) if data else own


def _labelled_steps(data: Path) -> tuple[Callable[[], Figure], ...]:
    english = [text.text for text in english_texts(data / "presidio_synth" / "synth_dataset_v2.json")]
    templates = data / "eds_pseudo_templates" / "data" / "templates.txt"
    french = [text.text for text in french_texts(templates, Half.REPORT)]
    joined = [" ".join(english[first : first + 4]) for first in range(0, 4 * TEXTS, 4)]
    return (
        lambda: texts_figure("English labelled texts", english[:TEXTS], "en"),
        lambda: texts_figure("English labelled texts, four to a note", joined, "en"),
        lambda: texts_figure("French labelled notes", french[:TEXTS], "fr"),
    )


def texts_figure(what: str, texts: Sequence[str], language: str) -> Figure:
    """Distinct texts only, one process each, in turn."""
    distinct = list(dict.fromkeys(texts))
    detector, plain = Detector(), PlainPresidio(language)
    found = [places_of(findings) for findings in detector.find_in_texts(distinct, language)]
    if found != plain.places(distinct):
        raise RuntimeError("findings differ from plain Presidio's")

    def ours(_: int) -> None:
        parsed_number.cache_clear()
        detector.find_in_texts(distinct, language)

    own, other = in_turn(
        ours,
        lambda _: [plain.analyze(text) for text in distinct],
        ROUNDS,
    )
    return _figure(f"detection: {what}, {len(distinct)} texts", own, other, len(distinct), "at least 3x")


def cells_figure() -> Figure:
    """A column of a table whose values repeat: phrases, record numbers, dates."""
    cells = [
        f"GaPt{row % 97:02}" if row % 2 else f"seen on 2019-03-{row % 28 + 1:02}, room {row % ROOMS}"
        for row in range(ROWS)
    ]
    detector, plain = Detector(), PlainPresidio()
    found = detector.find_by_value(cells)
    distinct = list(dict.fromkeys(cells))
    if [places_of(found.get(cell, ())) for cell in distinct] != plain.places(distinct):
        raise RuntimeError("findings differ from plain Presidio's")
    own, other = in_turn(
        lambda _: detector.find_by_value(cells), lambda _: [plain.analyze(cell) for cell in cells], 1
    )
    what = f"detection: column of {ROWS} cells, {len(distinct)} distinct"
    return _figure(what, own, other, ROWS, "at least 50x")


def made_notes(folder: Path) -> list[str]:
    """Return the texts of notes as `livinglab sample` writes them."""
    from lakehouse.samples import write_sample

    write_sample(folder / "notes", people=60, seed=1)
    lines = (line for file in (folder / "notes").rglob("*.jsonl") for line in file.read_text().splitlines())
    texts = [json.loads(line).get("text") for line in lines]
    return [text for text in texts if text][:TEXTS]


def _figure(what: str, own: Sequence[float], other: Sequence[float], count: int, goal: str) -> Figure:
    return Figure(
        what=what,
        ours=f"{median(own) / count * 1e6:.0f} µs each",
        peer=f"{median(other) / count * 1e6:.0f} µs: Presidio, same recognizers and findings, text by text",
        ratio=1 / ratio_of(own, other),
        goal=f"{goal}: Presidio's time over ours",
    )
