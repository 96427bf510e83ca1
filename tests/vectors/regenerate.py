"""Write the vectors of this folder anew: `python tests/vectors/regenerate.py`.

They fix our formats for a second implementation: canonical JSON, records and their leaves, digests,
checkpoints with their tiles, keys and cosignatures, trust files, proof bundles and evidence of misbehaviour
with the steps that fail. All bytes are given as text, base64 or hex.
Changing one that stands needs a new schema version.
"""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "unit"))

from document_cases import bundle_cases, misbehaviour_cases, trust_cases  # noqa: E402
from kept_signatures import kept_vectors  # noqa: E402
from proof_samples import (  # noqa: E402  the samples that the unit tests use
    CERTIFICATE,
    COSIGNED_AT,
    DETAILS,
    QUANTUM,
    SALT,
    SIGNER,
    STATEMENT,
    WITNESS,
    erasure_record,
    sample_record,
    stated_record,
)

from lakehouse.adapters.signatures import verify_signature  # noqa: E402
from lakehouse.adapters.time_stamps import check_stamp  # noqa: E402
from lakehouse.core.canonical import canonical_json, digest_json  # noqa: E402
from lakehouse.core.checkpoint import Checkpoint  # noqa: E402
from lakehouse.core.cosignature import cosigned_message  # noqa: E402
from lakehouse.core.digests import commit_details, file_digest  # noqa: E402
from lakehouse.core.merkle import leaf_hash, root_of  # noqa: E402
from lakehouse.core.misbehaviour import check_misbehaviour  # noqa: E402
from lakehouse.core.tiles import EMPTY_EDGE, grow  # noqa: E402
from lakehouse.core.verification import verify_bundle  # noqa: E402

REFUSED_JSON = [
    '{"a":1,"a":1}', '{"a": 1}', '{"b":1,"a":2}', "1.0", "1e3", "-0", "NaN", '"\\u0041"', "9007199254740992",
    "[" * 65 + "1" + "]" * 65,
]  # fmt: skip


def canonical_vectors() -> dict[str, Any]:
    """Values with their canonical form and digest, and texts that no value has."""
    values: list[Any] = [
        None,
        {"b": 1, "a": ["é", True, False, None], "": '\n"\\\u007f\u2028'},
        {"\ufb33": 1, "\U0001f600": 2},
        {"amount": "0.5", "largest": 2**53 - 1, "least": -(2**53) + 1},
        [],
        {},
        json.loads("[" * 64 + "1" + "]" * 64),
    ]
    accepted = [
        {"value": value, "canonical": canonical_json(value).decode(), "sha256": digest_json(value)}
        for value in values
    ]
    return {"accepted": accepted, "refused": REFUSED_JSON}


def record_vectors() -> list[dict[str, Any]]:
    """Records with their canonical bytes, leaf, and what they commit to."""
    privacy, erasure = {"privacy": STATEMENT}, {"erasure": CERTIFICATE}
    records = [(sample_record(number), {}) for number in range(3)]
    records += [(stated_record(), privacy), (erasure_record(), erasure)]
    return [
        {
            "record": record.public_fields(),
            "canonical": record.public_bytes().decode(),
            "leaf": leaf_hash(record.public_bytes()).hex(),
            "details": DETAILS,
            "salt": SALT.hex(),
            "details_commitment": commit_details(DETAILS, SALT),
            "statements": {
                name: {"salt": opened.salt.hex(), "value": opened.value} for name, opened in opened_by.items()
            },
        }
        for record, opened_by in records
    ]


def digest_vectors() -> list[dict[str, Any]]:
    """Manifests with their file digest, plain and keyed."""
    manifests = [
        [],
        [["_delta_log/00000000000000000000.json", "11" * 32]],
        [
            ["part-b.parquet", "22" * 32],
            ["_delta_log/00000000000000000000.json", "11" * 32],
            ["é", "33" * 32],
        ],
    ]
    return [
        {
            "manifest": manifest,
            "opening": key.hex() if key else None,
            "file_digest": file_digest([(path, digest) for path, digest in manifest], key),
        }
        for manifest in manifests
        for key in (None, b"\x05" * 32)
    ]


def log_vectors() -> dict[str, Any]:
    """Logs of several sizes: checkpoint and files."""
    entries = [f"entry {number}".encode() for number in range(258)]
    logs = []
    for size in (0, 1, 2, 3, 255, 256, 258):
        root = root_of([leaf_hash(entry) for entry in entries[:size]])
        head = Checkpoint(origin=SIGNER.key.name, size=size, root=root)
        _, files = grow(EMPTY_EDGE, entries[:size])
        hashed = {name: root_of([leaf_hash(content)]).hex() for name, content in sorted(files.items())}
        logs.append(
            {
                "size": size,
                "checkpoint": SIGNER.sign_note(head.render()).render(),
                "leaf_hash_of_file": hashed,
            }
        )
    return {
        "seed": "01" * 32,
        "vkey": SIGNER.vkey,
        "entries": "entry 0, entry 1, ...",
        "logs": logs,
        "cosignatures": [_cosignature_case(seconds) for seconds in (1, COSIGNED_AT, 253_402_300_799)],
    }


def _cosignature_case(seconds: int) -> dict[str, Any]:
    """One checkpoint cosigned with Ed25519; the message for ML-DSA-44 beside it (lines: kept_signatures)."""
    text = Checkpoint(origin=SIGNER.key.name, size=258, root=b"\x07" * 32).render()
    return {
        "checkpoint": text,
        "time": seconds,
        "seed": "02" * 32,
        "vkey": WITNESS.key.render(),
        "message": cosigned_message(WITNESS.key, text, seconds).decode(),
        "line": WITNESS.cosign(text, seconds).render(),
        "ml_dsa_44_message": cosigned_message(QUANTUM.key, text, seconds).hex(),
    }


def bundle_vectors() -> list[dict[str, Any]]:
    """Bundles, sound and not, each with the trust file and the steps that must fail."""
    made = []
    for name, text, trust in bundle_cases():
        verdict = verify_bundle(text.encode(), trust, verify_signature, check_stamp=check_stamp)
        failed = [check.name for check in verdict.checks if not check.ok]
        made.append({"name": name, "bundle": text, "trust": trust.render(), "failed": failed})
    return made


def misbehaviour_vectors() -> list[dict[str, Any]]:
    """Evidence, sound and not, each with the trust file and the steps that must fail."""
    made = []
    for name, text, trust in misbehaviour_cases():
        verdict = check_misbehaviour(text.encode(), trust, verify_signature)
        failed = [check.name for check in verdict.checks if not check.ok]
        made.append({"name": name, "evidence": text, "trust": trust.render(), "failed": failed})
    return made


def trust_vectors() -> list[dict[str, Any]]:
    """Trust files, and texts that are none."""
    return [{"name": name, "trust": text, "accepted": good} for name, text, good in trust_cases()]


def vector_files() -> dict[str, str]:
    """Return the text of each vector file by name."""
    made = {
        "canonical.json": canonical_vectors(),
        "records.json": record_vectors(),
        "digests.json": digest_vectors(),
        "logs.json": log_vectors(),
        "bundles.json": bundle_vectors(),
        "misbehaviour.json": misbehaviour_vectors(),
        "trust.json": trust_vectors(),
        "kept_signatures.json": kept_vectors(),
    }
    return {name: json.dumps(value, indent=1, ensure_ascii=True) + "\n" for name, value in made.items()}


if __name__ == "__main__":
    for name, text in vector_files().items():
        (FOLDER / name).write_text(text)
