"""Invented French values in the form of those they replace: capitals stay capitals, layouts layouts."""

import re
from random import Random

from faker import Faker

MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
NUMERIC_DATE = re.compile(r"(\D*)(\d{1,2})(\s*[/.|-]\s*)(\d{1,2})(?:(\s*[/.|-]\s*)(\d{4}|\d{2}))?(\s*)")
NAMED_DATE = re.compile(rf"((?:le )?)(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})", re.IGNORECASE)


class FrenchValues:
    """Values of one text; the same seed gives the same values."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self._faker = Faker("fr_FR")
        self._faker.seed_instance(seed)

    def like(self, value: str, label: str) -> str:
        """Return another value of the kind `label` in the form of `value`."""
        makers = {
            "NOM": self._family_name,
            "PRENOM": self._given_name,
            "DATE": self._date,
            "DATE_NAISSANCE": self._date,
            "MAIL": lambda _: self._faker.email(),
            "ADRESSE": self._street,
            "VILLE": lambda own: _cased(self._faker.city(), own),
            "HOPITAL": lambda own: own,
        }
        return makers.get(label, self._digits)(value)

    def _family_name(self, own: str) -> str:
        return own if len(own) < 3 else _cased(self._faker.last_name(), own)

    def _given_name(self, own: str) -> str:
        name = self._faker.first_name()
        return f"{name[0]}." if re.fullmatch(r"\w\.", own) else own if "." in own else _cased(name, own)

    def _street(self, own: str) -> str:
        street = self._faker.street_address().replace("\n", " ")
        return _cased(street, own) if own[:1].isdigit() else own

    def _date(self, own: str) -> str:
        numeric, named = NUMERIC_DATE.fullmatch(own), NAMED_DATE.fullmatch(own)
        day, month, year = (self._random.randint(*span) for span in ((1, 28), (1, 12), (1925, 2024)))
        if numeric:
            shown = f"{numeric[1]}{day:0{len(numeric[2])}}{numeric[3]}{month:0{len(numeric[4])}}"
            digits = str(year)[-len(numeric[6]) :] if numeric[6] else ""
            return f"{shown}{numeric[5] or ''}{digits}{numeric[7]}"
        if named:
            return f"{named[1]}{day} {MONTHS[month - 1]} {year}"
        return own

    def _digits(self, own: str) -> str:
        """Return other digits in the same places; the first two stay, as they tell kinds of numbers apart."""
        seen = 0
        shown = []
        for letter in own:
            seen += letter.isdigit()
            shown.append(str(self._random.randint(0, 9)) if letter.isdigit() and seen > 2 else letter)
        return "".join(shown)


def _cased(value: str, own: str) -> str:
    if own.isupper():
        return value.upper()
    return value.lower() if own.islower() else value
