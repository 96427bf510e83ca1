#!/usr/bin/env python3
"""Check a proof of a LivingLab site without LivingLab: python livinglab_verify.py FILE --trust FILE [--json].

FILE is a proof bundle, evidence that a log misbehaved, or the text of a receipt on paper. Exit 0: verified; 5: not.
Needs Python 3.9 and the package `cryptography`; no network, nothing of LivingLab. It follows RFC 8785 (JSON),
RFC 9162 (Merkle), RFC 3161 and 5652 (time stamps), and of https://c2sp.org: signed-note, tlog-checkpoint,
tlog-cosignature, tlog-proof. README.md beside this file says more.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import re
import sys
import zlib
from base64 import b32decode, b32encode, b64decode
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
except ImportError:
    sys.stderr.write("NOT VERIFIED: the package cryptography is missing: python -m pip install cryptography\n")
    sys.exit(5)
mldsa = None
with suppress(ImportError):
    from cryptography.hazmat.primitives.asymmetric import mldsa

LARGEST_FILE, LARGEST_NOTE, LARGEST_TOKEN, LARGEST_TREE = 1 << 20, 1 << 17, 8192, 1 << 62
LOG, COSIGNER, QUANTUM = KEY_BYTES = {b"\1": 32, b"\4": 32, b"\6": 1312}  # types of keys, and their sizes
DECIMAL, HEX, HASH = "(?:0|[1-9][0-9]{0,18})", "[0-9a-f]{64}", "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"  # one spelling only


class Refused(ValueError):
    """Why something does not hold."""


REFUSALS = (ValueError, RecursionError, zlib.error, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion,
            x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
# All that hostile bytes can raise below.


def demand(holds: object, problem: str) -> None:
    """Refuse with `problem` unless it holds."""
    if not holds:
        raise Refused(problem)


# --- 1. Canonical JSON and the shapes of documents


def canonical(value: Any, depth: int = 0) -> bytes:
    """Return the one byte form of a value: RFC 8785, with whole numbers only."""
    demand(depth <= 64, "JSON is nested deeper than 64")
    if isinstance(value, list):
        return b"[" + b",".join(canonical(item, depth + 1) for item in value) + b"]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return b"{" + b",".join(canonical(n) + b":" + canonical(value[n], depth + 1) for n in names) + b"}"
    demand(not isinstance(value, float) and (not isinstance(value, int) or abs(value) < 2**53), "an odd number in JSON")
    return json.dumps(value, ensure_ascii=False).encode()


def parse(data: bytes) -> Any:
    """Return the value of canonical JSON and a newline. Other bytes are refused, and so is a key that stands twice."""
    demand(len(data) <= LARGEST_FILE, "a file of more than 1 MiB")
    value = json.loads(data.decode(), parse_int=lambda digits: int(digits[:20]))
    demand(canonical(value) + b"\n" == data, "another form than canonical JSON and a newline")
    return value


def schema_of(data: bytes) -> Any:
    """Return the schema that a document names, in whatever layout; None if it is no object in JSON."""
    with suppress(AttributeError, *REFUSALS):
        return json.loads(data.decode(), parse_int=lambda digits: int(digits[:20])).get("schema")
    return None


def fits(value: Any, shape: Any) -> bool:
    """Say whether a value has a shape.

    A shape is a type (a number: from 0), a pattern of text, (null or, shape), [shape], {name: shape} for an object
    with exactly these fields, or {...: shape} for one with any.
    """
    if isinstance(shape, type):
        return type(value) is shape and (shape is not int or value >= 0)
    if isinstance(shape, str):
        return isinstance(value, str) and re.fullmatch(shape, value, re.ASCII) is not None
    if isinstance(shape, tuple):
        return value is None or fits(value, shape[1])
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    same = isinstance(value, dict) and (... in shape or set(value) == set(shape))
    return same and all(fits(value[name], shape.get(name, shape.get(...))) for name in value)


# --- 2. Merkle trees: RFC 6962, and the proofs of RFC 9162, 2.1.3.2 and 2.1.4.2


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0 || entry)."""
    return hashlib.sha256(b"\0" + entry).digest()


