"""Presidio as it comes: its default recognizers on the same language models, one text after the other."""

from collections.abc import Iterator, Sequence

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.app_tracer import AppTracer
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from lakehouse.adapters.language_models import DEFAULT_MODELS, plain_engine
from lakehouse.adapters.presidio_detector import TEXT_SCORE
from tests.pii.scores import Span


def stock_findings(texts: Sequence[str], language: str) -> Iterator[list[Span]]:
    """Yield (start, end, entity) of each text; the least score is the one that redaction uses."""
    _stay_offline()
    nlp = plain_engine(DEFAULT_MODELS[language], language)
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=nlp)
    if language == "fr":
        registry.add_recognizer(PhoneRecognizer(supported_language="fr", supported_regions=("FR",)))
    engine = AnalyzerEngine(
        registry=registry, nlp_engine=nlp, supported_languages=[language], app_tracer=AppTracer(enabled=False)
    )
    for text in texts:
        hits = engine.analyze(text, language=language, score_threshold=TEXT_SCORE)
        yield [(hit.start, hit.end, hit.entity_type) for hit in hits]


def _stay_offline() -> None:
    """Its address recognizers would fetch a list of domains: let them use the one that is installed."""
    import tldextract

    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    tldextract.extract = offline
    tldextract.tldextract.TLD_EXTRACTOR = offline
