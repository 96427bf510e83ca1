"""Personal data in cells and texts, found by Presidio; findings hold places, never values.

The findings are those of Presidio's own engine with the same recognizers and models, text by text; only
the order of work differs: distinct values first, recognizers that cannot match left out (`recognizers`),
models read in batches and no further than they must (`named_entities`).
A text whose search is given up for the time it takes is one finding from end to end (`UNSEARCHED`): whoever
reads findings refuses it, as anything that names a person, and nobody takes it for clean.
Nothing here reaches the network: models must be installed, and the recognizers that would fetch lists of
internet domains are replaced by patterns of our own (`detection_patterns`).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from lakehouse.adapters.detection_patterns import MONTHS, PATTERNS, WEEKDAYS
from lakehouse.adapters.language_models import DEFAULT_MODELS, IGNORED_LABELS, LanguageModel, model_version
from lakehouse.adapters.recognizers import PHONE_REGIONS, GatedRecognizer, cell_recognizers, text_recognizers
from lakehouse.errors import WrongUse

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer, RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts

    from lakehouse.adapters.bounded_searches import SearchTimedOut

CELL_SCORE = 0.5
TEXT_SCORE = 0.4
LANGUAGE = "en"
PIECE_LENGTH = 50_000
UNBROKEN_LENGTH = 1_000
"""Characters analysed at once: the model's memory grows with the length of a text."""
MODEL_NAMES = "model_names"
UNSEARCHED = "UNSEARCHED"
"""The entity of a value in which not everything was looked for."""
CALENDAR = re.compile(rf"\d|\b(?:{MONTHS}|(?:{WEEKDAYS})(?:day)?)\b", re.IGNORECASE)
"""What makes the English model's time expression a date; `daily` and `last week` have none of it and stay."""
MAY_IDENTIFY = re.compile(r"[\d@:-]")
"""Every pattern of cells needs one of these characters, so a cell without any is clean at once."""
_SPACED = r"[^\s\u0e00-\u109f\u1780-\u17ff\u3000-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
"""A character of a script that puts spaces between words."""
_UNBROKEN = re.compile(rf"(?<!{_SPACED}){_SPACED}{{{UNBROKEN_LENGTH}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Personal data of one kind from `start` to `end` (characters) of a value; not the value itself.

    score: 0 to 1. detector, version: which recognizer or model, of which release. reason: why, in words.
    """

    entity: str
    start: int
    end: int
    score: float
    detector: str
    version: str
    reason: str


def is_unbroken(text: str) -> bool:
    """Return whether a text has so long a run without a space that no person wrote it.

    spaCy's tokenizer takes affixes off one by one, each time from the whole run: 50,000 signs take minutes.
    """
    return _UNBROKEN.search(text) is not None


class Detector:
    """Presidio with small language models and our patterns; each loads when first asked for its texts."""

    def __init__(self, models: Mapping[str, str] = DEFAULT_MODELS) -> None:
        """models: language (ISO 639-1) -> spaCy model."""
        self.models = dict(models)
        self._languages: dict[str, _TextReader] = {}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose texts can be read: those that have a model."""
        return tuple(sorted(self.models))

    def language_of(self, tag: str | None) -> str | None:
        """Return the language of a tag (`fr-CA`, `FR`) if its texts can be read here, else None."""
        primary = re.split(r"[-_]", (tag or "").strip().lower())[0]
        return primary if primary in self.models else None

    @cached_property
    def version(self) -> str:
        """Return what detects, for reports: Presidio's version, models and the digest of our rules."""
        models = ", ".join(model_version(model) for _, model in sorted(self.models.items()))
        return f"presidio {version('presidio-analyzer')}, {models}, rules {self.digest[:12]}"

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 (hex) of everything that decides what is found."""
        rules = {
            "presidio": version("presidio-analyzer"),
            "spacy": version("spacy"),
            "models": {language: model_version(model) for language, model in self.models.items()},
            "patterns": _pattern_rules(),
            "phones": PHONE_REGIONS,
            "scores": [str(CELL_SCORE), str(TEXT_SCORE)],
            "ignored": IGNORED_LABELS,
        }
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()

    def find_in_cells(self, values: Iterable[str | None]) -> list[Finding]:
        """Return the findings of patterns in the distinct short values of a column.

        Names of people are not looked for: a single word has no context to know a name by.
        """
        return [finding for findings in self.find_by_value(values).values() for finding in findings]

    def find_by_value(self, values: Iterable[str | None]) -> dict[str, list[Finding]]:
        """Return the findings of patterns by distinct value of a column; values without any are left out."""
        found: dict[str, list[Finding]] = {}
        for value in dict.fromkeys(values):
            if value and MAY_IDENTIFY.search(value):
                findings = self._find_in_cell(value)
                if findings:
                    found[value] = findings
        return found

    def _find_in_cell(self, value: str) -> list[Finding]:
        from lakehouse.adapters.bounded_searches import SearchTimedOut

        try:
            return [finding for rule in self._cell_rules for finding in rule.find(value, CELL_SCORE)]
        except SearchTimedOut as late:
            return [_unsearched(value, late)]

    def find_in_texts(self, texts: Sequence[str | None], language: str = LANGUAGE) -> list[list[Finding]]:
        """Return the findings in each text, by place; patterns and the model's names, places and dates.

        Raises WrongUse (no model for the language: names would stay), NotReady (model not installed).
        """
        chosen = self.language_of(language)
        if chosen is None:
            raise WrongUse(
                f"no language model is named for these texts; there are {', '.join(self.languages)}",
                remedy="name a spaCy model for the language under [detector.models] of the site file",
            )
        distinct = [text for text in dict.fromkeys(texts) if text]
        found = dict(zip(distinct, self._reader(chosen).find(distinct), strict=True)) if distinct else {}
        return [list(found.get(text, ())) if text else [] for text in texts]

    def _reader(self, language: str) -> "_TextReader":
        if language not in self._languages:
            self._languages[language] = _TextReader(self.models[language], language)
        return self._languages[language]

    @cached_property
    def _cell_rules(self) -> "tuple[_Rule, ...]":
        return tuple(_Rule(gated=gated, version=_version_of(gated)) for gated in cell_recognizers())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A gated recognizer and the version that its findings name."""

    gated: GatedRecognizer
    version: str

    def hits(self, text: str) -> "list[RecognizerResult]":
        """Return Presidio's own results; the gate has been asked."""
        recognizer = self.gated.recognizer
        return list(recognizer.analyze(text, recognizer.supported_entities, None))

    def find(self, text: str, least: float) -> list[Finding]:
        """Return the findings of at least a score, by place; none where the gate says there can be none."""
        if not self.gated.may_match(text):
            return []
        return _sorted_findings(
            _finding(hit, self.version, self.gated.reason) for hit in self.hits(text) if hit.score >= least
        )


class _TextReader:
    """One language: its model and its recognizers."""

    def __init__(self, model: str, language: str) -> None:
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer

        self._model = LanguageModel(model, language)
        self._model_version = model_version(model)
        self._rules = [_Rule(gated=gated, version=_version_of(gated)) for gated in text_recognizers(language)]
        self._names: EntityRecognizer = SpacyRecognizer(
            supported_language=language, supported_entities=self._model.entities, name=MODEL_NAMES
        )
        self._by_gate: dict[Callable[[str], bool], list[_Rule]] = {}
        for rule in self._rules:
            self._by_gate.setdefault(rule.gated.may_match, []).append(rule)
        self._by_detector = {rule.gated.recognizer.name: rule for rule in self._rules}

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """Yield the findings of each text, by place."""
        from lakehouse.adapters.bounded_searches import SearchTimedOut

        pieces = [
            (number, offset, piece) for number, text in enumerate(texts) for offset, piece in _pieces(text)
        ]
        read = self._model.read([piece for _, _, piece in pieces])
        found: list[list[Finding]] = [[] for _ in texts]
        given_up: dict[int, Finding] = {}
        for (number, offset, piece), artifacts in zip(pieces, read, strict=True):
            if number in given_up:
                continue
            try:
                findings = self._find_in_piece(piece, artifacts)
            except SearchTimedOut as late:
                given_up[number] = _unsearched(texts[number], late)
            else:
                found[number] += [_moved(finding, offset) for finding in findings]
        for number, finding in given_up.items():
            found[number] = [finding]
        yield from found

    def _find_in_piece(self, piece: str, artifacts: "NlpArtifacts") -> list[Finding]:
        from presidio_analyzer import EntityRecognizer

        open_gates = (rules for may_match, rules in self._by_gate.items() if may_match(piece))
        hits = [hit for rules in open_gates for rule in rules for hit in rule.hits(piece)]
        hits += self._names.analyze(piece, self._names.supported_entities, artifacts)
        kept = [hit for hit in EntityRecognizer.remove_duplicates(hits) if hit.score >= TEXT_SCORE]
        return _sorted_findings(self._explained(hit) for hit in kept if is_identifying(hit, piece))

    def _explained(self, hit: "RecognizerResult") -> Finding:
        rule = self._by_detector.get(_detector_of(hit))
        if rule is None:
            return _finding(hit, self._model_version, f"the model reads a {hit.entity_type}")
        return _finding(hit, rule.version, rule.gated.reason)


def is_identifying(hit: "RecognizerResult", text: str) -> bool:
    """Return whether a hit points to a person; of a model's time expressions only those of a calendar do."""
    timeless = hit.entity_type == "DATE_TIME" and _detector_of(hit) == MODEL_NAMES
    return not timeless or bool(CALENDAR.search(text, hit.start, hit.end))


def _finding(hit: "RecognizerResult", detector_version: str, reason: str) -> Finding:
    return Finding(
        entity=hit.entity_type,
        start=hit.start,
        end=hit.end,
        score=round(hit.score, 2),
        detector=_detector_of(hit),
        version=detector_version,
        reason=reason,
    )


def _unsearched(text: str, late: "SearchTimedOut") -> Finding:
    return Finding(
        entity=UNSEARCHED,
        start=0,
        end=len(text),
        score=1.0,
        detector=late.pattern,
        version=f"presidio {version('presidio-analyzer')}",
        reason=str(late),
    )


def _detector_of(hit: "RecognizerResult") -> str:
    return str((hit.recognition_metadata or {}).get("recognizer_name", "presidio"))


def _sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(set(findings), key=lambda found: (found.start, -found.end, found.entity, found.detector))


def _moved(finding: Finding, offset: int) -> Finding:
    return replace(finding, start=finding.start + offset, end=finding.end + offset) if offset else finding


def _version_of(gated: GatedRecognizer) -> str:
    own = gated.recognizer.name in {pattern.name for pattern in PATTERNS}
    return f"rules {_rules_digest()[:12]}" if own else f"presidio {version('presidio-analyzer')}"


def _pattern_rules() -> list[dict[str, str]]:
    return [
        {
            key: getattr(value, "__name__", str(value))
            for key, value in asdict(pattern).items()
            if key != "needs"
        }
        for pattern in PATTERNS
    ]


def _rules_digest() -> str:
    return hashlib.sha256(json.dumps(_pattern_rules(), sort_keys=True).encode()).hexdigest()


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
