"""Check digits of identifiers: whether a number is well formed, never whether anybody has it.

Each function takes the identifier as people write it (spaces, points and hyphens are left out) and
answers False for anything that has not its form.
"""

import re

_SEPARATORS = re.compile(r"[\s.\-–]")
_NIR = re.compile(r"[1-478]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d{2}|2[AB])\d{6}\d{2}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_KVNR = re.compile(r"[A-Z]\d{9}")
_RVNR = re.compile(r"\d{2}(?:0[1-9]|[12]\d|3[01]|[5-7]\d|8[01])(?:0[1-9]|1[0-2])\d{2}[A-Z]\d{3}")
_RVNR_WEIGHTS = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)


def nir_holds(number: str) -> bool:
    """Return whether a French social security number (NIR, 15 places) has its key.

    Key = 97 - (first 13 digits mod 97); 2A counts as 19, 2B as 18 (INSEE, decree 82-103).
    """
    digits = _plain(number)
    if not _NIR.fullmatch(digits):
        return False
    body = digits[:13].replace("2A", "19").replace("2B", "18")
    return int(digits[13:]) == 97 - int(body) % 97


def kvnr_holds(number: str) -> bool:
    """Return whether a German health insurance number (KVNR, letter and 9 digits) has its check digit.

    The letter as two digits, then eight digits, weighted 1 2 1 2 ..., digit sums, modulo 10 (§ 290 SGB V).
    """
    text = _plain(number)
    if not _KVNR.fullmatch(text):
        return False
    digits = _letter_digits(text[0]) + text[1:9]
    return sum(_digit_sum(int(d) * (1 + i % 2)) for i, d in enumerate(digits)) % 10 == int(text[9])


def rvnr_holds(number: str) -> bool:
    """Return whether a German pension insurance number (12 places) has its check digit (VKVV § 4).

    Area, birth date, letter as two digits, serial number, weighted 2 1 2 5 7 1 2 1 2 1 2 1, digit sums.
    """
    text = _plain(number)
    if not _RVNR.fullmatch(text):
        return False
    digits = text[:8] + _letter_digits(text[8]) + text[9:11]
    weighted = zip(digits, _RVNR_WEIGHTS, strict=True)
    return sum(_digit_sum(int(digit) * weight) for digit, weight in weighted) % 10 == int(text[11])


def luhn_holds(number: str) -> bool:
    """Return whether the last digit is Luhn's check digit of the others (ISO/IEC 7812-1).

    RPPS numbers of French professionals and IMEI numbers of devices carry it.
    """
    digits = _plain(number)
    if not (digits.isascii() and digits.isdigit() and len(digits) > 1):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(_digit_sum(value) for value in doubled) % 10 == 0


def iban_holds(number: str) -> bool:
    """Return whether an account number (IBAN, any case) has its check digits (ISO 13616, modulo 97 = 1)."""
    text = _plain(number)
    if not _IBAN.fullmatch(text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def gtin_holds(number: str) -> bool:
    """Return whether a GTIN-14, the device identifier in a UDI, has its check digit (GS1, modulo 10)."""
    digits = re.sub(r"^\(?01\)?(?=\d{14}$)", "", _plain(number))
    if not re.fullmatch(r"[0-9]{14}", digits):
        return False
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits[:13]))
    return (10 - weighted % 10) % 10 == int(digits[13])


def _plain(number: str) -> str:
    return _SEPARATORS.sub("", number).upper()


def _letter_digits(letter: str) -> str:
    return f"{ord(letter) - ord('A') + 1:02}"


def _digit_sum(value: int) -> int:
    return value // 10 + value % 10
