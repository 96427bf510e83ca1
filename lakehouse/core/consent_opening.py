"""What an auditor checks row by row: everybody whose data was used was permitted, for this purpose, then."""

from lakehouse.core.bundle import ProofBundle
from lakehouse.core.consent import commit_permission, permissions_root
from lakehouse.core.opening import OpenedConsent
from lakehouse.core.privacy_statement import CONSENTS, rounded_count
from lakehouse.errors import NotVerified


def check_consents(bundle: ProofBundle, consents: tuple[OpenedConsent, ...]) -> str:
    """Return what the opened consents show; `NotVerified` where they are not those of the record.

    1. their commitments, for the stated purpose, give the record's root, which the statement repeats
    2. the statement's rounded counts are theirs
    3. the moment for which the consents held is not after the record
    """
    opened = bundle.statements.get(CONSENTS)
    if opened is None:
        raise NotVerified("not checked: the bundle holds no statement of consents")
    stated, record = opened.value, bundle.record
    purpose, moment, step = (stated.get(name) for name in ("purpose", "valid_at", "rounded_to"))
    if not isinstance(purpose, str) or not isinstance(moment, str) or not isinstance(step, int) or step < 1:
        raise NotVerified("the statement of consents names no purpose, moment or rounding")
    root = permissions_root(
        commit_permission(one.nonce, purpose, one.pseudonym, one.basis) for one in consents
    )
    if not root == record.consent_root == stated.get("root"):
        raise NotVerified("the consents opened are not those of the record, or for another purpose")
    by_record = sum(one.basis == "record" for one in consents)
    counted = {"permitted": len(consents), "by_record": by_record, "by_policy": len(consents) - by_record}
    if any(stated.get(name) != rounded_count(number, step) for name, number in counted.items()):
        raise NotVerified("the statement's counts are not those of the consents opened")
    if moment > record.time:
        raise NotVerified("the consents held at a moment after the record")
    return f"{len(consents)} people permitted {purpose} at {moment}: {by_record} by a record of their own"
