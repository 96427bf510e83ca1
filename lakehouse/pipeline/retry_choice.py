"""What `quarantine --retry` may be asked for: batches and reasons that a data set has, or once had."""

from collections.abc import Mapping, Sequence
from typing import Any

from lakehouse.adapters.sql_registry import Row
from lakehouse.core.contract import DatasetContract
from lakehouse.errors import WrongUse
from lakehouse.pipeline.retry_rows import SETTLED
from lakehouse.pipeline.site import Site

LISTED = 20
"""How many batches a message names, the newest."""


def require_choice(site: Site, contract: DatasetContract, batch: int | None, reason: str | None) -> None:
    """Refuse a batch that was never landed and a reason for which land never set a row of it aside.

    What earlier retries took in stays known, so that the same call again is a no-op and no mistake.
    Raises WrongUse, which says what there is; a reason that somebody typed is not repeated.
    """
    if batch is None and reason is None:
        return
    with site.registry.reading() as tx:
        landed = tx.many("batches", dataset=contract.name, order="batch")
        versions = tx.many("versions", table_name=contract.table)
    numbers = [row["batch"] for row in landed]
    if batch is not None and batch not in numbers:
        raise WrongUse(
            f"{contract.name} has no batch {batch}",
            remedy=f"there are: {_listed(numbers)}" if numbers else "nothing of it has landed yet",
            batches=numbers[-LISTED:],
        )
    if reason is None:
        return
    own = [row for row in landed if batch in (None, row["batch"])]
    known = sorted(_reasons_of(own) | _reasons_passed([row["details"] or {} for row in versions], batch))
    if reason not in known or reason in SETTLED:
        _refuse_reason(contract, reason in SETTLED, [own for own in known if own not in SETTLED])


def _reasons_of(batches: Sequence[Row]) -> set[str]:
    return {reason for row in batches for reason in row["reasons"] or {}}


def _reasons_passed(details: Sequence[Mapping[str, Any]], batch: int | None) -> set[str]:
    return {
        reason
        for own in details
        if batch is None or batch in (own.get("batches") or ())
        for reason in own.get("passed_reasons") or {}
    }


def _refuse_reason(contract: DatasetContract, settled: bool, known: Sequence[str]) -> None:
    there = f"there are: {', '.join(known)}" if known else "it set nothing aside that a contract could mend"
    problem = (
        f"duplicates of {contract.name} stand in bronze already: no contract mends them"
        if settled
        else f"land set no row of {contract.name} that was asked for aside for that reason"
    )
    raise WrongUse(
        problem,
        remedy=f"{there}; what refine set aside, livinglab refine {contract.name} judges anew",
        reasons=list(known),
    )


def _listed(numbers: Sequence[int]) -> str:
    if len(numbers) > LISTED and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(str(number) for number in numbers[-LISTED:])
