"""The few shapes of RFC 3161 time stamp tokens that a proof may carry, read strictly.

https://www.rfc-editor.org/rfc/rfc3161, https://www.rfc-editor.org/rfc/rfc5652 (SignedData),
https://www.rfc-editor.org/rfc/rfc5035 (signing certificate), X.690 (DER). Every byte of a token is either
signed, fixed, or compared with the authority's certificate; whatever else could stand there is refused.
Signatures and certificates themselves are checked by `adapters.time_stamps`. Refusals are `NotVerified`.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.core.canonical import is_timestamp
from lakehouse.core.der import DerElement, encode_element, read_element, read_elements, require_shape
from lakehouse.errors import NotVerified

LARGEST_TOKEN = 8192
RSA, ECDSA = "rsa", "ecdsa"

_SEQUENCE, _SET, _INTEGER, _OID, _OCTETS, _TIME = 0x30, 0x31, 0x02, 0x06, 0x04, 0x18
_EXPLICIT_0 = 0xA0
_TST_OPTIONAL = bytes([_SEQUENCE, 0x01, _INTEGER, _EXPLICIT_0])
"""Tags of accuracy, ordering, nonce and tsa, in their order."""

_GRANTED = b"\x00"
_NULL = b"\x05\x00"
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_SIGNING_TIME = bytes.fromhex("06092a864886f70d010905")
_ALGORITHM_PROTECTION = bytes.fromhex("06092a864886f70d010934")
_SIGNING_CERTIFICATE = bytes.fromhex("060b2a864886f70d010910020c")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
_ATTRIBUTES = frozenset(
    {
        _CONTENT_TYPE,
        _MESSAGE_DIGEST,
        _SIGNING_TIME,
        _ALGORITHM_PROTECTION,
        _SIGNING_CERTIFICATE,
        _SIGNING_CERTIFICATE_V2,
    }
)
_GENERALIZED_TIME = re.compile(
    rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]*[1-9])?Z"
)


def _digest_algorithms() -> dict[bytes, str]:
    """Return the hash of each AlgorithmIdentifier that may name one, its NULL written or left out."""
    last = {"sha256": "01", "sha384": "02", "sha512": "03"}
    named = {bytes.fromhex(f"06096086480165030402{end}"): name for name, end in last.items()}
    return {
        encode_element(_SEQUENCE, oid + tail): name for oid, name in named.items() for tail in (b"", _NULL)
    }


def _signature_algorithms() -> dict[bytes, tuple[str, str | None]]:
    """Return scheme and hash of each signature AlgorithmIdentifier; plain RSA takes the signer's hash."""
    rsa = {"01": None, "0b": "sha256", "0c": "sha384", "0d": "sha512"}
    ecdsa = {"02": "sha256", "03": "sha384", "04": "sha512"}
    known: dict[bytes, tuple[str, str | None]] = {
        encode_element(_SEQUENCE, bytes.fromhex(f"06092a864886f70d0101{end}") + _NULL): (RSA, name)
        for end, name in rsa.items()
    }
    for end, name in ecdsa.items():
        known[encode_element(_SEQUENCE, bytes.fromhex(f"06082a8648ce3d0403{end}"))] = (ECDSA, name)
    return known


_DIGESTS = _digest_algorithms()
_SIGNATURES = _signature_algorithms()


@dataclass(frozen=True, slots=True, kw_only=True)
class StampToken:
    """What a token says, and what is needed to check its signature.

    time: RFC 3339 UTC to the second (a fraction is cut off); imprint: hash of what was stamped;
    issuer, serial: DER of the signer's identifier; certificate: DER of the one carried, if any;
    certificate_hashes: (hash name, digest) of the signer's certificate as the signer signed it;
    scheme: `rsa` (PKCS#1 v1.5) or `ecdsa`; hash_name: of the signature; signed: the signed bytes.
    """

    time: str
    imprint: bytes
    nonce: int | None
    issuer: bytes
    serial: bytes
    certificate: bytes | None
    certificate_hashes: tuple[tuple[str, bytes], ...]
    scheme: str
    hash_name: str
    signed: bytes
    signature: bytes

    def require_imprint(self, message_digest: bytes) -> None:
        """Raise `NotVerified` unless this digest was stamped, by the hash that has its length."""
        if not hmac.compare_digest(self.imprint, message_digest):
            raise NotVerified("the time stamp is of other bytes than these")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    """The one SignerInfo of a token."""

    issuer: bytes
    serial: bytes
    digest: DerElement
    attributes: DerElement
    scheme: str
    signature: bytes


