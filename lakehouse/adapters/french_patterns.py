"""What personal data looks like in French notes; the NIR wherever it stands.

Written with one half of the EDS-pseudo templates in view; what they find in the other half is in
docs/pii-quality.md. Hospital French is telegraphic: names in capitals, digits apart, dates in words.
"""

from lakehouse.adapters.french_words import (
    CAPITALS,
    DAY,
    FRENCH_MONTHS,
    FRENCH_WEEKDAYS,
    FULL_MONTHS,
    FULL_NAME,
    GIVEN_NAME,
    KINSHIP,
    MARK,
    MONTH,
    NUMBER_WORDS,
    ROLES,
    STOP,
    STREET_KINDS,
    TITLES,
    UNIT,
    WORD,
    WORDED,
)
from lakehouse.adapters.identifier_pattern import NAME, IdentifierPattern
from lakehouse.core.check_digits import luhn_holds, nir_holds

FRENCH = ("fr",)


def _french(entity: str, name: str, regex: str, score: float, needs: str) -> IdentifierPattern:
    return IdentifierPattern(
        entity=entity, name=name, regex=regex, score=score, needs=needs, in_cells=False, languages=FRENCH
    )


NIR = IdentifierPattern(
    entity="FR_NIR",
    name="french_social_security_number",
    regex=r"(?<![\w.])[1-478] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?![\w])",
    score=0.6,
    needs=r"\d{3} ?\d{2}",
    check=nir_holds,
)
RPPS = IdentifierPattern(
    entity="RECORD_ID",
    name="french_professional_number",
    regex=r"\b(?:rpps|n[°º] ?rpps)[ :]{1,3}\K\d{11}(?!\d)",
    score=0.6,
    needs="rpps",
    in_cells=False,
    check=luhn_holds,
)

