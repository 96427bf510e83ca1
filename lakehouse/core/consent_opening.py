"""What an auditor checks row by row: everybody whose data was used was permitted, for this purpose, then."""

import re

from lakehouse.core.bundle import ProofBundle
from lakehouse.core.canonical import is_timestamp
from lakehouse.core.consent import commit_permission, permissions_root
from lakehouse.core.opening import OpenedConsent
from lakehouse.core.privacy_statement import CONSENTS, CONSENTS_SCHEMA, rounded_count
from lakehouse.errors import NotVerified

_PURPOSE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)


def check_consents(bundle: ProofBundle, consents: tuple[OpenedConsent, ...]) -> str:
    """Return what the opened consents show; `NotVerified` where they are not those of the record.

    1. their commitments, for the stated purpose, give the record's root, which the statement repeats
    2. the statement's rounded counts are theirs
    3. the moment for which the consents held is not after the record
    """
    opened = bundle.statements.get(CONSENTS)
    if opened is None or opened.value.get("schema") != CONSENTS_SCHEMA:
        raise NotVerified("not checked: the bundle holds no statement of consents")
    stated, record = opened.value, bundle.record
    purpose, moment, step = (stated.get(name) for name in ("purpose", "valid_at", "rounded_to"))
    if not isinstance(purpose, str) or not _PURPOSE.fullmatch(purpose) or not isinstance(moment, str):
        raise NotVerified("the statement of consents names no purpose")
    if not is_timestamp(moment) or isinstance(step, bool) or not isinstance(step, int) or step < 1:
        raise NotVerified("the statement of consents names no moment or rounding")
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