def parse_time_stamp(token: bytes) -> StampToken:
    """Return what the DER bytes of a TimeStampToken say; nothing is verified but its own digests."""
    if len(token) > LARGEST_TOKEN:
        raise NotVerified(f"a time stamp has more than {LARGEST_TOKEN} bytes")
    digest, content, certificate, signer = _read_signed_data(token)
    hash_name = _digest_name(signer.digest)
    if digest.whole != signer.digest.whole:
        raise NotVerified("a time stamp names two hash algorithms")
    hashes = _read_attributes(signer.attributes, hashlib.new(hash_name, content).digest())
    time, imprint, nonce = _read_info(content)
    return StampToken(
        time=time,
        imprint=imprint,
        nonce=nonce,
        issuer=signer.issuer,
        serial=signer.serial,
        certificate=certificate,
        certificate_hashes=hashes,
        scheme=signer.scheme,
        hash_name=hash_name,
        signed=bytes([_SET]) + signer.attributes.whole[1:],
        signature=signer.signature,
    )


def parse_answer(answer: bytes) -> bytes:
    """Return the token of an authority's granted answer (RFC 3161, section 2.4.2: TimeStampResp)."""
    what = "the answer of a time-stamping authority"
    fields = read_elements(read_element(answer, _SEQUENCE, what).content, what)
    require_shape(fields[:1], [_SEQUENCE], what)
    status = read_elements(fields[0].content, what)[:1]
    require_shape(status, [_INTEGER], what)
    if status[0].content != _GRANTED:
        raise NotVerified(f"the request was not granted (status {int.from_bytes(status[0].content, 'big')})")
    require_shape(fields, [_SEQUENCE, _SEQUENCE], what)
    return fields[1].whole


def certificate_identity(certificate: bytes) -> tuple[bytes, bytes]:
    """Return issuer and serial number of an X.509 certificate as its own DER has them (RFC 5280, 4.1)."""
    outer = read_elements(read_element(certificate, _SEQUENCE, "a certificate").content, "a certificate")
    if not outer or outer[0].tag != _SEQUENCE:
        raise NotVerified("a certificate has no content")
    fields = read_elements(outer[0].content, "a certificate")
    if fields and fields[0].tag == _EXPLICIT_0:
        fields = fields[1:]
    require_shape(fields[:3], [_INTEGER, _SEQUENCE, _SEQUENCE], "a certificate")
    return fields[2].whole, fields[0].whole


def _read_signed_data(token: bytes) -> tuple[DerElement, bytes, bytes | None, _Signer]:
    """Return digest algorithm, signed content, certificate and signer (RFC 5652, section 5.1)."""
    what = "a time stamp"
    outer = read_elements(read_element(token, _SEQUENCE, what).content, what)
    require_shape(outer, [_OID, _EXPLICIT_0], what)
    if outer[0].whole != _SIGNED_DATA:
        raise NotVerified("a time stamp is not signed data")
    fields = read_elements(read_element(outer[1].content, _SEQUENCE, what).content, what)
    certificate = None
    if len(fields) == 5:
        certificate = fields.pop(3)
        require_shape([certificate], [_EXPLICIT_0], "the certificate of a time stamp")
    require_shape(fields, [_INTEGER, _SET, _SEQUENCE, _SET], what)
    version, digests, encapsulated, signers = fields
    if version.content != b"\x03":
        raise NotVerified("a time stamp is not signed data of version 3")
    inner = read_elements(encapsulated.content, what)
    require_shape(inner, [_OID, _EXPLICIT_0], what)
    if inner[0].whole != _TST_INFO:
        raise NotVerified("a time stamp signs something else than time stamp information")
    return (
        read_element(digests.content, _SEQUENCE, "the hash algorithm of a time stamp"),
        read_element(inner[1].content, _OCTETS, "the content of a time stamp").content,
        None if certificate is None else certificate.content,
        _read_signer(read_element(signers.content, _SEQUENCE, "the signer of a time stamp")),
    )


def _read_signer(element: DerElement) -> _Signer:
    """Return the SignerInfo (RFC 5652, section 5.3): by issuer and serial, no unsigned attribute."""
    what = "the signer of a time stamp"
    fields = read_elements(element.content, what)
    require_shape(fields, [_INTEGER, _SEQUENCE, _SEQUENCE, _EXPLICIT_0, _SEQUENCE, _OCTETS], what)
    version, identifier, digest, attributes, algorithm, signature = fields
    named = read_elements(identifier.content, what)
    require_shape(named, [_SEQUENCE, _INTEGER], what)
    scheme, hash_name = _SIGNATURES.get(algorithm.whole, (None, None))
    if version.content != b"\x01" or scheme is None:
        raise NotVerified("a time stamp is signed in a way that is not accepted here")
    if hash_name not in (None, _digest_name(digest)):
        raise NotVerified("a time stamp names two hash algorithms")
    return _Signer(
        issuer=named[0].whole,
        serial=named[1].whole,
        digest=digest,
        attributes=attributes,
        scheme=scheme,
        signature=signature.content,
    )


