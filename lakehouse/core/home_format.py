"""The format of a home: one number for registry.db, vault.db and home.json, which says it.

A home without a number has format 1. The number decides only whether a home is opened: what stands in its
databases is believed by its MACs, so a number that somebody changed opens nothing and hides nothing.
"""

from lakehouse.errors import NotReady

FORMAT = 3
"""What this software writes. 2: registry.db knows missed deadlines and restores. 3: it has one row for the
leaves of many people, vault.db one for a cell of a release."""


def require_current_format(found: int) -> None:
    """Raise NotReady where a home has another format than this software writes, and say what helps."""
    if found < FORMAT:
        raise NotReady(
            f"this home has format {found}, this software works on format {FORMAT}",
            remedy="livinglab upgrade",
            format=found,
        )
    if found > FORMAT:
        raise NotReady(
            f"this home has format {found}, this software knows formats up to {FORMAT}",
            remedy="update LivingLab to the version that made or upgraded this home",
            format=found,
        )
