import pytest

from lakehouse.core.check_digits import (
    gtin_holds,
    iban_holds,
    kvnr_holds,
    luhn_holds,
    nir_holds,
    rvnr_holds,
)

HOLD = [
    (nir_holds, "2 55 08 14 168 025 38"),
    (nir_holds, "1 85 05 2A 006 084 35"),
    (kvnr_holds, "A123456780"),
    (rvnr_holds, "15 070649 C 103"),
    (rvnr_holds, "65170839J003"),
    (luhn_holds, "79927398713"),
    (luhn_holds, "490154203237518"),
    (iban_holds, "DE89 3704 0044 0532 0130 00"),
    (iban_holds, "gb82west12345698765432"),
    (gtin_holds, "(01)00643169001763"),
]


@pytest.mark.parametrize(("holds", "number"), HOLD)
def test_a_well_formed_number_holds(holds, number):
    """Published examples, with and without the blanks that people write."""
    assert holds(number)
    assert holds(number.replace(" ", ""))


@pytest.mark.parametrize(("holds", "number"), HOLD)
def test_another_last_digit_does_not(holds, number):
    """One digit is right, the nine others are not."""
    others = [number[:-1] + digit for digit in "0123456789" if digit != number[-1]]
    assert not any(holds(other) for other in others)


@pytest.mark.parametrize("holds", sorted({holds for holds, _ in HOLD}, key=lambda holds: holds.__name__))
@pytest.mark.parametrize("text", ["", "0", "٣٣٣", "x" * 40, "²" * 15, "1" * 500])
def test_what_has_not_the_form_is_no_error(holds, text):
    """Any text is answered False (a long run of one digit may satisfy Luhn alone)."""
    assert holds(text) is False or holds is luhn_holds
