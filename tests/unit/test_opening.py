"""The opening for an auditor: one canonical form, each person once."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from proof_samples import DETAILS, SALT, sample_record

from lakehouse.core.bundle import OpenedDetails
from lakehouse.core.canonical import canonical_json
from lakehouse.core.merkle import leaf_hash
from lakehouse.core.opening import OpenedConsent, Opening, parse_opening
from lakehouse.errors import NotVerified

CONSENTS = tuple(
    OpenedConsent(pseudonym=f"{number:032x}", basis=basis, nonce=bytes([number]) * 32)
    for number, basis in ((2, "policy"), (1, "record"))
)
OPENING = Opening(
    leaf=leaf_hash(sample_record(2).public_bytes()).hex(),
    key=b"\x04" * 32,
    details=OpenedDetails(value=DETAILS, salt=SALT),
    consents=CONSENTS,
)


@pytest.mark.parametrize(
    "opening",
    [OPENING, replace(OPENING, key=None), replace(OPENING, consents=None), replace(OPENING, consents=())],
)
def test_an_opening_reads_back_with_its_people_in_order(opening: Opening) -> None:
    read = parse_opening(opening.render())
    assert read.render() == opening.render()
    assert replace(read, consents=None) == replace(opening, consents=None)
    assert read.consents == (opening.consents and opening.consents[::-1])


def consent(fields: dict[str, Any]) -> dict[str, Any]:
    return fields["consents"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(leaf="AB" * 32),
        lambda fields: fields.update(leaf=None),
        lambda fields: fields.update(key="BAQE"),
        lambda fields: fields.update(details=None),
        lambda fields: fields.pop("consents"),
        lambda fields: fields.update(consents={}),
        lambda fields: fields["consents"].reverse(),
        lambda fields: fields["consents"].append(consent(fields)),
        lambda fields: consent(fields).update(basis="guess"),
        lambda fields: consent(fields).update(pseudonym="GaPt03"),
        lambda fields: consent(fields).update(nonce="AAAA"),
        lambda fields: consent(fields).update(name="more"),
        lambda fields: consent(fields).pop("nonce"),
    ],
)
def test_another_form_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    fields = json.loads(OPENING.render())
    change(fields)
    with pytest.raises(NotVerified):
        parse_opening(canonical_json(fields) + b"\n")


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data + b"\n", lambda data: b" " + data]
)
def test_other_bytes_around_it_are_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NotVerified):
        parse_opening(change(OPENING.render()))