PEOPLE = (
    _french(
        "PERSON",
        "french_title",
        rf"\b(?:{TITLES})\b\.?[ \n]{{0,2}}\K{FULL_NAME}",
        0.8,
        rf"\b(?:{TITLES})\b",
    ),
    _french(
        "PERSON",
        "french_role",
        rf"\b(?:{ROLES}|{KINSHIP})(?:\([eésx]+\))?[ \n]?[:\n ][ \n]?\K{FULL_NAME}",
        0.6,
        rf"\b(?:{ROLES}|{KINSHIP})",
    ),
    _french(
        "PERSON",
        "initial_and_name",
        rf"(?-i:(?<![\w.])(?:[A-ZÀ-Þ]\.[- ]?){{1,2}} ?\n?{NAME}(?: {NAME})?)",
        0.6,
        r"\w\.",
    ),
    _french(
        "PERSON",
        "french_given_name",
        rf"(?<![\w@.-])(?:(?-i:{NAME}(?:[ -]{NAME})?),?[ ])?(?:(?={NAME}(?<=\b)){GIVEN_NAME})(?![\w@])"
        rf"(?:,?[ \n](?-i:{WORD}(?: {WORD})?))?",
        0.6,
        r"\w",
    ),
    _french(
        "PERSON",
        "capitals_before_a_date",
        rf"(?-i:(?<![\w-]){CAPITALS},? {{1,2}}(?:{NAME}|{CAPITALS})(?:[ -]{NAME})?)(?=\s{{1,3}}"
        rf"(?:n[ée]e?\b|\|?\s?\d[\d ./|-]{{6}}|\(?PHC|\(?externe|\(?interne))",
        0.5,
        r"\w",
    ),
    _french(
        "PERSON",
        "name_in_a_row",
        rf"(?:[¦|│]|\d -|\d{{2}}/\d{{4}}) {{1,2}}\K(?-i:(?:{NAME}|{CAPITALS}) (?:{NAME}|{CAPITALS}))"
        rf"(?= [¦|│]| (?:le )?(?:{WORDED}|\d{{1,4}}) ?[/a-z])",
        0.5,
        r"[¦|│]|\d",
    ),
    _french(
        "PERSON",
        "time_stamp_and_name",
        rf"\d{{1,2}}:\d{{2}}(?::\d{{2}})?:? {{0,2}}\K{FULL_NAME}",
        0.5,
        r":\d\d",
    ),
)
DATES = (
    _french(
        "DATE_TIME",
        "french_numeric_date",
        rf"(?<![\d/.,-])\d{{1,2}}{MARK}\d{{1,2}}{MARK}(?:\d{{4}}|\d{{2}})(?![\d])",
        0.8,
        r"\d",
    ),
    _french(
        "DATE_TIME",
        "french_named_date",
        rf"(?<![\w])(?:(?:{FRENCH_WEEKDAYS})\s+)?(?:(?:\d{{1,2}}(?:er)?(?: (?:et|au) \d{{1,2}})?"
        rf"|{WORDED})\s?)?(?:{FRENCH_MONTHS})\b\.?,?\s?(?:\d{{4}}|\d{{2}}\b(?![:.,/]\d)|{WORDED})(?!\d)",
        0.8,
        rf"(?:{FRENCH_MONTHS})",
    ),
    _french(
        "DATE_TIME",
        "french_day_and_month",
        rf"(?<!\w)(?:(?:{FRENCH_WEEKDAYS})\s+)?(?:\d{{1,2}}(?:er)?|{WORDED})\s?(?:{FRENCH_MONTHS})(?!\w)",
        0.7,
        rf"(?:{FRENCH_MONTHS})",
    ),
    _french(
        "DATE_TIME",
        "joined_month_and_year",
        rf"(?<!\w)(?:\d{{4}} )?(?:{FRENCH_MONTHS})\.?\s?(?:\d{{4}}|\d{{2}}(?!\d|[:.,/]))",
        0.6,
        rf"(?:{FRENCH_MONTHS})",
    ),
    _french(
        "DATE_TIME",
        "year_and_month",
        rf"(?<!\d)(?:19|20)\d{{2}} (?:{FULL_MONTHS})\b",
        0.7,
        rf"(?:{FULL_MONTHS})",
    ),
    _french("DATE_TIME", "french_month", rf"\b(?:{FULL_MONTHS})\b", 0.5, rf"(?:{FULL_MONTHS})"),
    _french(
        "DATE_TIME",
        "short_month",
        rf"\b(?:de|en|[àa]|depuis) \K(?:{FRENCH_MONTHS})\b",
        0.5,
        rf"(?:{FRENCH_MONTHS})",
    ),
    _french(
        "DATE_TIME",
        "day_and_month_number",
        rf"(?<![\w/.,+-]){DAY}\s?/\s?(?:0[1-9]|1[0-2])(?![\w/]|[.,]\d)",
        0.5,
        r"\d ?/",
    ),
    _french(
        "DATE_TIME",
        "day_and_month_after_a_cue",
        rf"\b(?:le|du|au|les|d[eè]s|depuis|jusqu['’]au|[CSJ]\d{{1,2}}|rdv|vers)"
        rf"[ (:]{{1,3}}\K{DAY}{MARK}{MONTH}(?![\w/]|[.,]\d)",
        0.6,
        r"\d",
    ),
    _french(
        "DATE_TIME",
        "day_before_another",
        r"\b(?:les?|du|entre le) \K\d{1,2}(?= (?:et|au|ou) (?:le )?\d{1,2}[ /.-])",
        0.5,
        r"\d",
    ),
    _french(
        "DATE_TIME",
        "lone_year",
        r"(?<![\d.,/:*=-])(?:(?:fin|d[ée]but|mi|courant|printemps|[ée]t[ée]|automne|hiver)[ -])?(?:19"
        rf"|20)\d{{2}}(?![\d.,/:*]*\d)(?!{UNIT})",
        0.5,
        r"(?:19|20)\d\d",
    ),
    _french(
        "DATE_TIME",
        "year_in_words",
        rf"\b(?:deux mille|mille? neuf cents?)(?:[ -]{NUMBER_WORDS})*\b",
        0.7,
        r"\bmille?\b",
    ),
    _french("DATE_TIME", "worded_day", rf"\b{WORDED} \d{{2}} \d{{4}}\b", 0.7, r"\d{4}"),
    _french(
        "DATE_TIME",
        "joined_digits_date",
        r"(?<!\d)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{2}(?!\d)",
        0.6,
        r"\d{8}",
    ),
    _french("DATE_TIME", "blanks_between_date", r"(?<!\d)\d{2} \d{2} (?:19|20)\d{2}(?!\d)", 0.6, r"\d \d"),
)
PLACES = (
    _french(
        "STREET_ADDRESS",
        "french_street",
        rf"(?<!\w)(?:\d{{1,4}}(?:-\d{{1,4}})?|{WORDED})[ ,]{{0,3}}(?:(?:bis|ter|quater|[a-d])"
        rf"\b[ ,]{{0,2}})?(?:{STREET_KINDS})(?:[ ]+[\w'’.-]+){{1,8}}?{STOP}(?:,? (?:app(?:arteme)"
        rf"?n?t\.?|studio|b[âa]t\.?|bis|[ée]tage|porte|esc\.?) ?\w{{0,5}})*",
        0.8,
        rf"(?:{STREET_KINDS})",
    ),
    _french(
        "STREET_ADDRESS",
        "french_street_name",
        rf"(?<!\w)(?:\d{{1,4}}[ ,]{{1,2}}(?:(?:bis|ter|quater)[ ,]{{1,2}})?)?\b(?:{STREET_KINDS}) (?:"
        rf"(?:de|du|des|la|le|les|l['’]|d['’]) ?)*(?-i:{NAME}|\d{{1,2}})(?:[ -](?:(?:de|du|des|la|le"
        rf"|sur|et|d['’]) ?)*(?-i:{NAME})){{0,5}}",
        0.6,
        rf"(?:{STREET_KINDS})",
    ),
    _french(
        "STREET_ADDRESS",
        "german_street",
        r"(?-i:\b(?:[A-ZÄÖÜ]\w*)?[Ss]tra(?:ß|ss)e(?: [\w.]+){0,4}? \d{1,4}\b)",
        0.7,
        r"tra(?:ß|ss)e",
    ),
    _french(
        "POSTAL_CODE",
        "french_postal_code",
        r"(?<![\d.,/-])(?:\d{2} ?\d{3}|(?!19|20)\d{4}(?=[ \n]))(?=[ ,]{0,2}\n?"
        r"(?-i:[A-ZÀ-Þ][a-zà-ÿA-ZÀ-Þ'’-]{2}))",
        0.6,
        r"\d{3}",
    ),
    _french(
        "POSTAL_CODE",
        "postal_code_after_a_street",
        r"(?<!\d)\d{5}(?!\d)(?<=(?:rue|avenue|boulevard|bd|place|chemin|quai|impasse|passage|all[ée]e)"
        r"[^\n\d]{3,40},? ?\d{5})",
        0.6,
        r"\d{5}",
    ),
    _french("POSTAL_CODE", "five_digits", r"(?<=[,(] ?)\d{5}(?=[),.\n]|$)", 0.5, r"\d{5}"),
    _french(
        "LOCATION",
        "city_after_a_postal_code",
        r"(?<![\d.,/])(?:\d{2} ?\d{3}|(?!19|20)\d{4})[ ,]{0,2}\n?\K(?-i:[A-ZÀ-Þ][\w'’-]+)"
        r"(?:[ \n-]{1,2}(?:(?-i:[A-ZÀ-Þ][\w'’-]*)|sur|sous|en|les|le|la|s/|cedex|de|du|[àa]|\d{1,2}\b)"
        r"){0,5}",
        0.7,
        r"\d{3}",
    ),
    _french(
        "LOCATION",
        "town_after_a_cue",
        r"\b(?:[àa]|habitant|r[ée]sidant [àa]|domicili[ée]e? [àa]|n[ée]e? [àa]|ville de|r[ée]gion de"
        rf"|pr[èe]s de|originaire de|chu de|ch de|ght de) \n?\K(?-i:{NAME}(?:[ -](?:(?:sur|sous|en|les"
        rf"|le|la|de|s/)[ -])*{NAME}){{0,3}})",
        0.5,
        r"\w",
    ),
    _french(
        "HOSPITAL",
        "french_hospital",
        r"\b(?:h[ôo]pital|h[ôo]pitaux|chu|chr|chru|ch|ghu?|ght|clinique|centre hospitalier|institut"
        r"|maternit[ée]|ehpad|polyclinique)(?: (?:de|du|des|d['’]|la|le|l['’]))* ?\n?\K(?-i:(?:(?:la"
        rf"|le|les|l['’]) ?)?(?:{NAME}|[A-Z]\. ?{NAME}|[A-ZÀ-Þ]{{2,}})(?:[ -](?:(?:de|du|des|la|le"
        rf"|d['’])[ -]?)*(?:{NAME}|[A-Z]\.{NAME})){{0,4}})",
        0.6,
        r"\bh[ôo]pita|\bch|\bgh|\bclinique|\bcentre|\binstitut|\bmaternit|\behpad|\bpolyclinique",
    ),
)
NUMBERS = (
    _french("RECORD_ID", "digits_apart", r"(?<![\d.,])\d(?: \.? ?\d){6,60}(?!\d)", 0.5, r"\d \.? ?\d"),
    _french("FR_NIR", "security_number_apart", r"(?<!\d)(?<!\d )[1-8](?: \d){11,15}(?! ?\d)", 0.5, r"\d \d"),
    _french(
        "FR_NIR",
        "security_number",
        r"(?<!\d)[12]\d{2}(?:0[1-9]|1[0-2])\d{8}(?:\d{2})?(?!\d)",
        0.5,
        r"\d{13}",
    ),
    _french(
        "PHONE_NUMBER",
        "french_phone",
        r"(?<![\d.,])(?:\(?(?:\+|00)? ?33\)?[ .-]?(?:\(0\))? ?[1-9o]|[0o][1-9])(?:[ .-]{0,2}[\do]){8}"
        r"(?![\do])",
        0.75,
        r"[\do]{2}",
    ),
    _french(
        "PHONE_NUMBER",
        "short_international_phone",
        r"(?<!\w)\(\d{2,3}\)[ .-]?\d(?:[ .-]?\d){6,11}(?!\d)",
        0.6,
        r"\(\d",
    ),
    _french(
        "PHONE_NUMBER",
        "number_after_telephone",
        r"\b(?:t[ée]l(?:[ée]ph(?:one)?)?|fax|portable|mobile|gsm|standard|poste|joignables? au|bip"
        r"|secr[ée]tariat|t)\.?[ :]{1,3}\K(?:\+|\()?\d[\d ().-]{2,20}\d",
        0.6,
        r"\d",
    ),
    _french(
        "EMAIL_ADDRESS",
        "spaced_email",
        r"(?<![\w.+-])[\w.+-]{1,64} ?@ ?[\w-]{1,63}(?: ?\. ?[\w-]{2,63}){1,4}",
        0.8,
        "@",
    ),
    _french(
        "RECORD_ID",
        "french_record_number",
        r"\b(?:ipp|nda|nip|iep|n?°? ?id|dossier|identi(?:fication|fiant)(?: [\w'’]+){0,3}|num[ée]ro"
        r"(?: [\w'’]+){0,3}|immatriculation|visite|s[ée]jour|patiente?|rpps|finess|adeli|siret"
        r"|r[ée]f[ée]rence(?: [\w'’]+){0,5}|n[°º]\.?(?: [\w'’]+){0,2})\)?(?: (?:est|est le))"
        r"?[ :\n(\[]{0,4}\K(?-i:[A-Z]{0,3})\d[\dA-Z-]{3,15}\b",
        0.8,
        r"\d",
    ),
    _french("RECORD_ID", "long_number", r"(?<![\w.,/+-])\d{7,15}(?![\w/]|[.,]\d)", 0.5, r"\d{7}"),
    _french(
        "RECORD_ID",
        "letters_in_a_number",
        r"(?-i:(?<![\w-])(?=[A-Z]*\d[\dA-Z]*[A-Z]|[A-Z]+\d)(?=(?:[A-Z]*\d){5})[\dA-Z]{7,14}(?![\w-]))",
        0.5,
        r"\d",
    ),
    _french(
        "RECORD_ID",
        "long_digits_apart",
        r"(?<![\d.,] )(?<![\d.,])\d(?: ?\d){8,17}(?! ?\d)",
        0.5,
        r"\d \d|\d{3}",
    ),
)
FRENCH_PATTERNS = (NIR, RPPS, *PEOPLE, *DATES, *PLACES, *NUMBERS)
