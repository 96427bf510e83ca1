"""What no single contract can say wrong, but contracts can together, or against the policy.

A file's own form is checked when it is parsed; here are the rules on privacy and on how tables fit.
"""

from collections.abc import Callable, Iterator, Mapping

from lakehouse.core.contract import Column, Contracts, DatasetContract, Layer, Sensitivity, Statistic
from lakehouse.core.policy import PrivacyPolicy
from lakehouse.core.release_rules import check_exact_or_private, parse_release_rules
from lakehouse.errors import ContractError

Faults = Iterator[ContractError]
HIDDEN = (Sensitivity.DIRECT, Sensitivity.FREE_TEXT)
READABLE_LAYERS: Mapping[Layer, tuple[Layer, ...]] = {
    Layer.BRONZE: (),
    Layer.SILVER: (Layer.BRONZE, Layer.SILVER),
    Layer.GOLD: (Layer.SILVER,),
}


def lint_contracts(contracts: Contracts, policy: PrivacyPolicy) -> list[ContractError]:
    """Return every fault of the contracts, of one another and of the policy; none is raised."""
    faults = [fault for contract in contracts for check in _CHECKS for fault in check(contract, contracts)]
    faults += [fault for contract in contracts for fault in _policy_faults(contract, policy)]
    if not faults:
        faults += _release_faults(contracts, policy)
    return faults


def _input_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    """Inputs exist, and gold reads nothing that still holds sealed originals."""
    readable = READABLE_LAYERS[contract.layer]
    there = tuple(other.table for other in contracts if other.layer in readable)
    for table in contract.inputs():
        if contracts.find(table) is None:
            yield _fault(contract, "reads", f"{table} has no contract", there)
        elif table not in there:
            yield _fault(contract, "reads", f"{contract.layer} does not read {table}", there)


def _circle_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    seen: set[str] = set()
    waiting = list(contract.inputs())
    while waiting:
        table = waiting.pop()
        if table == contract.table:
            yield _fault(contract, "reads", f"{table} is made from itself")
            return
        found = contracts.find(table)
        if found is not None and table not in seen:
            seen.add(table)
            waiting.extend(found.inputs())


def _population_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    """Two tables that share people share their population, and so its budget (PROTOCOLS section 5)."""
    if not contract.population:
        yield _fault(contract, "population", "is missing")
    kin = {other.table: other for table in contract.inputs() if (other := contracts.find(table))}
    systems = _id_systems(contract)
    kin |= {other.table: other for other in contracts if systems & _id_systems(other)}
    for table, other in sorted(kin.items()):
        if table != contract.table and other.population != contract.population:
            problem = f"shares people with {table}, whose population is {other.population!r}"
            yield _fault(contract, "population", problem, (other.population,))


def _id_systems(contract: DatasetContract) -> set[str]:
    subject = contract.subject
    own = {subject.system} if subject and subject.system else set()
    named = set(subject.id_patterns) if subject else set()
    return own | named | {link.id_system for link in contract.linked_identifiers}


def _bronze_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    """Nothing that names a person or can hold any text is stored in the clear."""
    del contracts
    if contract.layer is not Layer.BRONZE:
        return
    subject = contract.column(contract.subject.column) if contract.subject else None
    for column in contract.columns:
        key = f"column[{column.name}].handling"
        if column.handling.method == "pseudonymise" and column is not subject:
            yield _fault(contract, key, "only the subject's column is pseudonymised", ("seal",))
        elif column.sensitivity in HIDDEN and not column.sealed:
            yield _fault(contract, key, f"a {column.sensitivity} column is kept in the clear", ("seal",))
    if subject is not None and subject.handling.method != "pseudonymise":
        key = f"column[{subject.name}].handling"
        yield _fault(contract, key, "names the subject", ("pseudonymise",))
    if subject is not None and not (
        subject.id_pattern or (contract.subject and contract.subject.id_patterns)
    ):
        yield _fault(contract, f"column[{subject.name}].id_pattern", "an identifier needs its form")


def _silver_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    """What is hidden in the source stays hidden unless a method makes something else of it."""
    if contract.layer is not Layer.SILVER:
        return
    source = contracts.find(contract.source or "")
    by_rows = contract.transform == "rows"
    known = tuple(column.name for column in source.columns) if source else ()
    for column in contract.columns:
        key = f"column[{column.name}]"
        origin = source.column(column.source) if source and by_rows else None
        hidden = column.sensitivity in HIDDEN or (origin is not None and origin.sensitivity in HIDDEN)
        if hidden and column.handling.method == "keep":
            yield _fault(contract, f"{key}.handling", "a direct or free_text column is kept in the clear")
        if by_rows and source and origin is None:
            yield _fault(
                contract, f"{key}.from", f"{column.source!r} is not a column of {source.table}", known
            )


def _join_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    for join in contract.joins:
        other = contracts.find(join.table)
        known = tuple(column.name for column in other.columns) if other else ()
        for name in join.columns:
            if other is not None and name not in known:
                yield _fault(contract, "join.columns", f"{name!r} is not a column of {join.table}", known)


def _statistic_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    """A noisy answer needs bounds, a public minimum of people and a limit of rows a person."""
    del contracts
    private = [column for column in contract.columns if column.statistic is Statistic.PRIVATE]
    for column in private:
        if column.bounds is None and not column.groups:
            yield _fault(contract, f"column[{column.name}].bounds", "a private statistic needs public bounds")
    for key in ("public_minimum_people", "maximum_rows_per_person"):
        if private and getattr(contract, key) is None:
            yield _fault(contract, key, "is needed for private statistics")


def _gold_faults(contract: DatasetContract, contracts: Contracts) -> Faults:
    del contracts
    for column in contract.columns if contract.layer is Layer.GOLD else ():
        if column.sensitivity in HIDDEN:
            yield _fault(contract, f"column[{column.name}].sensitivity", "does not leave in gold")


_CHECKS: tuple[Callable[[DatasetContract, Contracts], Faults], ...] = (
    _input_faults,
    _circle_faults,
    _population_faults,
    _bronze_faults,
    _silver_faults,
    _join_faults,
    _statistic_faults,
    _gold_faults,
)


def _policy_faults(contract: DatasetContract, policy: PrivacyPolicy) -> Faults:
    known = tuple(policy.purposes)
    if not contract.purposes:
        yield _fault(contract, "purposes", "must name at least one", known)
    for purpose in contract.purposes:
        if purpose not in known:
            yield _fault(contract, "purposes", f"{purpose!r} is not a purpose of the policy", known)
    longest = policy.retention_days[contract.layer]
    if contract.retention_days > longest:
        yield _fault(contract, "retention_days", f"is more than the policy's {longest}")
    if _has_private(contract.columns) and policy.budget(contract.population).cap == 0:
        populations = tuple(policy.budgets)
        yield _fault(contract, "population", "has no budget in the policy", populations)


def _has_private(columns: tuple[Column, ...]) -> bool:
    return any(column.statistic is Statistic.PRIVATE for column in columns)


def _release_faults(contracts: Contracts, policy: PrivacyPolicy) -> Faults:
    for contract in contracts.of_layer(Layer.GOLD):
        try:
            parse_release_rules(contract, policy.floor)
        except ContractError as fault:
            yield fault
    try:
        check_exact_or_private(contracts)
    except ContractError as fault:
        yield fault


def _fault(contract: DatasetContract, key: str, problem: str, allowed: tuple[str, ...] = ()) -> ContractError:
    return ContractError(contract.file, key, problem, allowed=allowed)
