"""Precision, recall and F2 by kind of personal data.

Recall asks what redaction asks: of the labelled stretches, how many are covered in every letter and digit
by findings of whatever kind. Precision: of the findings, how many touch a labelled stretch of any kind;
for one kind, of the findings of that kind.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.pii.labelled_texts import Labelled

Span = tuple[int, int, str]
KINDS: Mapping[str, str] = {
    "PERSON": "name",
    "DATE_TIME": "date",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "e-mail",
    "US_SSN": "social security number",
    "FR_NIR": "social security number",
    "STREET_ADDRESS": "address",
    "POSTAL_CODE": "postal code",
    "LOCATION": "city",
    "RECORD_ID": "record number",
    "CREDIT_CARD": "credit card",
    "IBAN_CODE": "bank account",
    "IP_ADDRESS": "internet address",
    "URL": "web address",
    "NRP": "origin or belief",
    "HOSPITAL": "hospital",
    "US_DRIVER_LICENSE": "driving licence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Counts of one kind: labelled stretches, those found whole, findings, those that touch a label."""

    labelled: int
    covered: int
    findings: int
    right: int

    @property
    def recall(self) -> float | None:
        """Covered of labelled."""
        return self.covered / self.labelled if self.labelled else None

    @property
    def precision(self) -> float | None:
        """Right of findings."""
        return self.right / self.findings if self.findings else None

    @property
    def f2(self) -> float | None:
        """Recall counted four times as heavy as precision; 0 where nothing was found."""
        precision, recall = self.precision or 0.0, self.recall
        if recall is None:
            return None
        weighted = 4 * precision + recall
        return 5 * precision * recall / weighted if weighted else 0.0


def score_texts(texts: Sequence[Labelled], found: Sequence[Iterable[Span]]) -> dict[str, Score]:
    """Return the score of each kind, and of `all`; found: (start, end, entity) of each text."""
    counts = {part: Counter[str]() for part in ("labelled", "covered", "findings", "right")}
    for labelled, findings in zip(texts, found, strict=True):
        _count_labels(labelled, list(findings), counts)
    kinds = sorted(counts["labelled"])
    total = {part: counter.total() for part, counter in counts.items()}
    scores = {kind: Score(**{part: counter[kind] for part, counter in counts.items()}) for kind in kinds}
    return {**scores, "all": Score(**total)}


def _count_labels(labelled: Labelled, findings: list[Span], counts: dict[str, Counter[str]]) -> None:
    covered = {place for start, end, _ in findings for place in range(start, end)}
    for start, end, label in labelled.spans:
        counts["labelled"][label] += 1
        places = [place for place in range(start, end) if labelled.text[place].isalnum()]
        counts["covered"][label] += covered.issuperset(places)
    for start, end, entity in findings:
        kind = KINDS.get(entity, entity)
        counts["findings"][kind] += 1
        counts["right"][kind] += any(start < stop and begin < end for begin, stop, _ in labelled.spans)
