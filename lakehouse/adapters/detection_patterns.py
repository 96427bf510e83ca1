"""What an identifier looks like: the patterns that detection adds to Presidio's own.

Those of every language and those of English stand here, French and German ones in files of their own.
"""

from lakehouse.adapters.french_patterns import FRENCH_PATTERNS
from lakehouse.adapters.german_patterns import GERMAN_PATTERNS
from lakehouse.adapters.identifier_pattern import IdentifierPattern
from lakehouse.core.check_digits import gtin_holds, iban_holds, luhn_holds

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

PATTERNS = (
    IdentifierPattern(
        entity="EMAIL_ADDRESS",
        name="email",
        regex=r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
        score=0.9,
        needs="@",
    ),
    IdentifierPattern(
        entity="URL",
        name="web_address",
        regex=r"\b(?:https?://|www\.)[^\s<>()\"']{3,}",
        score=0.6,
        needs=r"://|www\.",
        in_cells=False,
    ),
    IdentifierPattern(
        entity="PERSON",
        name="named_relative_or_title",
        regex=rf"(?<=\b(?:{RELATIVES}|{TITLES})[ ,]{{1,2}})(?-i:[A-Z][\w'-]+(?: [A-Z][\w'-]+)?)",
        score=0.7,
        needs=rf"\b(?:{RELATIVES}|{TITLES})[ ,]",
        in_cells=False,
    ),
    IdentifierPattern(
        entity="US_SSN",
        name="social_security_number",
        regex=r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])",
        score=0.85,
        needs=r"-\d\d-",
    ),
    IdentifierPattern(
        entity="PHONE_NUMBER",
        name="north_american_phone",
        regex=r"(?<![\w.-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])",
        score=0.75,
        needs=r"\d{3}[ .-]\d{4}",
    ),
    IdentifierPattern(
        entity="PHONE_NUMBER",
        name="international_phone",
        regex=r"(?<![\w+])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?![\w-])",
        score=0.7,
        needs=r"\+\d",
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="uuid",
        regex=rf"(?<![\w-]){HEX}{{8}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{4}}-{HEX}{{12}}(?![\w-])",
        score=0.95,
        needs=rf"-{HEX}{{4}}-",
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="record_number",
        regex=r"(?<=\b(?:mrn|(?:record|chart|patient|hospital)(?: (?:number|no\.?|id))?)[ :#]{1,3})"
        r"[a-z]{0,4}-?\d[\d-]{3,11}\b",
        score=0.9,
        needs="mrn|record|chart|patient|hospital",
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="gait_id",
        regex=r"(?<![^\W_])(?:ga|ju|si)(?:co|pt)\d{2}(?:_\d{2})?(?!\w)",
        score=0.95,
        needs=r"(?:co|pt)\d",
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="licence_or_passport",
        regex=r"(?-i:\bS\d{8}\b|\bX\d{8}X\b)",
        score=0.8,
        needs=r"\d{8}",
    ),
    IdentifierPattern(
        entity="STREET_ADDRESS",
        name="street_address",
        regex=rf"(?-i:\b\d{{1,5}} (?:[A-Z][\w'.-]+ ){{1,4}}(?:{STREETS})\b\.?"
        r"(?:,? (?:Apt|Apartment|Unit|Suite|Ste)\.? ?#?\w{1,5})?)",
        score=0.75,
        needs=r"\d ",
    ),
    IdentifierPattern(
        entity="POSTAL_CODE",
        name="state_and_zip",
        regex=r"(?-i:\b[A-Z]{2},? \d{5}(?:-\d{4})?\b)",
        score=0.6,
        needs=r"\d{5}",
    ),
    IdentifierPattern(
        entity="DATE_TIME",
        name="iso_date",
        regex=r"(?<![\w-])\d{4}-\d{2}-\d{2}"
        r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?(?![\w-])",
        score=0.8,
        needs=r"\d-\d\d-\d",
    ),
    IdentifierPattern(
        entity="DATE_TIME",
        name="numeric_date",
        regex=r"(?<![\w/.-])\d{1,2}([/.-])\d{1,2}\1(?:\d{4}|\d{2})(?![\w/-])",
        score=0.7,
        needs=r"\d[/.-]\d",
    ),
    IdentifierPattern(
        entity="DATE_TIME",
        name="named_date",
        regex=rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{MONTHS})\b\.?(?:,? \d{{4}}\b)?"
        rf"|(?:{MONTHS})\b\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?"
        rf"|(?:{MONTHS})\b\.?,? \d{{4}}\b)",
        score=0.7,
        needs=r"\b(?:jan|feb|mar|apr|may|ju[nl]|aug|sep|oct|nov|dec)",
    ),
    IdentifierPattern(
        entity="IBAN_CODE",
        name="account_number_of_any_case",
        regex=r"(?<!\w)[a-z]{2}\d{2}(?: ?[a-z\d]{4}){2,7}(?: ?[a-z\d]{1,3})?(?!\w)",
        score=0.5,
        needs=r"[a-z]{2}\d{2}",
        check=iban_holds,
    ),
    IdentifierPattern(
        entity="US_DRIVER_LICENSE",
        name="driving_licence",
        regex=r"(?<=\b(?:driver['’]?s?|driving) licen[cs]e(?: (?:number|no\.?|id))?(?: is)?[ :#]{1,3})"
        r"(?=[a-z-]*\d)[a-z\d-]{5,20}\b",
        score=0.7,
        needs="licen[cs]e",
        in_cells=False,
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="fhir_reference",
        regex=r"(?-i:\b(?:Patient|Practitioner|RelatedPerson|Person|Encounter|Device)/[A-Za-z0-9.-]{1,64}(?<!\.))",
        score=0.9,
        needs="/",
    ),
    IdentifierPattern(
        entity="RECORD_ID",
        name="object_identifier_urn",
        regex=r"\burn:oid:[0-2](?:\.\d{1,20}){3,20}",
        score=0.7,
        needs="urn:",
        in_cells=False,
    ),
    IdentifierPattern(
        entity="DEVICE_ID",
        name="device_serial_number",
        regex=r"(?<=\b(?:serial(?: (?:number|no\.?))?|s/n|sn|device(?: (?:id|number))?)[ :#]{1,3})"
        r"(?=[a-z\d-]*\d{3})[a-z\d][a-z\d-]{4,23}\b",
        score=0.7,
        needs=r"serial|\bs/?n\b|device",
        in_cells=False,
    ),
    IdentifierPattern(
        entity="DEVICE_ID",
        name="unique_device_identifier",
        regex=r"(?<!\d)\(01\)\d{14}(?!\d)",
        score=0.6,
        needs=r"\(01\)\d",
        check=gtin_holds,
    ),
    IdentifierPattern(
        entity="DEVICE_ID",
        name="imei",
        regex=r"(?<=\bimei[ :#]{1,3})\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d(?!\d)",
        score=0.6,
        needs="imei",
        check=luhn_holds,
    ),
    IdentifierPattern(
        entity="DEVICE_ID",
        name="hardware_address",
        regex=rf"(?<![\w:-]){HEX}{{2}}([:-])(?:{HEX}{{2}}\1){{4}}{HEX}{{2}}(?![\w:-])",
        score=0.8,
        needs=rf"{HEX}[:-]{HEX}",
    ),
    *FRENCH_PATTERNS,
    *GERMAN_PATTERNS,
)
