"""Words and building blocks of French notes, as parts of patterns (no case unless `(?-i:...)` says so)."""

from lakehouse.adapters.french_given_names import FRENCH_GIVEN_NAMES
from lakehouse.adapters.identifier_pattern import NAME

FRENCH_MONTHS = (
    r"janv(?:ier)?|f[ée]v(?:r(?:ier)?)?|mars|avr(?:il)?|mai|juin|juil(?:let)?|ao[uû]t|sept(?:embre)?"
    r"|oct(?:obre)?"
    r"|nov(?:embre)?|d[ée]c(?:embre)?|jan|mar|jui|sep"
)
FULL_MONTHS = r"janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[uû]t|septembre|octobre|novembre|d[ée]cembre"
FRENCH_WEEKDAYS = "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
NUMBER_WORDS = (
    r"(?:cinquante|quarante|quatorze|soixante|premier|quatre|quinze|treize|trente|vingts?|cents?|douze|mille"
    r"|seize|trois|cinq|deux|huit|neuf|onze|sept|dix|mil|six|une|un|et)\b"
)
WORDED = rf"{NUMBER_WORDS}(?:[ -]{NUMBER_WORDS})*"
STREET_KINDS = (
    r"rue|avenue|avn|av\.?|boulevard|boul|bld|bvd|bd\.?|place|pl\.|chemin|chem\.?|all[ée]es?|impasse|imp\.?"
    r"|passage|quai|route|rte|square|sq\.?|cours|esplanade|ruelle|sentier|faubourg|fbg|voie|villa|cit[ée]"
    r"|r[ée]sidence|lotissement|hameau|parvis|promenade|rond-point"
)
TITLES = (
    r"m|mm|mr|mrs|mme|mmes|mlle|melle|me|dr|drs|pr|prs|docteur|docteurs|docteresse|professeur"
    r"|professeure|monsieur|madame"
    r"|mademoiselle|ma[îi]tre"
)
KINSHIP = (
    r"p[èe]re|m[èe]re|fils|fille|fr[èe]re|s[œo]e?ur|mari|[ée]poux|[ée]pouse|conjointe?|compagne"
    r"|compagnon|neveu"
    r"|ni[èe]ce|oncle|tante|cousine?|parrain|marraine|voisine?|tuteur|tutrice|cur[ae]teur"
)
ROLES = (
    r"internes?|externes?|patiente?s?(?: pr[ée]sentes?)?|pt|assur[ée]e?|nom(?: (?:du patient|de "
    r"(?:naissance|famille"
    r"|jeune fille|l['’]assur[ée]e?)|d['’]usage|marital))?|pr[ée]noms?|sign[ée]e? par"
    r"|r[ée]dig[ée]e? par|valid[ée]e? par"
    r"|analys[ée]e? par|[ée]dit[ée]e? par|saisie? par|dict[ée]e? par|pour|contact(?:ez|er)?"
    r"|rappel pour|messager|m[ée]decins?"
    r"|chirurgiens?|gyn[ée]cologues?|infirmi[èe]re?s?|cadres?|secr[ée]taire|chef de (?:service|clinique)"
    r"|personne (?:de confiance|[àa] pr[ée]venir)|staff|[ée]quipe|partenaires?|adjoints?"
)
WORD = (
    rf"(?:{NAME}|[A-ZÀ-ÖØ-Þ](?:\.?-[A-ZÀ-ÖØ-Þ])?(?:\.|(?= ))|(?:de|du|des|la|le|les|d['’]|van|von|der|el|al"
    r"|ben|bel|da|dos|di)(?= [A-ZÀ-ÖØ-Þ]))"
)
"""A word of a name: capitalised, an initial, or a particle before one."""
FULL_NAME = rf"(?-i:{WORD}(?:,?[ _\n]{{0,2}}{WORD}){{0,3}})"
CAPITALS = r"[A-ZÀ-ÖØ-Þ]{2,}(?:['’ -][A-ZÀ-ÖØ-Þ]{2,}){0,2}"
GIVEN = "|".join(sorted(FRENCH_GIVEN_NAMES, key=lambda name: (-len(name), name)))
GIVEN_NAME = rf"(?:{GIVEN})(?:[ -](?:{GIVEN}))*"
UNIT = r"\s*(?:mg|ml|g|kg|ui|µg|mcg|kcal|kj|cm|mm|m|%|cp|€|l|mmol|µmol|hz|h|/)(?!\w)"
DAY = r"(?:3[01]|[12]\d|0?[1-9])"
MONTH = r"(?:1[0-2]|0?[1-9])"
MARK = r"\s?[/.|\\-]\s?"
STOP = r"(?=\s*(?:[,;:\n|()]|$|\d{2} ?\d{3}\b|[àa]\s|le\s|avait|\.\s|\.$|t[ée]l\b|-\s|–))"