def climb(place: int, last: int, nodes: list[bytes]) -> tuple[bytes, bytes]:
    """Return the root of the whole tree, and that of the tree which ended with the first node.

    The first node stands at `place` of a level that ends at `last`; the others are its siblings on the way up.
    """
    root = ended = nodes[0]
    for sibling in nodes[1:]:
        demand(last > 0, "a path is too long")
        if place & 1 or place == last:
            root, ended = (hashlib.sha256(b"\1" + sibling + node).digest() for node in (root, ended))
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\1" + root + sibling).digest()
        place, last = place >> 1, last >> 1
    demand(last == 0, "a path is too short")
    return root, ended


def check_inclusion(leaf: bytes, index: int, size: int, path: list[str], root: bytes) -> None:
    """Refuse unless `leaf` is number `index` of the tree of `size` leaves."""
    demand(index < size <= LARGEST_TREE, f"leaf {index} is not in a tree of {size} leaves")
    roots = climb(index, size - 1, [leaf, *map(b64decode, path)])
    demand(roots[0] == root, f"leaf {index} does not lead to the root of the tree of {size} leaves")


def check_consistency(old: int, new: int, path: list[str], old_root: bytes, new_root: bytes) -> None:
    """Refuse unless the tree of `new` leaves begins with the tree of `old` leaves."""
    demand(0 < old <= new <= LARGEST_TREE, f"no proof leads from {old} leaves to {new}")
    demand((old == new) == (path == []), "a path stands between equal sizes, or none between others")
    level = (old & -old).bit_length() - 1
    nodes = [old_root] * (old == 1 << level) + [b64decode(node) for node in path]
    roots = climb(old - 1 >> level, new - 1 >> level, nodes) if path else (old_root, old_root)
    demand(roots == (new_root, old_root), f"the tree of {new} leaves does not begin with that of {old}")


# --- 3. Keys, signed notes, checkpoints, cosignatures: C2SP


class Key:
    """A verifier key `name+id+base64(type, key)`; the id must be that of the key."""

    def __init__(self, text: str) -> None:
        match = re.fullmatch(rf"([^\s+]{{1,255}})\+([0-9a-f]{{8}})\+({BASE64})", text)
        demand(match, "a verifier key is not of the form name+id+key")
        self.name, material = match[1], b64decode(match[3])
        self.type, self.public = material[:1], material[1:]
        self.signer = (self.name, hashlib.sha256(self.name.encode() + b"\n" + material).digest()[:4])
        sound = KEY_BYTES.get(self.type) == len(self.public) and self.signer[1].hex() == match[2]
        demand(sound, "a verifier key has an unknown type, another size, or the id of another key")

    def check(self, signature: bytes, message: bytes) -> None:
        """Refuse a signature that the key did not make: Ed25519 (RFC 8032), or ML-DSA-44 (FIPS 204)."""
        demand(self.type != QUANTUM or mldsa, "not checked: this version of cryptography has no ML-DSA-44, update it")
        public = mldsa.MLDSA44PublicKey if self.type == QUANTUM else ed25519.Ed25519PublicKey
        public.from_public_bytes(self.public).verify(signature, message)


