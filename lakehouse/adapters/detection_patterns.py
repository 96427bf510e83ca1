"""What an identifier looks like: the patterns that detection adds to Presidio's own.

Scores are Presidio's convention (0 to 1): above 0.9 the form alone is proof, 0.5 needs the eye of a
person. Patterns are `regex` patterns, matched without regard to case except where `(?-i:...)` says so.
"""

from dataclasses import dataclass

MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
WEEKDAYS = "mon|tues|wednes|thurs|fri|satur|sun"
STREETS = (
    "Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace"
    "|Way|Walk|Row|Alley|Park|Bridge|Burg|Camp|Club|Common|Crescent|Crossing|Dale|Estate|Extension"
    "|Fork|Frontage road|Gate|Gateway|Glen|Green|Grove|Harbor|Haven|Heights|Highway|Hill|Island|Junction"
    "|Key|Knoll|Landing|Light|Loaf|Lock|Manor|Meadow|Mews|Mill|Orchard|Parade|Path|Pike|Plaza|Port|Quay"
    "|Ramp|Ranch|Rapid|Rest|Run|Spur|Station|Stravenue|Throughway|Track|Trail|Trailer|Tunnel|Union|View"
    "|Viaduct|Village|Ville|Vista|Wall|Well"
)
HEX = "[0-9a-f]"
RELATIVES = (
    "wife|husband|partner|daughter|son|sister|brother|mother|father|aunt|uncle|niece|nephew|cousin"
    "|grand(?:mother|father|daughter|son)|neighbou?r|carer|friend"
)
TITLES = r"(?:mr|mrs|ms|miss|dr|prof)\.?"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierPattern:
    """One pattern: the entity it finds, its name in findings, its score, and where it is used."""

    entity: str
    name: str
    regex: str
    score: float
    in_cells: bool = True


PATTERNS = (
    IdentifierPattern(
        entity="EMAIL_ADDRESS",
        name="email",
        regex=r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
        score=0.9,
    ),
    IdentifierPattern(
        entity="URL",
        name="web_address",
        regex=r"\b(?:https?://|www\.)[^\s<>()\"']{3,}",
        score=0.6,
        in_cells=False,
    ),
    IdentifierPattern(
        entity="PERSON",
        name="named_relative_or_title",
        regex=rf"(?<=\b(?:{RELATIVES}|{TITLES})[ ,]{{1,2}})(?-i:[A-Z][\w'-]+(?: [A-Z][\w'-]+)?)",
        score=0.7,
        in_cells=False,
    ),
    IdentifierPattern(
        entity="US_SSN",
        name="social_security_number",
        regex=r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
        score=0.85,
    ),
    IdentifierPattern(
        entity="PHONE_NUMBER",
        name="north_american_phone",
        regex=r"(?<![\w.-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])",
        score=0.75,
    ),
    IdentifierPattern(
        entity="PHONE_NUMBER",
        name="international_phone",
        regex=r"(?<![\w+])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?![\w-])",
        score=0.7,
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="uuid",
        regex=rf"(?<![\w-]){HEX}{{8}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{12}}(?![\w-])",
        score=0.95,
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="record_number",
        regex=r"(?<=\b(?:mrn|(?:record|chart|patient|hospital)(?: (?:number|no\.?|id))?)[ :#]{1,3})"
        r"[a-z]{0,4}-?\d[\d-]{3,11}\b",
        score=0.9,
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="gait_id",
        regex=r"(?<![^\W_])(?:ga|ju|si)(?:co|pt)\d{2}(?:_\d{2})?(?!\w)",
        score=0.95,
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="licence_or_passport",
        regex=r"(?-i:\bS\d{8}\b|\bX\d{8}X\b)",
        score=0.8,
    ),
    IdentifierPattern(
        entity="STREET_ADDRESS",
        name="street_address",
        regex=rf"(?-i:\b\d{{1,5}} (?:[A-Z][\w'.-]+ ){{1,4}}(?:{STREETS})\b\.?"
        r"(?:,? (?:Apt|Apartment|Unit|Suite|Ste)\.? ?#?\w{1,5})?)",
        score=0.75,
    ),
    IdentifierPattern(
        entity="POSTAL_CODE",
        name="state_and_zip",
        regex=r"(?-i:\b[A-Z]{2},? \d{5}(?:-\d{4})?\b)",
        score=0.6,
    ),
    IdentifierPattern(
        entity="DATE_TIME",
        name="iso_date",
        regex=r"(?<![\w-])\d{4}-\d{2}-\d{2}"
        r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?(?![\w-])",
        score=0.8,
    ),
    IdentifierPattern(
        entity="DATE_TIME",
        name="numeric_date",
        regex=r"(?<![\w/.-])\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})(?![\w/-])",
        score=0.7,
    ),
    IdentifierPattern(
        entity="DATE_TIME",
        name="named_date",
        regex=rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{MONTHS})\b\.?(?:,? \d{{4}}\b)?"
        rf"|(?:{MONTHS})\b\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?"
        rf"|(?:{MONTHS})\b\.?,? \d{{4}}\b)",
        score=0.7,
    ),
)
