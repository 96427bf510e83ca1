"""Texts whose personal data is known: English ones as published, French ones made from templates.

The French texts are deterministic: the same templates give the same texts. Templates are dealt by their
own digest into two halves: rules may be written by looking at the first (`Half.RULES`), figures are taken
from the second (`Half.REPORT`) alone.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.pii.french_values import FrenchValues

LABEL = re.compile(r"\[([^\]\[]+)\]\(([A-Z_]+)\)")
FRENCH_LABELS: Mapping[str, str] = {
    "NOM": "name",
    "PRENOM": "name",
    "DATE": "date",
    "DATE_NAISSANCE": "date",
    "TEL": "phone",
    "MAIL": "e-mail",
    "SECU": "social security number",
    "IPP": "record number",
    "NDA": "record number",
    "ADRESSE": "address",
    "ADDRESSE": "address",
    "ZIP": "postal code",
    "VILLE": "city",
    "HOPITAL": "hospital",
}
ENGLISH_LABELS: Mapping[str, str] = {
    "PERSON": "name",
    "DATE_TIME": "date",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "e-mail",
    "US_SSN": "social security number",
    "STREET_ADDRESS": "address",
    "ZIP_CODE": "postal code",
    "GPE": "city",
    "CREDIT_CARD": "credit card",
    "IBAN_CODE": "bank account",
    "IP_ADDRESS": "internet address",
    "DOMAIN_NAME": "web address",
    "NRP": "origin or belief",
    "US_DRIVER_LICENSE": "driving licence",
}
"""Ages, titles and organisations are labelled there too; they name nobody and no rule looks for them."""
FILLS = 3


class Half(StrEnum):
    """Which templates: those the rules were written with, or those the figures are taken from."""

    RULES = "rules"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text and what is personal in it: (start, end, label), characters, in order."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def english_texts(file: Path) -> list[Labelled]:
    """Return the texts of presidio_synth (synth_dataset_v2.json)."""
    return [
        Labelled(
            text=entry["full_text"],
            spans=tuple(
                sorted(
                    (span["start_position"], span["end_position"], ENGLISH_LABELS[span["entity_type"]])
                    for span in entry["spans"]
                    if span["entity_type"] in ENGLISH_LABELS
                )
            ),
        )
        for entry in json.loads(file.read_text(encoding="utf-8"))
    ]


def french_texts(file: Path, half: Half) -> list[Labelled]:
    """Return the texts of eds_pseudo_templates: each as it stands, then filled anew `FILLS` times."""
    return [text for template in templates(file, half) for text in _fillings(template)]


def templates(file: Path, half: Half) -> Iterator[str]:
    """Yield the templates of one half, in the file's order."""
    wanted = list(Half).index(half)
    for template in file.read_text(encoding="utf-8").split("\n\n"):
        if template.strip() and hashlib.sha256(template.encode()).digest()[0] % 2 == wanted:
            yield template.strip()


def _fillings(template: str) -> Iterator[Labelled]:
    yield _filled(template, None)
    if LABEL.search(template):
        for number in range(FILLS):
            seed = hashlib.sha256(f"{number} {template}".encode()).hexdigest()
            yield _filled(template, FrenchValues(seed))


def _filled(template: str, values: FrenchValues | None) -> Labelled:
    pieces: list[str] = []
    spans: list[tuple[int, int, str]] = []
    place = length = 0
    for found in LABEL.finditer(template):
        before = template[place : found.start()]
        value = values.like(found[1], found[2]) if values else found[1]
        start = length + len(before)
        length = start + len(value)
        pieces += [before, value]
        spans.append((start, length, FRENCH_LABELS[found[2]]))
        place = found.end()
    return Labelled(text="".join([*pieces, template[place:]]), spans=tuple(spans))