def _read_attributes(attributes: DerElement, content_digest: bytes) -> tuple[tuple[str, bytes], ...]:
    """Check the signed attributes (RFC 5652, 5.4; RFC 5816) and return the certificate hashes they name."""
    what = "a signed attribute of a time stamp"
    values: dict[bytes, DerElement] = {}
    for attribute in read_elements(attributes.content, what):
        require_shape([attribute], [_SEQUENCE], what)
        parts = read_elements(attribute.content, what)
        require_shape(parts, [_OID, _SET], what)
        if parts[0].whole not in _ATTRIBUTES or parts[0].whole in values:
            raise NotVerified("a time stamp has a signed attribute that is unknown or stands there twice")
        values[parts[0].whole] = read_element(parts[1].content, None, what)
    content_type, digest = values.get(_CONTENT_TYPE), values.get(_MESSAGE_DIGEST)
    if content_type is None or content_type.whole != _TST_INFO:
        raise NotVerified("the signed content type of a time stamp is another")
    if digest is None or digest.whole != encode_element(_OCTETS, content_digest):
        raise NotVerified("the signed digest of a time stamp is not that of its content")
    hashes = [
        _certificate_hash(values[kind], default)
        for kind, default in ((_SIGNING_CERTIFICATE, "sha1"), (_SIGNING_CERTIFICATE_V2, "sha256"))
        if kind in values
    ]
    if not hashes:
        raise NotVerified("a time stamp does not name its signing certificate")
    return tuple(hashes)


def _certificate_hash(value: DerElement, default: str) -> tuple[str, bytes]:
    """Return hash name and digest of the first ESSCertID or ESSCertIDv2, the signer's own (RFC 5035)."""
    what = "the signing certificate of a time stamp"
    require_shape([value], [_SEQUENCE], what)
    listed = read_elements(value.content, what)[:1]
    require_shape(listed, [_SEQUENCE], what)
    first = read_elements(listed[0].content, what)[:1]
    require_shape(first, [_SEQUENCE], what)
    fields = read_elements(first[0].content, what)
    if default == "sha256" and fields and fields[0].tag == _SEQUENCE:
        default, fields = _digest_name(fields[0]), fields[1:]
    require_shape(fields[:1], [_OCTETS], what)
    return default, fields[0].content


def _read_info(content: bytes) -> tuple[str, bytes, int | None]:
    """Return time, imprint and nonce of a TSTInfo (RFC 3161, 2.4.2); the imprint has its hash's length."""
    what = "time stamp information"
    fields = read_elements(read_element(content, _SEQUENCE, what).content, what)
    require_shape(fields[:5], [_INTEGER, _OID, _SEQUENCE, _INTEGER, _TIME], what)
    version, _, stamped, _, time = fields[:5]
    if version.content != b"\x01":
        raise NotVerified("time stamp information is not of version 1")
    nonce = _read_optional(fields[5:])
    parts = read_elements(stamped.content, what)
    require_shape(parts, [_SEQUENCE, _OCTETS], what)
    if len(parts[1].content) != hashlib.new(_digest_name(parts[0])).digest_size:
        raise NotVerified("the digest in a time stamp has another length than its algorithm gives")
    return _read_time(time.content), parts[1].content, nonce


def _read_optional(fields: Sequence[DerElement]) -> int | None:
    """Return the nonce among the optional fields, which stand in their order and once each."""
    places = [_TST_OPTIONAL.find(field.tag) for field in fields]
    if -1 in places or places != sorted(set(places)) or not all(field.content for field in fields):
        raise NotVerified("time stamp information has fields that are not accepted here")
    nonces = [field.content for field in fields if field.tag == _INTEGER]
    return int.from_bytes(nonces[0], "big", signed=True) if nonces else None


def _read_time(content: bytes) -> str:
    match = _GENERALIZED_TIME.fullmatch(content)
    text = "{}-{}-{}T{}:{}:{}Z".format(*(part.decode() for part in match.groups()[:6])) if match else ""
    if not is_timestamp(text):
        raise NotVerified("the time of a time stamp is not a real moment in UTC")
    return text


def _digest_name(algorithm: DerElement) -> str:
    name = _DIGESTS.get(algorithm.whole)
    if name is None:
        raise NotVerified("a time stamp uses another hash than SHA-256, SHA-384 or SHA-512")
    return name
