"""From bronze rows of some people to their silver rows: opened in memory only, handled, validated."""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.arrow_rows import ordered_rows, subjects_of
from lakehouse.adapters.bronze_rows import PLACE_COLUMNS
from lakehouse.adapters.gx_validator import ValidationResult
from lakehouse.adapters.person_secrets import PersonSecrets
from lakehouse.adapters.quarantine_rows import SetAside
from lakehouse.adapters.silver_rows import (
    Place,
    divided_files,
    handle_columns,
    input_weights,
    joined_rows,
    kept_rows,
    needs_opening,
    opened_rows,
    refused_entries,
    superseded_rows,
    unlinked_rows,
)
from lakehouse.core.check_scope import by_person
from lakehouse.core.contract import DatasetContract
from lakehouse.core.lineage import Version
from lakehouse.methods import find_transform
from lakehouse.methods.context import MethodContext, Transformed
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class SilverPortion:
    """Silver rows of some people, what was set aside of theirs, what the checks said."""

    rows: pa.Table
    received: int
    set_aside: tuple[SetAside, ...]
    validation: ValidationResult
    findings: Mapping[str, int]
    secrets: PersonSecrets


class SilverSource:
    """The input versions of one silver table; what concerns people of several portions is read once."""

    def __init__(self, site: Site, contract: DatasetContract, inputs: Mapping[str, Version]) -> None:
        self.site = site
        self.contract = contract
        self.inputs = inputs
        self.source = inputs[str(contract.source)]
        self.bronze = site.contracts.by_table[self.source.table]

    def portions(self) -> Iterator[SilverPortion]:
        """Yield the silver rows, of some people at a time; of all where a check has to see all rows."""
        lake, table, version = self.site.lake, self.source.table, self.source.version
        if not by_person(self.contract):
            yield self._handled(lake.read(table, version), frozenset())
            return
        for rows in lake.people_portions(table, version):
            yield self._handled(rows, self._divided(rows))
            del rows  # so that the next ones are read without these in memory

    def _divided(self, rows: pa.Table) -> frozenset[Place]:
        return divided_files(rows, self._file_sizes) if len(rows) < self.source.rows else frozenset()

    @cached_property
    def _file_sizes(self) -> Mapping[Place, int]:
        sizes = self.site.lake.counted(self.source.table, self.source.version, ["batch", "file"])
        return {(file["batch"], file["file"]): file["rows"] for file in sizes.to_pylist()}

    @cached_property
    def _linked(self) -> pa.Array | None:
        """Everybody in the linked table; None where the contract links none."""
        if self.contract.link is None:
            return None
        other = self.inputs.get(self.contract.link.table)
        if other is None:
            return pa.array([], pa.string())
        return self.site.lake.counted(other.table, other.version, ["subject"]).column("subject")

    @cached_property
    def _joined(self) -> list[pa.Table | None]:
        """The tables whose columns are joined, by join; None where one has no version yet."""
        found = [(self.inputs.get(rule.table), rule.columns) for rule in self.contract.joins]
        return [
            self.site.lake.read(other.table, other.version, ["subject", *columns]) if other else None
            for other, columns in found
        ]

    @cached_property
    def _twofold(self) -> frozenset[bytes]:
        """The keyed digests of files whose bytes came under several linked people."""
        pairs = self.site.lake.counted(self.source.table, self.source.version, ["file_hmac", "subject"])
        if self._linked is not None:
            pairs = pairs.filter(pc.is_in(pairs.column("subject"), self._linked))
        owners = Counter(pairs.column("file_hmac").to_pylist())
        return frozenset(digest for digest, count in owners.items() if count > 1)

    def _handled(self, rows: pa.Table, divided: frozenset[Place]) -> SilverPortion:
        rows = ordered_rows(rows, PLACE_COLUMNS)
        people = subjects_of(rows)
        secrets = self.site.vault.secrets_of(people)
        if needs_opening(self.bronze, self.contract):
            rows = opened_rows(rows, self.bronze, self.contract, secrets.keys("seal"))
        unlinked = self._unlinked(rows)
        linked = kept_rows(rows, [index for index, _, _ in unlinked])
        context = self._context(linked, people, secrets)
        transformed = find_transform(self.contract.transform)(linked, self.contract, context)
        aside = [
            *refused_entries(rows, unlinked, divided=divided),
            *refused_entries(linked, transformed.rejected, divided=divided),
        ]
        finished = self._finished(transformed, context, divided)
        return replace(
            finished,
            received=transformed.passed + len(transformed.rejected) + len(unlinked),
            set_aside=(*aside, *finished.set_aside),
        )

    def _context(self, rows: pa.Table, people: AbstractSet[str], secrets: PersonSecrets) -> MethodContext:
        known = self.site.vault.identifiers_of
        return MethodContext(
            table=self.contract.table,
            subjects=rows.column("subject").combine_chunks(),
            rows=rows,
            secrets=secrets,
            detector=self.site.detector,
            identifiers=known(people, secrets) if redacts(self.contract) else {},
            twofold=lambda: self._twofold,
        )

    def _unlinked(self, rows: pa.Table) -> list[tuple[int, str, str | None]]:
        """Return (index, reason, column) of rows whose person the linked table does not have."""
        if self.contract.link is None:
            return []
        return [(index, self.contract.link.reason, None) for index in unlinked_rows(rows, self._linked)]

    def _finished(
        self, transformed: Transformed, context: MethodContext, divided: frozenset[Place]
    ) -> SilverPortion:
        """Join, handle the columns, keep the newest of a key, validate."""
        rows = transformed.rows
        for rule, other in zip(self.contract.joins, self._joined, strict=True):
            rows = joined_rows(rows, rule, other)
        own = replace(context, rows=rows, subjects=rows.column("subject").combine_chunks())
        handled = handle_columns(rows, self.contract, own)
        refused = dict(handled.refused)
        for index in superseded_rows(handled.rows, self.contract.keys, refused):
            refused[index] = ("superseded", None)
        standing = [index for index in range(len(rows)) if index not in refused]
        validation = self.site.validator.validate(kept_rows(handled.rows, refused), self.contract.checks)
        for index in validation.failing_rows:
            refused[standing[index]] = ("check_failed", validation.failing_rows[index])
        stated = [(index, *refused[index]) for index in sorted(refused)]
        return SilverPortion(
            rows=kept_rows(handled.rows, refused),
            received=transformed.passed,
            set_aside=tuple(refused_entries(rows, stated, input_weights(rows), divided)),
            validation=validation,
            findings=handled.findings,
            secrets=context.secrets,
        )


def redacts(contract: DatasetContract) -> bool:
    """Whether a column of the table is free text from which people are taken out."""
    return any(column.handling.method == "redact" for column in contract.columns)
