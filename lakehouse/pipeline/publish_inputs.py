"""What a product is made from: versions, permitted people, rules, and the key that names the run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from lakehouse.adapters.release_rows import use_people
from lakehouse.core.canonical import digest_json
from lakehouse.core.contract import DatasetContract
from lakehouse.core.lineage import Version
from lakehouse.core.release_rules import ReleaseRules, parse_release_rules
from lakehouse.errors import Refused
from lakehouse.pipeline.consents import ConsentCoverage, consent_coverage
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import require_version, version_details


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishInputs:
    """people: canonical pseudonym of everyone who may be in the product, by pseudonym in the inputs.

    run_key: the same for the same inputs, contract, policy and consent decisions. withdrawn: the newest
    release of the same inputs that a person took back, or None.
    """

    contract: DatasetContract
    rules: ReleaseRules
    versions: tuple[Version, ...]
    coverage: ConsentCoverage
    people: Mapping[str, str]
    run_key: str
    withdrawn: str | None = None

    @property
    def product(self) -> str:
        """The product's name without its layer."""
        return self.contract.name

    @property
    def release_id(self) -> str:
        """The release that this run makes."""
        return f"{self.product}-{self.run_key[:12]}"

    @property
    def released(self) -> tuple[str, ...]:
        """The columns that leave, in the contract's order."""
        return tuple(column.name for column in self.contract.columns)

    @property
    def leaves(self) -> tuple[int, ...]:
        """The leaf indexes of the versions read."""
        return tuple(version.leaf for version in self.versions)


def gather_inputs(site: Site, product: str) -> PublishInputs:
    """Return what the product would be made from now.

    Raises:
        WrongUse, ContractError: no such product, or its contract is wrong.
        NotReady: an input has no version yet.
        Refused: an input's checks failed.
    """
    contract = site.contracts.gold(product)
    rules = parse_release_rules(contract, site.policy.floor)
    versions = tuple(_checked_version(site, table) for table in contract.reads)
    everyone = set[str]().union(*(site.lake.subjects(version.table, version.version) for version in versions))
    coverage = consent_coverage(site, everyone, rules.purpose)
    people = coverage.people
    return PublishInputs(
        contract=contract,
        rules=rules,
        versions=versions,
        coverage=coverage,
        people=people,
        run_key=_run_key(site, contract, versions, coverage, people),
    )


def permitted_views(site: Site, inputs: PublishInputs) -> dict[str, Iterator[pa.Table]]:
    """Return the input tables by bare name, in portions, only the rows of permitted people in them."""
    return {
        version.table.partition(".")[2]: use_people(
            site.lake.portions(version.table, version.version), inputs.people
        )
        for version in inputs.versions
    }


def _checked_version(site: Site, table: str) -> Version:
    version = require_version(site, table)
    failed = _failed_checks(version_details(site, version))
    if failed:
        raise Refused(
            f"{failed} checks of {table} failed in version {version.version}",
            remedy=f"livinglab report {table}@{version.version}",
            table=table,
            version=version.version,
        )
    return version


def _failed_checks(details: Mapping[str, object]) -> int:
    """Return how many checks failed as a whole; rows that failed one were set aside by refine."""
    checks = details.get("checks", [])
    if not isinstance(checks, list):
        return 0
    return sum(not check["success"] and not check.get("unexpected") for check in checks)


def _run_key(
    site: Site,
    contract: DatasetContract,
    versions: tuple[Version, ...],
    coverage: ConsentCoverage,
    people: Mapping[str, str],
) -> str:
    return digest_json(
        {
            "verb": "publish",
            "product": contract.table,
            "inputs": [[version.table, version.content_digest] for version in versions],
            "contract": contract.digest,
            "policy": site.policy.digest,
            "consent": coverage.root,
            "aliases": sorted([alias, person] for alias, person in people.items() if alias != person),
        }
    )
