"""What a verifier must hold beforehand: log key, witnesses, authorities, and how many of them must agree.

The one file of PROTOCOLS, section 7. A key inside a bundle is never trusted; only keys named here are.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from lakehouse.core.canonical import canonical_json, parse_canonical
from lakehouse.core.checkpoint import (
    COSIGNATURE_ML_DSA_44,
    COSIGNATURE_V1,
    ED25519,
    VerifierKey,
    decode_base64,
    encode_base64,
    parse_vkey,
)
from lakehouse.errors import NotVerified

SCHEMA = "livinglab/trust/v1"
LARGEST_TRUST = 1 << 20
LARGEST_CERTIFICATE = 16_384
_AUTHORITY_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")
_DEMANDS = ("cosignatures", "post_quantum", "time_stamps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A time-stamping authority (RFC 3161): its name here, and its certificate (DER)."""

    name: str
    certificate: bytes

    def __post_init__(self) -> None:
        if not _AUTHORITY_NAME.fullmatch(self.name):
            raise NotVerified("the name of a time-stamping authority is not 1 to 80 printed characters")
        if not 0 < len(self.certificate) <= LARGEST_CERTIFICATE:
            raise NotVerified(
                f"a certificate has {len(self.certificate)} bytes, at most {LARGEST_CERTIFICATE}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose signatures count, and how many of each kind a checkpoint must carry.

    A witness is a name with one Ed25519 key, one ML-DSA-44 key, or both. `cosignatures` counts names with a
    genuine cosignature of either type, `post_quantum` names with one of ML-DSA-44, `time_stamps` authorities.
    """

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()
    authorities: tuple[Authority, ...] = ()
    cosignatures: int = 0
    post_quantum: int = 0
    time_stamps: int = 0

    def __post_init__(self) -> None:
        _check_keys(self.log, self.witnesses)
        _check_authorities(self.authorities)
        there = (
            ("cosignatures", self.cosignatures, len(witness_names(self.witnesses))),
            ("post-quantum cosignatures", self.post_quantum, len(quantum_names(self.witnesses))),
            ("time stamps", self.time_stamps, len(self.authorities)),
        )
        for what, demanded, possible in there:
            if isinstance(demanded, bool) or not 0 <= demanded <= possible:
                raise NotVerified(f"a trust file demands {demanded} {what} where {possible} are possible")

    @property
    def origin(self) -> str:
        """Return the origin line of the log's checkpoints: the name of its key."""
        return self.log.name

    def authority(self, name: str) -> Authority | None:
        """Return the authority of that name."""
        return next((authority for authority in self.authorities if authority.name == name), None)

    def render(self) -> str:
        """Return the text of trust.json."""
        fields = {
            "schema": SCHEMA,
            "origin": self.origin,
            "log": self.log.render(),
            "witnesses": [key.render() for key in self.witnesses],
            "authorities": [
                {"name": authority.name, "certificate": encode_base64(authority.certificate)}
                for authority in self.authorities
            ],
            "policy": {name: getattr(self, name) for name in _DEMANDS},
        }
        return canonical_json(fields).decode() + "\n"


def witness_names(keys: tuple[VerifierKey, ...]) -> frozenset[str]:
    """Return the names of witnesses: one witness may hold two keys."""
    return frozenset(key.name for key in keys)


def quantum_names(keys: tuple[VerifierKey, ...]) -> frozenset[str]:
    """Return the names of witnesses with an ML-DSA-44 key."""
    return frozenset(key.name for key in keys if key.algorithm == COSIGNATURE_ML_DSA_44)


def parse_trust(data: bytes) -> Trust:
    """Return the trust of a file; bytes that `render` would not write are `NotVerified`."""
    if len(data) > LARGEST_TRUST or not data.endswith(b"\n"):
        raise NotVerified("a trust file is too long or does not end with its newline")
    fields = parse_canonical(data[:-1], "a trust file")
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        raise NotVerified(f"a trust file is not of the schema {SCHEMA}")
    trust = _trust_of(fields)
    if trust.render().encode() != data:
        raise NotVerified("a trust file has other fields than its schema")
    return trust


def _check_keys(log: VerifierKey, witnesses: tuple[VerifierKey, ...]) -> None:
    """Refuse a key in two places: its signature would count twice, or for another statement."""
    types = {key.algorithm for key in witnesses}
    if log.algorithm != ED25519 or not types <= {COSIGNATURE_V1, COSIGNATURE_ML_DSA_44}:
        raise NotVerified("a trust file takes a log key of type 1 and witness keys of types 4 and 6")
    publics = [key.public for key in (log, *witnesses)]
    places = [(key.name, key.algorithm) for key in witnesses]
    if len(set(publics)) != len(publics) or len(set(places)) != len(places) or log.name in dict(places):
        raise NotVerified("a trust file names a key twice, or two keys of one type for one name")


def _check_authorities(authorities: tuple[Authority, ...]) -> None:
    names = Counter(authority.name for authority in authorities)
    certificates = Counter(authority.certificate for authority in authorities)
    if any(count > 1 for count in (*names.values(), *certificates.values())):
        raise NotVerified("a trust file names a time-stamping authority twice")


def _trust_of(fields: dict[str, Any]) -> Trust:
    witnesses, authorities, policy = (fields.get(name) for name in ("witnesses", "authorities", "policy"))
    if not isinstance(witnesses, list) or not isinstance(authorities, list) or not isinstance(policy, dict):
        raise NotVerified("a trust file has no list of witnesses or authorities, or no policy")
    keys = [fields.get("log"), *witnesses]
    if not all(isinstance(key, str) for key in keys):
        raise NotVerified("a trust file holds a key that is not text")
    if set(policy) != set(_DEMANDS) or not all(isinstance(policy[name], int) for name in _DEMANDS):
        raise NotVerified(f"the policy of a trust file does not give {', '.join(_DEMANDS)}")
    return Trust(
        log=parse_vkey(keys[0]),
        witnesses=tuple(parse_vkey(key) for key in keys[1:]),
        authorities=tuple(_parse_authority(value) for value in authorities),
        **{name: policy[name] for name in _DEMANDS},
    )


def _parse_authority(value: Any) -> Authority:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise NotVerified("a time-stamping authority is not an object of texts")
    if set(value) != {"name", "certificate"}:
        raise NotVerified("a time-stamping authority has other fields than name, certificate")
    return Authority(name=value["name"], certificate=decode_base64(value["certificate"], "a certificate"))
