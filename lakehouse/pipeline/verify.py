"""Check a document offline: no home, no keys, no log; a trust file and, if asked, the data.

What compares with files beside the document lives here, because it reads files: the file digest of
PROTOCOLS, section 2, is made anew from a copy of the table's folder and compared with the record's.
"""

import hmac
import re
from functools import partial
from pathlib import Path

from lakehouse.adapters.person_rows import check_person_rows
from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.time_stamps import check_stamp
from lakehouse.core.bundle import ProofBundle
from lakehouse.core.consent_opening import check_consents
from lakehouse.core.digests import file_digest, is_plain
from lakehouse.core.document_fields import document_schema
from lakehouse.core.lineage import TABLE_KINDS, LineageRecord
from lakehouse.core.merkle import leaf_hash
from lakehouse.core.misbehaviour import MISBEHAVIOUR_SCHEMA, check_misbehaviour
from lakehouse.core.opening import Opening, parse_opening
from lakehouse.core.trust import Trust
from lakehouse.core.verdict import Verdict
from lakehouse.core.verification import check_details, no_data, no_rows, verify_bundle
from lakehouse.errors import Damaged, NotVerified, WrongUse

_CHECKSUM_FILE = re.compile(r"_delta_log/([0-9]+)\.crc", re.ASCII)


def verify(
    document: bytes,
    trust: Trust,
    *,
    data: Path | None = None,
    opening: bytes | None = None,
    rows: bytes | None = None,
) -> Verdict:
    """Return the verdict on a proof bundle, or on evidence that the log of `trust` misbehaved.

    `data` is the folder of the Delta table (for a version), `opening` the bytes of an opening file for
    this leaf, `rows` those of the private document of one person's rows. Without `data` nothing is compared
    beyond what the log says.
    """
    compared = data is not None or opening is not None or rows is not None
    if document_schema(document) == MISBEHAVIOUR_SCHEMA:
        if compared:
            raise WrongUse("evidence of misbehaviour speaks of no data", remedy="leave out the other files")
        return check_misbehaviour(document, trust, verify_signature)
    alone = data is None and opening is None
    check_data = no_data if alone else partial(_check_data, folder=data, opening=opening)
    check_rows = no_rows if rows is None else partial(check_person_rows, document=rows)
    return verify_bundle(document, trust, verify_signature, check_data, check_stamp, check_rows)


def _check_data(bundle: ProofBundle, *, folder: Path | None, opening: bytes | None) -> str:
    """(10) The files in hand are the logged ones; an opening is that of this leaf."""
    record = bundle.record
    opened = None if opening is None else _check_opening(record, parse_opening(opening))
    shown = check_consents(bundle, opened.consents) if opened and opened.consents is not None else None
    if folder is None:
        return shown or "the opening belongs to this leaf; no data was given"
    if record.kind not in TABLE_KINDS or record.table is None or record.version is None:
        raise NotVerified(
            f"not checked: a record of kind {record.kind} has no table folder", remedy="leave out --data"
        )
    plain = is_plain(record.table)
    if not plain and (opened is None or opened.key is None):
        raise NotVerified("not checked: this layer's file digest is keyed, give --opening")
    key = None if plain or opened is None else opened.key
    files = _compare_files(record.digests.get("file", ""), folder, record.version, key)
    compared = f"{files} files of version {record.version} give the logged file digest"
    return f"{compared}; {shown}" if shown else compared


def _check_opening(record: LineageRecord, opening: Opening) -> Opening:
    if opening.leaf != leaf_hash(record.public_bytes()).hex():
        raise NotVerified("the opening is that of another leaf")
    check_details(record, opening.details)
    return opening


def _compare_files(logged: str, folder: Path, version: int, key: bytes | None) -> int:
    from lakehouse.adapters.delta_log import file_manifest, require_plain_files

    try:
        require_plain_files(folder)
        found = file_manifest(folder, version)
    except (Damaged, OSError, ValueError) as error:
        raise NotVerified(f"the data is no Delta table with a readable version {version}") from error
    manifest = [(path, digest) for path, digest in found if not _is_later(path, version)]
    if not hmac.compare_digest(file_digest(manifest, key), logged):
        raise NotVerified(f"{len(manifest)} files of version {version} do not give the logged file digest")
    return len(manifest)


def _is_later(path: str, version: int) -> bool:
    """Say whether a checksum file is that of a later version: it was not there when the leaf was made."""
    match = _CHECKSUM_FILE.fullmatch(path)
    return match is not None and int(match[1]) > version
