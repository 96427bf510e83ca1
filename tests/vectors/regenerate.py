"""Write the vectors of this folder anew: `python tests/vectors/regenerate.py`.

They fix our formats for a second implementation: canonical JSON, records and their leaves, digests,
checkpoints with their tiles, proof bundles with the verdict on each. All bytes are given as text or hex.
Changing one that stands needs a new schema version.
"""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "unit"))

from proof_samples import (  # noqa: E402  the samples that the unit tests use
    DETAILS,
    SALT,
    SIGNER,
    TRUST,
    WITNESSED_TRUST,
    sample_bundle,
    sample_record,
)

from lakehouse.adapters.signatures import verify_signature  # noqa: E402
from lakehouse.core.canonical import canonical_json, digest_json  # noqa: E402
from lakehouse.core.checkpoint import Checkpoint  # noqa: E402
from lakehouse.core.digests import commit_details, file_digest  # noqa: E402
from lakehouse.core.merkle import leaf_hash, root_of  # noqa: E402
from lakehouse.core.tiles import EMPTY_EDGE, grow  # noqa: E402
from lakehouse.core.trust import Trust  # noqa: E402
from lakehouse.core.verification import verify_bundle  # noqa: E402

REFUSED_JSON = [
    '{"a":1,"a":1}', '{"a": 1}', '{"b":1,"a":2}', "1.0", "1e3", "-0", "NaN", '"\\u0041"', "9007199254740992"
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
    ]
    accepted = [
        {"value": value, "canonical": canonical_json(value).decode(), "sha256": digest_json(value)}
        for value in values
    ]
    return {"accepted": accepted, "refused": REFUSED_JSON}


def record_vectors() -> list[dict[str, Any]]:
    """Records with their canonical bytes, leaf and commitment."""
    return [
        {
            "record": record.public_fields(),
            "canonical": record.public_bytes().decode(),
            "leaf": leaf_hash(record.public_bytes()).hex(),
            "details": DETAILS,
            "salt": SALT.hex(),
            "details_commitment": commit_details(DETAILS, SALT),
        }
        for record in (sample_record(number) for number in range(3))
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
    return {"seed": "01" * 32, "vkey": SIGNER.vkey, "entries": "entry 0, entry 1, ...", "logs": logs}


def bundle_vectors() -> list[dict[str, Any]]:
    """Bundles, sound and not, each with the trust file and the steps that must fail."""
    sound = sample_bundle().render().decode()
    cases: list[tuple[str, str, Trust]] = [
        ("a gold version", sound, TRUST),
        ("an answer", sample_bundle(3).render().decode(), TRUST),
        ("opened details", sample_bundle(opened=True).render().decode(), TRUST),
        ("cosigned", sample_bundle(cosigned=True).render().decode(), WITNESSED_TRUST),
        ("the only leaf", sample_bundle(0, 1, earlier=None).render().decode(), TRUST),
        ("witness demanded, none there", sound, WITNESSED_TRUST),
        ("witness of nobody we trust", sample_bundle(cosigned=True).render().decode(), TRUST),
        ("another version number", sound.replace('"version":4', '"version":5'), TRUST),
        ("another index", sound.replace("index 4", "index 3"), TRUST),
        ("earlier head before the leaf", sample_bundle(earlier=4).render().decode(), TRUST),
        ("trailing byte", sound + "\n", TRUST),
        ("unknown field", sound.replace('"details":null', '"details":null,"extra":1'), TRUST),
        ("duplicate key", sound.replace('"details":null', '"details":null,"details":null'), TRUST),
        ("another layout", json.dumps(json.loads(sound), indent=1) + "\n", TRUST),
    ]
    return [
        {"name": name, "bundle": text, "trust": trust.render(), "failed": _failed(text, trust)}
        for name, text, trust in cases
    ]


def _failed(text: str, trust: Trust) -> list[str]:
    verdict = verify_bundle(text.encode(), trust, verify_signature)
    return [check.name for check in verdict.checks if not check.ok]


def vector_files() -> dict[str, str]:
    """Return the text of each vector file by name."""
    made = {
        "canonical.json": canonical_vectors(),
        "records.json": record_vectors(),
        "digests.json": digest_vectors(),
        "logs.json": log_vectors(),
        "bundles.json": bundle_vectors(),
    }
    return {name: json.dumps(value, indent=1, ensure_ascii=True) + "\n" for name, value in made.items()}


if __name__ == "__main__":
    for name, text in vector_files().items():
        (FOLDER / name).write_text(text)
