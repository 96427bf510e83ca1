"""Signatures that cannot be made twice: ML-DSA-44 is hedged, and a time stamp has its own moment.

They are kept in kept_signatures.json, itself a vector. What is not kept there yet is made on the spot:
a cosignature by the witness's seed, a time stamp by an authority of openssl that is thrown away after.
"""

import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from proof_samples import COSIGNED_AT, QUANTUM

from lakehouse.core.bundle import TimeStamp
from lakehouse.core.checkpoint import NoteSignature, decode_base64, encode_base64, parse_note
from lakehouse.core.cosignature import cosigned_message
from lakehouse.core.trust import Authority

FILE = Path(__file__).with_name("kept_signatures.json")
AUTHORITY_NAME = "clock.example"


@cache
def kept() -> dict[str, Any]:
    """Return what is kept: the cosignatures by checkpoint text, and one stamped text."""
    if not FILE.is_file():
        return {"cosignatures": [], "time_stamp": None}
    return json.loads(FILE.read_text())


class KeptWitness:
    """`QUANTUM`, its cosignatures the same in every run."""

    key = QUANTUM.key

    def cosign(self, text: str, seconds: int) -> NoteSignature:
        """Return the kept line for a checkpoint's text, or a new one, kept from now on."""
        for case in kept()["cosignatures"]:
            if (case["checkpoint"], case["time"]) == (text, seconds):
                return parse_note(f"{text}\n{case['line']}\n").signatures[0]
        line = QUANTUM.cosign(text, seconds)
        message = cosigned_message(QUANTUM.key, text, seconds).hex()
        made = {"checkpoint": text, "time": seconds, "message": message, "line": line.render()}
        kept()["cosignatures"].append(made)
        return line


def kept_stamp(text: str) -> tuple[Authority, TimeStamp]:
    """Return an authority and its time stamp over a checkpoint's text."""
    stamped = kept()["time_stamp"]
    if stamped is None or stamped["checkpoint"] != text:
        kept()["time_stamp"] = stamped = _make_stamp(text)
    certificate, token = (decode_base64(stamped[name], name) for name in ("certificate", "token"))
    return (
        Authority(name=AUTHORITY_NAME, certificate=certificate),
        TimeStamp(authority=AUTHORITY_NAME, token=token),
    )


def kept_vectors() -> dict[str, Any]:
    """Return the content of the file."""
    return {
        "seed": "05" * 32,
        "vkey": QUANTUM.key.render(),
        "time": COSIGNED_AT,
        "cosignatures": kept()["cosignatures"],
        "time_stamp": kept()["time_stamp"],
    }


def _make_stamp(text: str) -> dict[str, Any]:
    sys.path.insert(0, str(FILE.parents[1] / "anchors"))
    from local_authority import make_authority
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(text.encode()).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.cert_request(cert_request=False).build().as_bytes()
    with tempfile.TemporaryDirectory() as folder:
        authority = make_authority(Path(folder) / "tsa", "p256", name=AUTHORITY_NAME)
        token = authority.reply(request, token=True)
    return {
        "checkpoint": text,
        "certificate": encode_base64(authority.trusted.certificate),
        "token": encode_base64(token),
    }