class Note:
    """A signed note: its text, and its signatures as ((name, key id), payload)."""

    def __init__(self, text: str) -> None:
        body, _, tail = text.rpartition("\n\n")
        lines = [re.fullmatch(rf"— ([^\s+]{{1,255}}) ({BASE64})", line) for line in tail.split("\n")[:-1]]
        plain = len(text) <= LARGEST_NOTE and not re.search(r"[\0-\x09\x0b-\x1f]", text)
        demand(plain and body and tail.endswith("\n") and all(lines) and len(lines) <= 64, "a note is malformed")
        payloads = [(line[1], b64decode(line[2])) for line in lines]
        self.text, self.signatures = body + "\n", [((name, data[:4]), data[4:]) for name, data in payloads]
        demand(all(payload for _, payload in self.signatures), "a signature of a note is too short")

    def read_head(self) -> Note:
        """Read what a checkpoint says: origin, size, root. Further lines are only signed. Returns the note."""
        match = re.fullmatch(rf"([^\n]+)\n({DECIMAL})\n({HASH})\n(?:[^\n]+\n)*", self.text)
        demand(match and int(match[2]) <= LARGEST_TREE, "a checkpoint is malformed, or its size out of range")
        self.origin, self.size, self.root = match[1], int(match[2]), b64decode(match[3])
        return self

    def check_log(self, trust: Trust) -> None:
        """Refuse a checkpoint that the log's key did not sign, in that log's name."""
        made = [payload for signer, payload in self.signatures if signer == trust.log.signer]
        demand(made and self.origin == trust.log.name, f"no signature of {trust.log.name} over a head of its own log")
        for signature in made:
            trust.log.check(signature, self.text.encode())

    def check_signers(self, trust: Trust) -> None:
        """Refuse signatures that are doubled, of nobody in the trust file, or no genuine cosignatures."""
        signers = [signer for signer, _ in self.signatures]
        demand(len(set(signers)) == len(signers), "a signature stands there more than once")
        demand(set(signers) <= {*trust.witnesses, trust.log.signer}, "a signature is of nobody in the trust file")
        for signer, payload in self.signatures:
            if signer != trust.log.signer:
                key, stamp, seconds = trust.witnesses[signer], payload[:8], int.from_bytes(payload[:8], "big")
                demand(len(payload) > 8 and 0 < seconds < 253_402_300_800, f"a cosignature of {key.name} tells no time")
                message = f"cosignature/v1\ntime {seconds}\n{self.text}".encode()
                if key.type == QUANTUM:
                    name, origin = key.name.encode(), self.origin.encode()
                    message = b"subtree/v1\n\0" + bytes([len(name)]) + name + stamp + bytes([len(origin)]) + origin
                    message += bytes(8) + self.size.to_bytes(8, "big") + self.root
                key.check(payload[8:], message)

    def witnesses(self, trust: Trust, *types: bytes) -> int:
        """Return how many witnesses signed with a key of these types; a witness is a name."""
        keys = [trust.witnesses[signer] for signer, _ in self.signatures if signer in trust.witnesses]
        return len({key.name for key in keys if key.type in types})


# --- 4. Time stamps: tokens of RFC 3161 (SignedData, RFC 5652) in the few shapes of DER that are accepted

INT, OCTETS, OID, TIME, SEQ, SET, BOX = 0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xA0
SIGNED_DATA, TST_INFO, CONTENT_TYPE, DIGEST, SIGNING_TIME, PROTECTION, SIGNED_BY, SIGNED_BY_V2 = OIDS = [
    bytes.fromhex(f"06{7 + len(end) // 2:02x}2a864886f70d01{end}")
    for end in ("0702", "09100104", "0903", "0904", "0905", "0934", "0910020c", "0910022f")]
SHA_BITS = {bytes.fromhex(f"30{11 + len(null) // 2:02x}06096086480165030402{number:02x}{null}"): 128 * (number + 1)
            for number in (1, 2, 3) for null in ("", "0500")}


