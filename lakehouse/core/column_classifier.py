"""How sensitive a column of an unknown file is, with reasons: a proposal that a person edits.

Header, findings, distinctness and type speak in this order; where nothing speaks a column is taken for
sensitive, because what is called plain is never looked at again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.core.column_profile import ColumnProfile
from lakehouse.core.contract import ColumnType, Sensitivity

DIRECT_ENTITIES = (
    *("EMAIL_ADDRESS", "PHONE_NUMBER", "US_SSN", "FR_NIR", "DE_KVNR", "DE_RVNR", "PERSON"),
    *("STREET_ADDRESS", "RECORD_ID", "DEVICE_ID", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS"),
)
SHARE_OF_FINDINGS = 0.2
"""From this share of distinct values on, findings speak for the whole column."""
FREE_TEXT_WORDS = 5.0
FREE_TEXT_LENGTH = 80
FEW = 10
NEARLY_ALL = 0.9
NUMERIC = (ColumnType.INTEGER, ColumnType.NUMBER)
SUBJECT_HEADER = re.compile(
    r"(?:^|_)(?:subject|patient|person|participant|proband|member|uniquepid|pid|mrn|ipp)(?:_|$)",
    re.IGNORECASE,
)
HEADERS: Sequence[tuple[Sensitivity, str]] = (
    (
        Sensitivity.DIRECT,
        r"(?:first|last|sur|given|family|full|maiden)_?name|^name$|nom|prenom|e?_?mail|phone|tel|fax|street|address"
        r"|adresse|ssn|nir|passport|licen[cs]e|account|^ip$|serial|username|(?:^|_)mrn|(?:^|_)ipp",
    ),
    (Sensitivity.SENSITIVE, r"diagnos|disease|expire|mortal|hiv|(?:^|_)icd"),
    (Sensitivity.FREE_TEXT, r"note|comment|remark|free_?text|narrative|report_?text|description_?text"),
    (
        Sensitivity.QUASI,
        r"age|birth|dob|dod|death|sex|gender|zip|postal|city|town|county|state|region|country|ethnic|race|religion"
        r"|marital|language|occupation|education|insurance|height|weight|bmi|hospital|ward|unit_?type|location"
        r"|date|time|year|admit|discharge|visit",
    ),
    (
        Sensitivity.SENSITIVE,
        r"drg|drug|medic|treat|therap|allerg|status|smok|alcohol|pain"
        r"|target|outcome|num$|class|group|label|stage|severity|updrs|(?:^|_)dx",
    ),
)
IDENTIFIER_HEADER = re.compile(r"(?:^|_)(?:id|key|number|nr|no|uuid|guid)$|id$", re.IGNORECASE)


Judged = tuple[Sensitivity, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProposal:
    """A profile with what is proposed for it, and why."""

    profile: ColumnProfile
    sensitivity: Sensitivity
    handling: str
    reasons: tuple[str, ...]
    unit: str | None = None


def classify_columns(profiles: Sequence[ColumnProfile]) -> tuple[ColumnProposal, ...]:
    """Return a proposal for each column; at most one, the person's identifier, is pseudonymised."""
    subject = subject_column(profiles)
    return tuple(_proposal(profile, subject) for profile in profiles)


