"""The certificate of an erasure: what a site states once one person's data is gone (`livinglab/erasure/v1`).

A statement of a record of kind `erasure`, so it is public: it names tables and versions, and nobody. It says
what was done. That nothing was forgotten is the operator's word; that the log still begins with everything
it held before, and that no earlier proof was touched, is not: a bundle of it always has a head from before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from lakehouse.core.canonical import LARGEST_NUMBER, is_timestamp
from lakehouse.errors import NotVerified, WrongUse

SCHEMA = "livinglab/erasure/v1"
_TABLE = re.compile(r"(?:bronze|silver|gold|draft)\.[a-z][a-z0-9_]{0,127}", re.ASCII)
_PLACE = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedTable:
    """A table from which rows were removed: the versions before and after, the later one without them."""

    table: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPlace:
    """A place that is not erased yet, a backup for example, and by when it will be (RFC 3339, UTC)."""

    place: str
    deadline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureCertificate:
    """What was erased. vault_before, vault_after: the vault's counter around the destruction of the key.

    scanned: places searched for what must be gone; hits: how often it was found, 0 where all is well.
    """

    tables: tuple[ErasedTable, ...]
    vault_before: int
    vault_after: int
    scanned: tuple[str, ...]
    hits: int
    pending: tuple[PendingPlace, ...]
    erased_at: str

    def __post_init__(self) -> None:
        problem = _problem_of(self)
        if problem:
            raise WrongUse(f"an erasure certificate cannot be made: {problem}")

    @property
    def complete(self) -> bool:
        """Say whether nothing was found any more and no place is left to do."""
        return not self.hits and not self.pending

    def as_statement(self) -> dict[str, object]:
        """Return the statement that the record commits to."""
        return {
            "schema": SCHEMA,
            "tables": [{"table": own.table, "before": own.before, "after": own.after} for own in self.tables],
            "key_destroyed": {"vault_before": self.vault_before, "vault_after": self.vault_after},
            "scan": {"places": list(self.scanned), "hits": self.hits},
            "pending": [{"place": own.place, "deadline": own.deadline} for own in self.pending],
            "erased_at": self.erased_at,
        }

    @classmethod
    def of_statement(cls, value: Mapping[str, Any]) -> Self:
        """Return the certificate of a statement; another form is `NotVerified`."""
        try:
            certificate = cls(
                tables=tuple(ErasedTable(**own) for own in value["tables"]),
                vault_before=value["key_destroyed"]["vault_before"],
                vault_after=value["key_destroyed"]["vault_after"],
                scanned=tuple(value["scan"]["places"]),
                hits=value["scan"]["hits"],
                pending=tuple(PendingPlace(**own) for own in value["pending"]),
                erased_at=value["erased_at"],
            )
        except (KeyError, TypeError, AttributeError, WrongUse) as error:
            raise NotVerified(f"an erasure certificate is not of the schema {SCHEMA}") from error
        if certificate.as_statement() != value:
            raise NotVerified(f"an erasure certificate has other fields than {SCHEMA}")
        return certificate


def _problem_of(certificate: ErasureCertificate) -> str | None:  # noqa: PLR0911 one return a rule
    """Return the first rule that a certificate breaks; none lets a name of a person or a file through."""
    numbers = [certificate.vault_before, certificate.vault_after, certificate.hits]
    numbers += [number for own in certificate.tables for number in (own.before, own.after)]
    times = [certificate.erased_at, *(own.deadline for own in certificate.pending)]
    places = [*certificate.scanned, *(own.place for own in certificate.pending)]
    if not all(_is_count(number) for number in numbers):
        return "a version or counter is not a whole number from 0"
    if not all(isinstance(own.table, str) and _TABLE.fullmatch(own.table) for own in certificate.tables):
        return "a table is not of the form layer.table"
    if any(own.after <= own.before for own in certificate.tables):
        return "a version after is not later than the one before"
    if len({own.table for own in certificate.tables}) != len(certificate.tables):
        return "a table is named twice"
    if certificate.vault_after <= certificate.vault_before:
        return "the vault's counter did not rise: no key was destroyed"
    if not certificate.scanned or not all(isinstance(own, str) and _PLACE.fullmatch(own) for own in places):
        return "a place is not a plain name, or none was scanned"
    if not all(isinstance(moment, str) and is_timestamp(moment) for moment in times):
        return "a time is not RFC 3339 in UTC to the second"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER
