"""What a site allows: purposes with their legal basis, floors of a release, budgets, retention.

One file a regulation, `expectations/policies/<name>.toml`; everything here only reads it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lakehouse.core.contract import Layer
from lakehouse.core.toml_section import Section
from lakehouse.errors import Refused

WITHOUT_RECORD = ("deny", "permit")
APPROVAL_REASONS = ("changed_cells", "findings", "floor_missed", "small_cells", "suppression")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why data is used. `permits_without_record`: what holds for a person without a consent record."""

    name: str
    title: str
    legal_basis: str
    permits_without_record: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFloor:
    """What every exact release must reach; a contract may ask for more, never for less.

    t is a distance in 0..1, suppression the largest share of rows left out, minimum_cell the
    fewest people behind a released number, round_to the step of exact counts.
    """

    k: int
    l: int  # noqa: E741  the property is called l-diversity
    t: Decimal
    minimum_cell: int
    round_to: int
    suppression: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationBudget:
    """Privacy loss (pure epsilon) that answers about one population may cost together, ever."""

    population: str
    cap: Decimal
    purposes: Mapping[str, Decimal] = field(default_factory=dict)
    actors: Mapping[str, Decimal] = field(default_factory=dict)

    def allowance(self, purpose: str, actor: str) -> Decimal:
        """Return what this actor may spend for this purpose: never above the cap."""
        return min(self.cap, self.purposes.get(purpose, Decimal(0)), self.actors.get(actor, self.cap))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyPolicy:
    """The rules of one regulation as a site applies them.

    approvals: the findings for which a release waits for a person (`APPROVAL_REASONS`).
    """

    name: str
    title: str
    description: str
    digest: str
    purposes: Mapping[str, Purpose]
    floor: ReleaseFloor
    budgets: Mapping[str, PopulationBudget]
    approvals: tuple[str, ...]
    retention_days: Mapping[Layer, int]

    def purpose(self, name: str) -> Purpose:
        """Return the purpose.

        Raises:
            Refused: the policy knows no such purpose.
        """
        found = self.purposes.get(name)
        if found is None:
            known = ", ".join(self.purposes)
            raise Refused(f"the policy {self.name!r} knows no purpose {name!r}", remedy=f"purposes: {known}")
        return found

    def budget(self, population: str) -> PopulationBudget:
        """Return the budget of a population; one that the policy does not name has none to spend."""
        return self.budgets.get(population, PopulationBudget(population=population, cap=Decimal(0)))


def parse_policy(data: Mapping[str, object], file: str) -> PrivacyPolicy:
    """Return the policy of one file.

    Raises:
        ContractError: something is missing, unknown or of the wrong type.
    """
    top = Section(data, file=file)
    purposes = {name: _purpose(name, section) for name, section in top.named_sections("purpose").items()}
    if not purposes:
        raise top.error("purpose", "must name at least one")
    policy = PrivacyPolicy(
        name=top.text("name"),
        title=top.text("title"),
        description=top.text("description", ""),
        digest=_digest(top, data),
        purposes=purposes,
        floor=_floor(top),
        budgets={
            name: _budget(name, section, tuple(purposes))
            for name, section in top.named_sections("population").items()
        },
        approvals=_approvals(top),
        retention_days=_retention(top),
    )
    top.finish()
    return policy


def _purpose(name: str, section: Section) -> Purpose:
    purpose = Purpose(
        name=name,
        title=section.text("title"),
        legal_basis=section.text("legal_basis"),
        permits_without_record=section.choice("without_record", WITHOUT_RECORD) == "permit",
    )
    section.finish()
    return purpose


def _floor(top: Section) -> ReleaseFloor:
    section = top.section("release")
    if section is None:
        raise top.error("release", "is missing")
    floor = ReleaseFloor(
        k=section.integer("k", least=2),
        l=section.integer("l", least=1),
        t=_share(section, "t"),
        minimum_cell=section.integer("minimum_cell", least=2),
        round_to=section.integer("round_to", least=1),
        suppression=_share(section, "suppression"),
    )
    section.finish()
    return floor


def _budget(population: str, section: Section, purposes: tuple[str, ...]) -> PopulationBudget:
    budget = PopulationBudget(
        population=population,
        cap=_epsilon(section, "epsilon_cap"),
        purposes=_epsilons(section, "purposes"),
        actors=_epsilons(section, "actors"),
    )
    section.finish()
    for name in budget.purposes:
        if name not in purposes:
            raise section.error(f"purposes.{name}", "is not a purpose of this policy", purposes)
    return budget


def _epsilons(section: Section, key: str) -> Mapping[str, Decimal]:
    inner = section.section(key)
    if inner is None:
        return {}
    return {name: _epsilon(inner, name) for name in section.mapping(key)}


def _epsilon(section: Section, key: str) -> Decimal:
    value = section.decimal(key)
    if value is None or value < 0:
        raise section.error(key, "must be a number of at least 0")
    return value


def _share(section: Section, key: str) -> Decimal:
    value = section.decimal(key)
    if value is None or not 0 <= value <= 1:
        raise section.error(key, "must be a number from 0 to 1")
    return value


def _approvals(top: Section) -> tuple[str, ...]:
    reasons = top.texts("approvals")
    for reason in reasons:
        if reason not in APPROVAL_REASONS:
            raise top.error("approvals", f"{reason!r} is not known", APPROVAL_REASONS)
    return reasons


def _retention(top: Section) -> Mapping[Layer, int]:
    section = top.section("retention_days")
    if section is None:
        raise top.error("retention_days", "is missing")
    days = {layer: section.integer(layer, least=1) for layer in Layer}
    section.finish()
    return days


def _digest(top: Section, data: Mapping[str, object]) -> str:
    try:
        text = json.dumps(data, sort_keys=True, allow_nan=False, default=str)
    except ValueError as problem:
        raise top.error("", "holds a number that is not finite") from problem
    return hashlib.sha256(text.encode()).hexdigest()
