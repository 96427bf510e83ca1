"""Whose a device or a number is stays known from batch to batch, and nobody is merged."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import count

import pytest
from hostile_contracts import read_bytes, read_rows, readings, row, shipped
from test_hostile_identities import bundle, patient

from lakehouse.adapters.batch_checks import contested_values
from lakehouse.adapters.bronze_rows import BatchFile
from lakehouse.adapters.private_folders import private_folder
from lakehouse.core.contract import DatasetContract
from lakehouse.pipeline import owned_values
from lakehouse.pipeline.landing_batch import portions
from lakehouse.pipeline.landing_rows import LandedRows
from lakehouse.pipeline.owned_values import check_portion, held_by_others
from lakehouse.pipeline.site import Site
from lakehouse.readers.input_files import FileRows

Verdict = tuple[int, dict[str, int]]


def take(site: Site, contract: DatasetContract, found: FileRows, number: int) -> Verdict:
    """Land one batch up to its commit: how many rows are accepted, and why the others are not."""
    file = BatchFile(found=found, bytes_hmac=found.digest, source_digest=found.digest.hex())
    folder: AbstractContextManager = private_folder(site.lake.work)
    with folder as place, LandedRows(site, contract, number, place) as landed:
        for portion in portions(contract, [file]):
            landed.take(check_portion(site, contract, portion, contested_values(contract, [found])))
        return landed.counts()["accepted"], dict(landed.reasons)


def wear(site: Site, number: int, *worn: tuple[str, str]) -> Verdict:
    """A batch in which people state their devices, one a row."""
    days = (f"2024-05-{day:02}T10:00:00" for day in count(1))
    rows = [row(person=person, device=device, at=next(days)) for person, device in worn]
    return take(site, readings(), read_rows(rows), number)


def test_devices_swapped_between_two_batches_are_set_aside(open_home: Callable[..., Site]) -> None:
    """Whose a device is, they keep it; who else states it is not even made a person."""
    site = open_home()
    assert wear(site, 1, ("P01", "D1"), ("P02", "D2")) == (2, {})
    swapped = [("P01", "D2"), ("P02", "D1"), ("P03", "D1"), ("P01", "D3")]
    assert wear(site, 2, *swapped) == (1, {"shared_value": 3})
    assert wear(site, 3, ("P01", "D1"), ("P01", "D3"), ("P02", "D2")) == (3, {})
    assert site.vault.find_subjects("clinic", ["P03"]) == {}


def test_what_is_kept_of_a_device_redacts_nothing(open_home: Callable[..., Site]) -> None:
    """A device called 7 must not take every 7 out of a note."""
    site = open_home()
    wear(site, 1, ("P01", "7"))
    (subject,) = site.vault.find_subjects("clinic", ["P01"]).values()
    assert site.vault.identifiers_of([subject]) == {subject: ("P01",)}
    assert site.vault.holders_of([("own:readings.device", "7"), ("name", "7")]) == {
        ("own:readings.device", "7"): {subject}
    }


def test_a_person_known_by_two_numbers_keeps_one_device(open_home: Callable[..., Site]) -> None:
    site = open_home()
    wear(site, 1, ("P01", "D1"), ("P02", "D2"))
    site.vault.link(site.vault.find_subjects("clinic", ["P01"])["P01"], "clinic", ["P02"])
    assert wear(site, 2, ("P02", "D1"), ("P01", "D2")) == (2, {})


def claims(*people: tuple[str, str]) -> FileRows:
    """A bundle of patients, each with the clinic number that they claim."""
    return read_bytes(shipped("ehr"), bundle(*[patient(name, number) for name, number in people]))


@pytest.mark.parametrize("again", [[("a", "C-1")], [("a", "C-1"), ("c", "C-2")]])
def test_a_number_linked_in_an_earlier_batch_merges_nobody(
    open_home: Callable[..., Site], again: Sequence[tuple[str, str]]
) -> None:
    """Patient b claims the clinic number of patient a a batch later: a link would merge them for ever."""
    site = open_home()
    ehr = shipped("ehr")
    assert take(site, ehr, claims(("a", "C-1")), 1) == (1, {})
    assert take(site, ehr, claims(("b", "C-1"), ("c", "C-2")), 2) == (1, {"shared_value": 1})
    assert take(site, ehr, claims(*again), 3) == (len(again), {})
    assert site.vault.find_subjects("fhir", ["b"]) == {}
    assert len(set(site.vault.find_subjects("fhir", ["a", "c"]).values())) == 2


def test_a_row_set_aside_for_it_is_not_taken_by_a_retry(open_home: Callable[..., Site]) -> None:
    """A retry asks the same question (`retry_rows`)."""
    site = open_home()
    wear(site, 1, ("P01", "D1"))
    later = read_rows([row(person="P02", device="D1")])
    assert held_by_others(site, readings(), [later]) == {("device", "D1")}


@pytest.mark.parametrize(
    "fact",
    [
        test_devices_swapped_between_two_batches_are_set_aside,
        lambda opened: test_a_number_linked_in_an_earlier_batch_merges_nobody(opened, [("a", "C-1")]),
    ],
)
def test_a_landing_that_forgets_whose_a_value_is_is_caught(
    open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, fact: Callable[..., None]
) -> None:
    monkeypatch.setattr(owned_values, "held_by_others", lambda *_arguments: frozenset())
    with pytest.raises(AssertionError):
        fact(open_home)
