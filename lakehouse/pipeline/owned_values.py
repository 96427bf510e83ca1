"""What one person alone can have, a device or a number: whose it is stays known from batch to batch.

A value is kept in the vault sealed under its person and found by its HMAC. A row in which somebody else
states it is set aside before anybody is named, so that no pseudonym and no link is made from it.
"""

from collections.abc import Sequence
from dataclasses import replace

from lakehouse.adapters.batch_checks import Contested, check_part, stated_values, states_own_values
from lakehouse.adapters.bronze_rows import LandedFile
from lakehouse.adapters.vault_identifiers import OWN
from lakehouse.core.contract import DatasetContract
from lakehouse.pipeline.site import Site
from lakehouse.readers.input_files import FileRows


def check_portion(
    site: Site, contract: DatasetContract, portion: Sequence[LandedFile], contested: Contested
) -> list[LandedFile]:
    """Return the parts of files with the rows set aside that contradict others or landing's clock.

    `contested` are the (column, value) pairs that two people of the whole batch state.
    """
    out = contested | held_by_others(site, contract, [part.found for part in portion])
    now = site.clock()
    return [replace(part, found=check_part(contract, part.found, out, now)) for part in portion]


def held_by_others(site: Site, contract: DatasetContract, files: Sequence[FileRows]) -> Contested:
    """Return the (column, value) pairs that earlier batches know as those of another person."""
    if not states_own_values(contract):
        return frozenset()
    stated = {
        (_kind(contract, column), value): (column, person)
        for file in files
        for _, column, value, person in stated_values(contract, file)
    }
    holders = site.vault.holders_of(stated)
    people = _known_people(site, {stated[entry][1] for entry in holders})
    return {
        (stated[entry][0], entry[1])
        for entry, own in holders.items()
        if people.get(stated[entry][1]) not in own
    }


def owned_values(
    contract: DatasetContract, files: Sequence[FileRows]
) -> set[tuple[tuple[str, str], str, str]]:
    """Return ((system, id), kind, value) for what each person of the files alone can have."""
    return {
        ((str(person[0]), str(person[1])), _kind(contract, column), value)
        for file in files
        for _, column, value, person in stated_values(contract, file)
    }


def _kind(contract: DatasetContract, column: str) -> str:
    return f"{OWN}{contract.name}.{column}"


def _known_people(
    site: Site, people: set[tuple[str | None, str | None]]
) -> dict[tuple[str | None, str | None], str]:
    known: dict[tuple[str | None, str | None], str] = {}
    for system in sorted({str(system) for system, _ in people}):
        ids = sorted(str(identifier) for own, identifier in people if own == system)
        found = site.vault.find_subjects(system, ids)
        known |= {(system, identifier): subject for identifier, subject in found.items()}
    return known
