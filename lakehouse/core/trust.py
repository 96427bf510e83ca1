"""What a verifier must hold beforehand: log key, witnesses, authorities, and how many of them must agree.

The one file of PROTOCOLS, section 7. A key inside a bundle is never trusted; only keys named here are.
"""

import re
from dataclasses import dataclass
from typing import Any

from lakehouse.core.checkpoint import (
    COSIGNATURE_ML_DSA_44,
    COSIGNATURE_V1,
    ED25519,
    VerifierKey,
    decode_base64,
    encode_base64,
    parse_vkey,
)
from lakehouse.core.document_fields import count, items, members, parse_document, render_document, text
from lakehouse.errors import NotVerified

SCHEMA = "livinglab/trust/v1"
LARGEST_CERTIFICATE = 16_384
_AUTHORITY_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")
_FIELDS = ("schema", "origin", "log", "witnesses", "authorities", "policy")
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
        return render_document(fields).decode()


def witness_names(keys: tuple[VerifierKey, ...]) -> frozenset[str]:
    """Return the names of witnesses: one witness may hold two keys."""
    return frozenset(key.name for key in keys)


def quantum_names(keys: tuple[VerifierKey, ...]) -> frozenset[str]:
    """Return the names of witnesses with an ML-DSA-44 key."""
    return frozenset(key.name for key in keys if key.algorithm == COSIGNATURE_ML_DSA_44)


def parse_trust(data: bytes) -> Trust:
    """Return the trust of a file; bytes that `render` would not write are `NotVerified`."""
    fields = parse_document(data, SCHEMA, _FIELDS)
    witnesses, authorities = (items(fields[name], name) for name in ("witnesses", "authorities"))
    policy = members(fields["policy"], _DEMANDS, "the policy of a trust file")
    trust = Trust(
        log=parse_vkey(text(fields["log"], "the key of a log")),
        witnesses=tuple(parse_vkey(text(key, "the key of a witness")) for key in witnesses),
        authorities=tuple(_parse_authority(authority) for authority in authorities),
        **{name: count(policy[name], f"{name} of a policy") for name in _DEMANDS},
    )
    if trust.render().encode() != data:
        raise NotVerified("a trust file has another origin than the name of its log key")
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
    # Ids are 32 bits: two keys of one witness are easily made to share one, and a line would be of both.
    if len({(key.name, key.key_id) for key in witnesses}) != len(witnesses):
        raise NotVerified("a trust file names two keys of one witness with one id")


def _check_authorities(authorities: tuple[Authority, ...]) -> None:
    names = {authority.name for authority in authorities}
    certificates = {authority.certificate for authority in authorities}
    if not len(names) == len(certificates) == len(authorities):
        raise NotVerified("a trust file names a time-stamping authority twice")


def _parse_authority(value: Any) -> Authority:
    fields = members(value, {"name", "certificate"}, "a time-stamping authority")
    certificate = decode_base64(text(fields["certificate"], "a certificate"), "a certificate")
    return Authority(name=text(fields["name"], "the name of an authority"), certificate=certificate)
