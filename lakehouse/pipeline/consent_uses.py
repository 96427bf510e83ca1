"""What was made with one person's data and stands now: what a change of consent reaches."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from lakehouse.adapters.sql_registry import Row
from lakehouse.core.contract import Layer
from lakehouse.core.lineage import parse_record
from lakehouse.core.release import ReleaseState
from lakehouse.core.release_rules import parse_release_rules
from lakehouse.pipeline.consents import permitted_people
from lakehouse.pipeline.model_registry import ACTIVE, membership_name, model_rows
from lakehouse.pipeline.publish_records import current_release
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A release or model that readers have now, or a draft that waits; `redo` is the command that renews it.

    `counts_person`: whether the person is one of those it was made from.
    """

    kind: str
    name: str
    state: str
    redo: str
    counts_person: bool

    def as_json(self) -> dict[str, object]:
        """Return the entry of `redo[]`."""
        return {"kind": self.kind, "name": self.name, "state": self.state, "command": self.redo}


def current_uses(site: Site, pseudonyms: Collection[str], purposes: Collection[str]) -> list[Use]:
    """Return the current releases, waiting drafts and models in use for these purposes.

    `pseudonyms`: every alias of the person.
    """
    return [
        *_releases(site, frozenset(pseudonyms), purposes),
        *_models(site, frozenset(pseudonyms), purposes),
    ]


def count_answers(site: Site, pseudonyms: Collection[str], purposes: Collection[str]) -> int:
    """Return how many answers for these purposes were drawn from the person's rows too."""
    person = frozenset(pseudonyms)
    with site.registry.reading() as tx:
        rows = [row for row in tx.many("answers") if row["purpose"] in purposes]
    asked = sorted((row["purpose"], _consent_root(site, row)) for row in rows)
    return sum(
        len(list(same)) for key, same in groupby(asked) if person & permitted_people(site, *key).keys()
    )


def _consent_root(site: Site, row: Row) -> str:
    return parse_record(site.log.entry(int(row["leaf_index"]))).consent_root or ""


def _releases(site: Site, person: frozenset[str], purposes: Collection[str]) -> Iterator[Use]:
    for contract in site.contracts.of_layer(Layer.GOLD):
        if parse_release_rules(contract, site.policy.floor).purpose not in purposes:
            continue
        with site.registry.reading() as tx:
            waiting = tx.many("releases", product=contract.name, state=str(ReleaseState.SUBMITTED))
        current = current_release(site, contract.name)
        for row in [*([current] if current else ()), *waiting]:
            cells = site.vault.cells_of(row["release_id"])
            yield Use(
                kind="release",
                name=row["release_id"],
                state=row["state"],
                redo=f"livinglab publish {contract.name}",
                counts_person=any(members & person for members in cells.values()),
            )


def _models(site: Site, person: frozenset[str], purposes: Collection[str]) -> Iterator[Use]:
    named = set(site.models.recipe_names())
    for row in model_rows(site):
        name = row["name"]
        if row["state"] != ACTIVE or (name in named and site.models.recipe(name).purpose not in purposes):
            continue
        cells = site.vault.cells_of(membership_name(row["digest"]))
        yield Use(
            kind="model",
            name=name,
            state=ACTIVE,
            redo=f"livinglab models train {name}",
            counts_person=any(members & person for members in cells.values()),
        )