def subject_column(profiles: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """Return the column that says whose row it is: by its header, the most distinct one first."""
    named = [p for p in profiles if SUBJECT_HEADER.search(p.name) and p.pattern and not p.nulls]
    return max(named, key=lambda profile: (_names_a_person(profile), profile.distinct), default=None)


def _names_a_person(profile: ColumnProfile) -> bool:
    return re.search(r"subject|patient_?id|person|participant|uniquepid", profile.name) is not None


def _proposal(profile: ColumnProfile, subject: ColumnProfile | None) -> ColumnProposal:
    if profile is subject:
        return ColumnProposal(
            profile=profile,
            sensitivity=Sensitivity.DIRECT,
            handling="pseudonymise",
            reasons=("the header names a person's identifier", "it has a value in every row"),
        )
    sensitivity, reasons = _sensitivity(profile)
    sealed = sensitivity in (Sensitivity.DIRECT, Sensitivity.FREE_TEXT) or (
        sensitivity is Sensitivity.QUASI and profile.type in (ColumnType.DATE, ColumnType.TIMESTAMP)
    )
    return ColumnProposal(
        profile=profile,
        sensitivity=sensitivity,
        handling="seal" if sealed else "keep",
        reasons=reasons,
        unit=unit_of(profile),
    )


def _sensitivity(profile: ColumnProfile) -> Judged:
    for voice in (_by_findings, _by_length, _by_header, _by_build):
        judged = voice(profile)
        if judged is not None:
            return judged
    return Sensitivity.SENSITIVE, ("nothing says that it is harmless",)


def _by_length(profile: ColumnProfile) -> Judged | None:
    if profile.words >= FREE_TEXT_WORDS:
        return Sensitivity.FREE_TEXT, (f"values of {profile.words:.0f} words on average",)
    if profile.longest > FREE_TEXT_LENGTH:
        return Sensitivity.FREE_TEXT, (f"values of more than {FREE_TEXT_LENGTH} signs",)
    return None


def _by_header(profile: ColumnProfile) -> Judged | None:
    for sensitivity, pattern in HEADERS:
        if re.search(pattern, profile.name, re.IGNORECASE):
            return _corrected(profile, sensitivity, f"the header speaks of {sensitivity.value} data")
    if IDENTIFIER_HEADER.search(profile.name) and profile.type is not ColumnType.NUMBER:
        return Sensitivity.DIRECT, (f"an identifier by its header; {_distinct_share(profile)}",)
    return None


def _by_build(profile: ColumnProfile) -> Judged | None:
    if profile.type in (ColumnType.DATE, ColumnType.TIMESTAMP):
        return Sensitivity.QUASI, ("dates of a person can be linked",)
    if profile.type in NUMERIC and profile.distinct > FEW:
        return Sensitivity.SENSOR, (f"numbers, more than {FEW} different ones",)
    if profile.distinct <= 1 and profile.filled >= FEW:
        return Sensitivity.PLAIN, ("the same in every row",)
    if profile.distinctness > NEARLY_ALL and profile.type is ColumnType.TEXT:
        return Sensitivity.DIRECT, (f"nearly every row has its own; {_distinct_share(profile)}",)
    return None


def _corrected(profile: ColumnProfile, sensitivity: Sensitivity, reason: str) -> Judged:
    """Measurements are no identifiers whatever their header says: a `number` is never direct."""
    measured = profile.type is ColumnType.NUMBER and profile.distinct > FEW
    if sensitivity is Sensitivity.DIRECT and measured:
        return Sensitivity.SENSOR, ("numbers with fractions, whatever the header says",)
    if sensitivity is Sensitivity.FREE_TEXT and profile.type is not ColumnType.TEXT:
        return Sensitivity.SENSITIVE, (reason,)
    return sensitivity, (reason,)


def _by_findings(profile: ColumnProfile) -> Judged | None:
    named = {entity: share for entity, share in profile.findings.items() if entity in DIRECT_ENTITIES}
    if profile.type in NUMERIC or not named:
        return None
    entity = max(named, key=lambda key: named[key])
    if named[entity] < SHARE_OF_FINDINGS or profile.words >= FREE_TEXT_WORDS:
        return None
    return Sensitivity.DIRECT, (f"{named[entity]:.0%} of its distinct values look like {entity}",)


def _distinct_share(profile: ColumnProfile) -> str:
    return f"{profile.distinctness:.0%} of its values are distinct"


UNITS: Sequence[tuple[str, float, float, str]] = (
    (r"^age|_age$|age_years", 0, 130, "a"),
    (r"height|stature", 40, 250, "cm"),
    (r"height|stature", 0.4, 2.5, "m"),
    (r"weight", 1, 400, "kg"),
    (r"temp", 30, 45, "Cel"),
    (r"temp", 86, 113, "[degF]"),
    (r"heart_?rate|pulse|thalach|^hr$", 20, 260, "/min"),
    (r"trestbps|blood_?pressure|systolic|diastolic|^[sd]bp$|nibp", 10, 300, "mm[Hg]"),
    (r"^chol|cholesterol|glucose", 30, 700, "mg/dL"),
)
"""(header, lowest, highest, UCUM unit): a unit is proposed where header and range agree."""
HEADER_UNITS: Mapping[str, str] = {
    "%": "%",
    "db": "dB",
    "ms": "ms",
    "cm": "cm",
    "kg": "kg",
    "mm": "mm",
    "hz": "Hz",
}


def unit_of(profile: ColumnProfile) -> str | None:
    """Return the UCUM unit that header and range speak for, else None; a person confirms it."""
    if profile.type not in NUMERIC or profile.highest is None:
        return None
    bracketed = re.search(r"\(([^)]+)\)\s*$|_([a-z]+)$", profile.source.strip())
    named = (bracketed[1] or bracketed[2]).lower() if bracketed else ""
    if named in HEADER_UNITS:
        return HEADER_UNITS[named]
    for pattern, lowest, highest, unit in UNITS:
        fits = profile.highest <= 2 * highest and profile.highest > lowest
        if fits and re.search(pattern, profile.name, re.IGNORECASE):
            return unit
    return None