def der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Return the values that `data` consists of, as (tag, content, all of it); only shortest lengths."""
    values, start = [], 0
    while start < len(data):
        tag, first = (data[start : start + 2] + b"\x80")[:2]
        octets = max(first - 0x80, 0)
        size = int.from_bytes(data[start + 2 : start + 2 + octets], "big") if octets else first
        shortest, end = (size > 0x7F) + (size > 0xFF), start + 2 + octets + size
        demand(tag & 31 < 31 and first != 0x80 and octets == shortest and end <= len(data), "no strict DER")
        values.append((tag, data[end - size : end], data[start:end]))
        start = end
    return values


def take(data: bytes, *shapes: Any) -> list[tuple[int, bytes, bytes]]:
    """Return the values of `data` that stand where the shapes have a tag or None, in order.

    A shape is a tag (the value is not empty), None (any value), bytes that must stand there, a tuple of a tag and
    the shapes inside it, or at the end `...` for whatever follows.
    """
    values, taken = der(data), []
    if shapes[-1] is ...:
        shapes, values = shapes[:-1], values[: len(shapes) - 1]
    demand(len(values) == len(shapes), "a time stamp has other fields than it must have")
    for value, shape in zip(values, shapes):
        if isinstance(shape, bytes):
            demand(value[2] == shape, "a time stamp is of another kind or signer")
        elif isinstance(shape, tuple):
            demand(value[0] == shape[0], "a time stamp has another field than it must have")
            taken += take(value[1], *shape[1:])
        else:
            demand(shape is None or (value[0] == shape and value[1]), "a time stamp has an odd or empty field")
            taken.append(value)
    return taken


def check_stamp(certificate: bytes, token: bytes, imprint: bytes) -> None:
    """Refuse a token that is not of the authority of `certificate` over the SHA-256 `imprint`."""
    # (1) the authority of the trust file is certified for time stamps alone
    authority = x509.load_der_x509_certificate(certificate)
    usage = authority.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    alone = usage.critical and [use.dotted_string for use in usage.value] == ["1.3.6.1.5.5.7.3.8"]
    demand(alone and len(token) <= LARGEST_TOKEN, "too long, or its certificate is not for time stamps alone")
    _, serial, _, issuer = take(certificate, (SEQ, (SEQ, BOX, INT, SEQ, SEQ, ...), ...))
    # (2) it is the one signer, and no certificate but its own is carried
    carried = [BOX] if len(der(take(token, (SEQ, OID, (BOX, SEQ)))[1][1])) == 5 else []
    signer = (SEQ, b"\2\1\1", (SEQ, issuer[2], serial[2]), SEQ, BOX, SEQ, OCTETS)
    content = (SEQ, b"\2\1\3", SET, (SEQ, TST_INFO, (BOX, OCTETS)), *carried, (SET, signer))
    digests, info, *own, digest, signed, algorithm, signature = take(token, (SEQ, SIGNED_DATA, (BOX, content)))
    demand(all(box[1] == certificate for box in own), "a time stamp carries another certificate")
    # (3) it signed this content, and which certificate is its own
    bits = SHA_BITS.get(digest[2], 0)
    demand(bits and digests[1] == digest[2], "a time stamp has another hash algorithm")
    check_attributes(signed[1], hashlib.new(f"sha{bits}", info[1]).digest(), certificate)
    check_seal(authority.public_key(), bits, algorithm[2], signature[1], bytes([SET]) + signed[2][1:])
    # (4) the content is about these bytes, at a time at which the certificate was valid (RFC 3161, 2.4.2)
    _, hashed, stamped, _, time = take(info[1], (SEQ, b"\2\1\1", OID, (SEQ, SEQ, OCTETS), INT, TIME, ...))
    demand(SHA_BITS.get(hashed[2]) == 256 and stamped[1] == imprint, "a time stamp is of other bytes than these")
    optional = der(take(info[1], SEQ)[0][1])[5:]
    match = re.fullmatch(rb"([0-9]{14})(\.[0-9]*[1-9])?Z", time[1])
    demand(re.fullmatch(b"\x30?\x01?\x02?\xa0?", bytes(value[0] for value in optional)), "a time stamp has odd fields")
    demand(match and all(value[1] for value in optional), "a time stamp has an empty field, or a time of another form")
    moment = datetime.strptime(match[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    valid = authority.not_valid_before_utc <= moment <= authority.not_valid_after_utc
    demand(valid, "the authority's certificate was not valid at the time of the time stamp")


def check_attributes(data: bytes, digest: bytes, certificate: bytes) -> None:
    """Refuse signed attributes that do not bind this content and certificate (RFC 5652, 5.4; RFC 5816)."""
    found: dict[bytes, bytes] = {}
    for attribute in der(data):
        kind, value = take(attribute[2], (SEQ, OID, (SET, None)))
        demand(kind[2] in OIDS[2:] and kind[2] not in found, "a time stamp has an odd signed attribute")
        found[kind[2]] = value[2]
    bound = found.get(CONTENT_TYPE) == TST_INFO and found.get(DIGEST) == bytes([OCTETS, len(digest)]) + digest
    demand(bound and (SIGNED_BY in found or SIGNED_BY_V2 in found), "a time stamp does not bind content and signer")
    for kind, bits in ((SIGNED_BY, 1), (SIGNED_BY_V2, 256)):
        if kind in found:
            parts = der(take(found[kind], (SEQ, (SEQ, SEQ, ...), ...))[0][1])
            named = SHA_BITS.get(parts.pop(0)[2], 0) if kind == SIGNED_BY_V2 and parts[0][0] == SEQ else bits
            same = named and parts and parts[0][:2] == (OCTETS, hashlib.new(f"sha{named}", certificate).digest())
            demand(same, "a time stamp does not name this certificate as its own")


def check_seal(key: Any, bits: int, algorithm: bytes, signature: bytes, message: bytes) -> None:
    """Refuse a signature that `key` did not make: RSA from 2048 bits (PKCS #1 v1.5), ECDSA on P-256 or P-384."""
    rsa_ids = [bytes.fromhex(f"300d06092a864886f70d0101{end:02x}0500") for end in (1, bits // 128 + 9)]
    by_rsa = algorithm in rsa_ids and isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048
    by_curve = algorithm == bytes.fromhex(f"300a06082a8648ce3d0403{bits // 128:02x}")
    by_curve = by_curve and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1")
    demand(by_rsa or by_curve, "a time stamp is signed in a way that is not accepted")
    hashed = getattr(hashes, f"SHA{bits}")()
    key.verify(signature, message, *((padding.PKCS1v15(), hashed) if by_rsa else (ec.ECDSA(hashed),)))


# --- 5. The documents

VERSIONS, IDENTIFIER = "create|write|delete|optimise|vacuum_start|vacuum_end|draft", "[0-9A-Za-z][0-9A-Za-z.+_-]{0,79}"
OPENED, OTHER_HEAD = {"salt": HASH, "value": dict}, {"checkpoint": str, "path": list}
RECORD = {
    "schema": "livinglab/record/v1", "kind": VERSIONS + "|answer|decision|model|release|erasure|consent|trust",
    "table": (None, r"[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,127})?"), "version": (None, int), "inputs": [int],
    "intent": (None, IDENTIFIER), "digests": {...: HEX}, "policy_digest": HEX, "code_version": IDENTIFIER,
    "consent_root": (None, HEX), "vault_counter": int, "supersedes": (None, int), "details_commitment": HEX,
    "time": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"}
BUNDLE = {
    "schema": "livinglab/bundle/v1", "record": RECORD, "proof": str, "before": (None, OTHER_HEAD),
    "earlier": (None, OTHER_HEAD), "details": (None, OPENED), "statements": {...: OPENED},
    "content": (None, {"leaf": HEX, "index": int, "size": int, "path": [HASH]}),
    "time_stamps": [{"authority": str, "token": BASE64}]}
EVIDENCE = {"schema": "livinglab/misbehaviour/v1", "first": str, "second": str, "root": (None, HEX), "path": [HASH]}
TRUST = {
    "schema": "livinglab/trust/v1", "origin": str, "log": str, "witnesses": [str],
    "authorities": [{"name": r"[^\0-\x1f\x7f]{1,80}", "certificate": BASE64}],
    "policy": {"cosignatures": int, "post_quantum": int, "time_stamps": int}}


class Trust:
    """A trust file: whose signatures count, and how many must be there."""

    def __init__(self, data: bytes) -> None:
        fields = parse(data)
        demand(fits(fields, TRUST), "other fields than livinglab/trust/v1")
        self.log, *others = keys = [Key(text) for text in (fields["log"], *fields["witnesses"])]
        self.witnesses, names = {key.signer: key for key in others}, {key.name for key in others}
        self.authorities = {item["name"]: b64decode(item["certificate"]) for item in fields["authorities"]}
        self.policy = [fields["policy"][name] for name in ("cosignatures", "post_quantum", "time_stamps")]
        demand([key for key in keys if key.type == LOG] == [self.log], "not exactly the log has a key of type 1")
        demand(self.log.name == fields["origin"] and self.log.name not in names, "the log's key has another name")
        demand(len({k.public for k in keys}) == len({(k.name, k.type) for k in keys}) == len(keys), "a key is doubled")
        certificates = {one for one in self.authorities.values() if 0 < len(one) <= 1 << 14}
        # Two keys of one witness may not share their 32 bits of id: a line would be of both.
        demand(len({*self.witnesses, *certificates}) == len(others) + len(fields["authorities"]), "a doubled signer")
        possible = (len(names), sum(key.type == QUANTUM for key in others), len(certificates))
        demand(all(need <= most for need, most in zip(self.policy, possible)), "more is demanded than is named")


class Bundle:
    """A proof bundle, taken apart; nothing of it is verified yet."""

    def __init__(self, data: bytes) -> None:
        self.fields = fields = parse(data)
        demand(fits(fields, BUNDLE), "bundle or record have other fields than their schemas")
        self.record, self.leaf = fields["record"], leaf_hash(canonical(fields["record"]))
        datetime.strptime(self.record["time"], "%Y-%m-%dT%H:%M:%SZ")
        demand(fits(list(self.record["digests"]), ["[a-z][a-z0-9_]{0,31}"]), "a digest has another name")
        demand((self.record["version"] is not None) == fits(self.record["kind"], VERSIONS), "an odd version number")
        stated = all(fits(opened["value"].get("schema"), str) for opened in fields["statements"].values())
        self.stamps = {stamp["authority"]: b64decode(stamp["token"]) for stamp in fields["time_stamps"]}
        ordered = [stamp["authority"] for stamp in fields["time_stamps"]] == sorted(self.stamps)
        demand(stated and ordered and all(self.stamps.values()), "odd statements or time stamps, or out of order")
        match = re.match(rf"c2sp\.org/tlog-proof@v1\nindex ({DECIMAL})\n((?:{HASH}\n){{0,63}})\n", fields["proof"])
        demand(match and len((fields["content"] or {"path": []})["path"]) <= 63, "a proof is malformed")
        self.index, self.path = int(match[1]), match[2].split()
        self.head = Note(fields["proof"][match.end() :]).read_head()
        named = [(name == "before", fields[name]) for name in ("before", "earlier") if fields[name]]
        self.others = [(before, Note(head["checkpoint"]), self.read_path(head["path"])) for before, head in named]

    def read_path(self, nodes: list[Any]) -> list[str]:
        """Return the path of another head; a hash that the proof's path has is written as its first place there."""
        places = {node: place for place, node in reversed(list(enumerate(self.path)))}
        known = {place: node for node, place in places.items()}
        sound = (node in known if fits(node, int) else fits(node, HASH) and node not in places for node in nodes)
        demand(all(sound) and len(nodes) <= 63, "a path is too long, or a hash of it malformed or in the proof's path")
        return [known[node] if isinstance(node, int) else node for node in nodes]


class Evidence:
    """Evidence that a log signed two heads, taken apart; nothing of it is verified yet."""

    def __init__(self, data: bytes) -> None:
        self.fields = fields = parse(data)
        demand(fits(fields, EVIDENCE) and len(fields["path"]) <= 63, "other fields than livinglab/misbehaviour/v1")
        self.first, self.second = (Note(fields[name]).read_head() for name in ("first", "second"))


def check_opened(opened: Any, digest: str | None) -> None:
    """Refuse what is opened unless `digest` commits to it: HMAC-SHA256(salt, canonical value)."""
    made = hmac.new(b64decode(opened["salt"]), canonical(opened["value"]), hashlib.sha256).hexdigest()
    demand(made == digest, "what is opened is not what the record commits to")


# --- 6. The steps

STEPS = ("schema", "leaf", "statements", "inclusion", "checkpoint signature", "cosignatures", "time stamps",
         "consistency", "content", "data", "policy")
EVIDENCE_STEPS = ("schema", "signatures", "contradiction")


@contextmanager
def step(taken: list[dict[str, Any]], name: str, why: str) -> Any:
    """Take a step: it holds, and says why, unless the block refuses something."""
    try:
        yield
        taken.append({"name": name, "ok": True, "why": why})
    except REFUSALS as error:
        taken.append({"name": name, "ok": False, "why": str(error) or "a signature is not genuine"})


def check_bundle(bundle: Bundle, trust: Trust, taken: list[dict[str, Any]]) -> None:
    """Take the steps of a bundle that could be read."""
    head, record, opened = bundle.head, bundle.record, bundle.fields["statements"]
    is_erasure, details, content = record["kind"] == "erasure", bundle.fields["details"], bundle.fields["content"]
    with step(taken, "leaf", f"the record hashes to leaf {bundle.leaf.hex()}"):
        if details:
            check_opened(details, record["details_commitment"])
    with step(taken, "statements", f"the record commits to what is opened: {', '.join(opened) or 'nothing'}"):
        for name, statement in opened.items():
            check_opened(statement, record["digests"].get(name))
        demand(not is_erasure or "erasure" in opened, "an erasure is shown without its certificate")
    with step(taken, "inclusion", f"leaf {bundle.index} lies in the log of {head.size} leaves"):
        check_inclusion(bundle.leaf, bundle.index, head.size, bundle.path, head.root)
    with step(taken, "checkpoint signature", f"signed by the key of {trust.log.name}"):
        head.check_log(trust)
    there = [head.witnesses(trust, COSIGNER, QUANTUM), head.witnesses(trust, QUANTUM), len(bundle.stamps)]
    with step(taken, "cosignatures", f"{there[0]} witnesses cosigned, {there[1]} of them with ML-DSA-44"):
        head.check_signers(trust)
    with step(taken, "time stamps", f"{len(bundle.stamps)} genuine time stamps"):
        demand(set(bundle.stamps) <= set(trust.authorities), "a time stamp is of nobody in the trust file")
        for name, token in bundle.stamps.items():
            check_stamp(trust.authorities[name], token, hashlib.sha256(head.text.encode()).digest())
    with step(taken, "consistency", f"{len(bundle.others)} other heads are beginnings of this log"):
        for before, note, path in bundle.others:
            note.read_head().check_log(trust)
            note.check_signers(trust)
            check_consistency(note.size, head.size, path, note.root, head.root)
            demand((note.size <= bundle.index) == before, "another head stands on the wrong side of this leaf")
        demand(not is_erasure or bundle.fields["before"], "an erasure is shown without a head from before it")
    with step(taken, "content", "one person's leaf lies in it" if content else "no person's rows are proved"):
        if content:
            leaf, root = leaf_hash(bytes.fromhex(content["leaf"])), bytes.fromhex(record["digests"].get("content", ""))
            check_inclusion(leaf, content["index"], content["size"], content["path"], root)
    taken.append({"name": "data", "ok": True, "why": "no data was compared: `livinglab verify --data` does that"})
    wanted = "demanded: {} cosignatures, {} with ML-DSA-44, {} time stamps".format(*trust.policy)
    with step(taken, "policy", wanted):
        demand(all(have >= need for have, need in zip(there, trust.policy)), f"{wanted}; there are fewer")


def check_evidence(evidence: Evidence, trust: Trust, taken: list[dict[str, Any]]) -> None:
    """Take the steps of evidence that the log's key signed two heads which cannot belong to one log."""
    first, second, root, path = evidence.first, evidence.second, evidence.fields["root"], evidence.fields["path"]
    with step(taken, "signatures", f"both heads are signed by the key of {trust.log.name}, and by nobody else"):
        for note in (first, second):
            demand(len(note.signatures) == 1, "a head carries other signatures than one of the log")
            note.check_log(trust)
    with step(taken, "contradiction", "no log that only grows has both heads"):
        forked = first.size == second.size and root is None and not path and first.root != second.root
        rewritten = first.size < second.size and root not in (None, first.root.hex())
        demand(forked or rewritten, "nothing shows that the log was forked or rewritten")
        if rewritten:
            check_consistency(first.size, second.size, path, bytes.fromhex(root), second.root)


def read_paper(text: str) -> bytes:
    """Return the bundle of a receipt's text: pieces of base32, each with its place and check digits."""
    form = r"LIVINGLAB:1:([0-9A-F]{8}):([1-9][0-9]?)/([1-9][0-9]?):([0-9A-F]{8}):([A-Z2-7\s]+)\."
    parts, pieces = re.findall(form, text, re.ASCII), {}
    demand(parts and len(parts) == text.count("LIVINGLAB:1:"), "the receipt has no part, or one that is not whole")
    for name, number, count, check, spaced in parts:
        piece = "".join(spaced.split())
        made = hashlib.sha256(f"{name}:{number}/{count}:{piece}".encode()).hexdigest()[:8].upper()
        same = (name, count) == (parts[0][0], parts[0][2]) and pieces.setdefault(int(number), piece) == piece
        demand(made == check and same, f"part {number} of {count} was read wrongly, or is of another receipt")
    demand(sorted(pieces) == list(range(1, int(parts[0][2]) + 1)), f"only parts {sorted(pieces)} are there")
    packed, stream = "".join(pieces[number] for number in sorted(pieces)), zlib.decompressobj()
    raw = b32decode(packed + "=" * (-len(packed) % 8))
    data = stream.decompress(raw, LARGEST_FILE + 1)
    whole = stream.eof and not stream.unused_data and b32encode(raw).decode().rstrip("=") == packed
    demand(whole and hashlib.sha256(data).hexdigest()[:8].upper() == parts[0][0], "the parts give no whole bundle")
    return data


# --- 7. The command


def verify(data: bytes, trust_file: bytes) -> dict[str, Any]:
    """Return the verdict on the bytes of a file, as --json prints it. A trust file that is malformed is refused."""
    trust, document = Trust(trust_file), None
    if not data.startswith(b"{") and b"LIVINGLAB:1:" in data:
        data = read_paper(data.decode(errors="replace"))
    accuses, taken = schema_of(data) == EVIDENCE["schema"], []
    reader, check, names = (Evidence, check_evidence, EVIDENCE_STEPS) if accuses else (Bundle, check_bundle, STEPS)
    with step(taken, "schema", "the document has exactly the fields of its schema"):
        document = reader(data)
    if document:
        check(document, trust, taken)
    taken += [{"name": name, "ok": False, "why": "not checked: this cannot be read"} for name in names[len(taken) :]]
    verified, record = all(one["ok"] for one in taken), getattr(document, "record", None)
    return {"checks": taken, "verified": verified, "record": record, **({"misbehaviour": True} if accuses else {})}


def in_words(verdict: dict[str, Any]) -> str:
    """Return the verdict as lines for people, without signs that a terminal obeys."""
    lines = [f"{'ok  ' if one['ok'] else 'FAIL'}  {one['name']}: {one['why']}" for one in verdict["checks"]]
    if record := verdict["record"]:
        version = "" if record["version"] is None else f", version {record['version']}"
        lines += ["", f"At {record['time']} the site logged: {record['kind']} {record['table'] or ''}{version},",
                  f"made by code {record['code_version']} under the privacy policy {record['policy_digest']}."]
    if verdict["verified"] and "misbehaviour" in verdict:
        lines += ["", "MISBEHAVIOUR: the log signed two heads that cannot belong to one log"]
    lines.append("verified" if verdict["verified"] else "NOT VERIFIED")
    return "\n".join("".join(sign if sign.isprintable() else "?" for sign in line) for line in lines)


def main() -> int:
    """Run the command; return 0 for verified, 5 for anything else."""
    parser = argparse.ArgumentParser(description="Check a proof of a LivingLab site. Exit 0: verified; 5: not.")
    parser.add_argument("file", type=Path, help="proof bundle, evidence of misbehaviour, or text of a receipt")
    parser.add_argument("--trust", type=Path, required=True, help="the site's trust file, got by a way you trust")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    try:
        options = parser.parse_args()
        with options.file.open("rb") as file, options.trust.open("rb") as trust:
            verdict = verify(file.read(LARGEST_FILE + 1), trust.read(LARGEST_FILE + 1))
        with open(1, "wb", closefd=False) as output:
            output.write((json.dumps(verdict) if options.json else in_words(verdict)).encode() + b"\n")
    except SystemExit as stop:
        return 5 if stop.code else 0
    except (OSError, *REFUSALS) as error:
        with suppress(OSError):
            os.write(2, f"NOT VERIFIED: {error}\n".encode("ascii", "backslashreplace"))
        return 5
    return 0 if verdict["verified"] else 5


if __name__ == "__main__":
    sys.exit(main())
