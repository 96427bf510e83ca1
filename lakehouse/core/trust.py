"""What a verifier must hold beforehand: origin, log key, witnesses and how many of them must agree.

The one file of PROTOCOLS, section 7. A key inside a bundle is never trusted; only keys named here are.
"""

from dataclasses import dataclass
from typing import Any

from lakehouse.core.canonical import canonical_json, parse_canonical
from lakehouse.core.checkpoint import COSIGNATURE_V1, ED25519, VerifierKey, parse_vkey
from lakehouse.errors import NotVerified

SCHEMA = "livinglab/trust/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The log's key, its witnesses, and the number of cosignatures that a checkpoint must carry."""

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()
    cosignatures: int = 0

    def __post_init__(self) -> None:
        names = {key.name for key in (self.log, *self.witnesses)}
        publics = {key.public for key in (self.log, *self.witnesses)}
        if self.log.algorithm != ED25519 or any(key.algorithm != COSIGNATURE_V1 for key in self.witnesses):
            raise NotVerified("a trust file takes a log key of type 1 and witness keys of type 4")
        if not len(names) == len(publics) == 1 + len(self.witnesses):
            raise NotVerified("a trust file names a key twice")
        if not 0 <= self.cosignatures <= len(self.witnesses):
            raise NotVerified(f"a trust file asks {self.cosignatures} of {len(self.witnesses)} witnesses")

    @property
    def origin(self) -> str:
        """Return the origin line of the log's checkpoints: the name of its key."""
        return self.log.name

    def render(self) -> str:
        """Return the text of trust.json."""
        fields = {
            "schema": SCHEMA,
            "origin": self.origin,
            "log": self.log.render(),
            "witnesses": [key.render() for key in self.witnesses],
            "policy": {"cosignatures": self.cosignatures},
        }
        return canonical_json(fields).decode() + "\n"


def parse_trust(data: bytes) -> Trust:
    """Return the trust of a file; bytes that `render` would not write are `NotVerified`."""
    if not data.endswith(b"\n"):
        raise NotVerified("a trust file does not end with its newline")
    fields = parse_canonical(data[:-1], "a trust file")
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        raise NotVerified(f"a trust file is not of the schema {SCHEMA}")
    trust = _trust_of(fields)
    if trust.render().encode() != data:
        raise NotVerified("a trust file has other fields than its schema")
    return trust


def _trust_of(fields: dict[str, Any]) -> Trust:
    witnesses, policy = fields.get("witnesses"), fields.get("policy")
    cosignatures = policy.get("cosignatures") if isinstance(policy, dict) else None
    if not isinstance(witnesses, list) or not isinstance(cosignatures, int):
        raise NotVerified("a trust file has no list of witnesses or no policy")
    keys = [fields.get("log"), *witnesses]
    if not all(isinstance(key, str) for key in keys):
        raise NotVerified("a trust file holds a key that is not text")
    return Trust(
        log=parse_vkey(keys[0]),
        witnesses=tuple(parse_vkey(key) for key in keys[1:]),
        cosignatures=cosignatures,
    )
