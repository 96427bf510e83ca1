"""What stands though somebody in it no longer permits its purpose: releases readers open, models in use.

PROTOCOLS section 4: the next run leaves them out. Until then a model answers nothing, and a release is read
until one without them follows it or the data protection officer withdraws it.
"""

from collections.abc import Mapping
from typing import Any

from lakehouse.core.contract import DatasetContract
from lakehouse.core.release_rules import parse_release_rules
from lakehouse.pipeline.consents import consent_coverage
from lakehouse.pipeline.model_registry import TRAINING_CELL, membership_name
from lakehouse.pipeline.site import Site


def withdrawn_since(site: Site, contract: DatasetContract, release: Mapping[str, Any]) -> int:
    """Return how many people whom a release counts no longer permit its purpose.

    Whoever was left out of it by its rules is in no cell, and is not counted.
    """
    people = set[str]().union(*site.vault.cells_of(release["release_id"]).values())
    if not people:
        return 0
    purpose = parse_release_rules(contract, site.policy.floor).purpose
    return len(consent_coverage(site, people, purpose).denied)


def training_lapsed(site: Site, digest: str, purpose: str) -> bool:
    """Whether somebody a model learnt from no longer permits its purpose, or nobody knows who they were."""
    people = site.vault.cells_of(membership_name(digest)).get(TRAINING_CELL, frozenset())
    return not people or bool(consent_coverage(site, people, purpose).denied)
