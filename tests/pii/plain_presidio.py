"""Presidio's own engine with our recognizers and models: what our findings must be equal to."""

from collections.abc import Iterable, Sequence

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.app_tracer import AppTracer
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import PhoneRecognizer, SpacyRecognizer

from lakehouse.adapters.language_models import DEFAULT_MODELS, plain_engine
from lakehouse.adapters.phone_numbers import SparingPhoneRecognizer
from lakehouse.adapters.presidio_detector import (
    CELL_SCORE,
    MODEL_NAMES,
    TEXT_SCORE,
    Finding,
    is_identifying,
)
from lakehouse.adapters.recognizers import (
    GatedRecognizer,
    cell_recognizers,
    text_recognizers,
    without_context,
)

Place = tuple[str, int, int, float]


class PlainPresidio:
    """`AnalyzerEngine.analyze` for one text or cell after the other: no gate, no batches."""

    def __init__(self, language: str | None = None) -> None:
        """language: of texts; without one, cells are searched and no names of a model."""
        import spacy

        rules: Iterable[GatedRecognizer] = text_recognizers(language) if language else cell_recognizers()
        recognizers = [presidios_own(rule.recognizer) for rule in rules]
        self.language = language or "en"
        if language:
            nlp = plain_engine(DEFAULT_MODELS[language], language)
            entities = nlp.get_supported_entities()
            recognizers.append(
                SpacyRecognizer(supported_language=language, supported_entities=entities, name=MODEL_NAMES)
            )
        else:
            nlp = SpacyNlpEngine()
            nlp.nlp = {"en": spacy.blank("en")}
        self.least = TEXT_SCORE if language else CELL_SCORE
        self.engine = AnalyzerEngine(
            registry=RecognizerRegistry(recognizers, supported_languages=[self.language]),
            nlp_engine=nlp,
            supported_languages=[self.language],
            app_tracer=AppTracer(enabled=False),
        )

    def analyze(self, text: str) -> list[RecognizerResult]:
        """Return Presidio's results on one text, those left out that redaction leaves out."""
        hits = self.engine.analyze(text, language=self.language, score_threshold=self.least)
        return [hit for hit in hits if is_identifying(hit, text)]

    def places(self, texts: Sequence[str]) -> list[set[Place]]:
        """Return (entity, start, end, score) of each text's findings."""
        return [
            {(hit.entity_type, hit.start, hit.end, round(hit.score, 2)) for hit in self.analyze(text)}
            for text in texts
        ]


def presidios_own(recognizer: EntityRecognizer) -> EntityRecognizer:
    """Return Presidio's phone recognizer for ours, which spares work; any other as it is."""
    if not isinstance(recognizer, SparingPhoneRecognizer):
        return recognizer
    language, regions = recognizer.supported_language, recognizer.supported_regions
    return without_context(PhoneRecognizer(supported_language=language, supported_regions=regions))


def places_of(findings: Iterable[Finding]) -> set[Place]:
    """Return the same of our own findings."""
    return {(found.entity, found.start, found.end, found.score) for found in findings}
