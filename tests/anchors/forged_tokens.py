"""Time stamp tokens made by hand, so that each of their parts can be another than it should be."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from local_authority import NOW, LocalAuthority, der
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from lakehouse.core.der import encode_element
from lakehouse.core.time_stamp import certificate_identity

NULL = b"\x05\x00"
SHA256 = bytes.fromhex("0609608648016503040201")
SHA512 = bytes.fromhex("0609608648016503040203")
SHA1 = bytes.fromhex("06052b0e03021a")
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
RSA_PLAIN = bytes.fromhex("06092a864886f70d010101")
RSA_SHA512 = bytes.fromhex("06092a864886f70d01010d")
RSA_PSS = bytes.fromhex("06092a864886f70d01010a")
ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
SIGNING_TIME = bytes.fromhex("06092a864886f70d010905")
SHA1_CERTIFICATE = bytes.fromhex("060b2a864886f70d010910020c")
CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
UNKNOWN = bytes.fromhex("06032a0304")


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of encoded parts."""
    return encode_element(0x30, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """Return a SET of encoded parts, in the given order."""
    return encode_element(0x31, b"".join(parts))


def integer(content: str) -> bytes:
    """Return an INTEGER with this content (hex)."""
    return encode_element(0x02, bytes.fromhex(content))


def octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return encode_element(0x04, content)


def attribute(kind: bytes, *values: bytes) -> bytes:
    """Return a signed attribute."""
    return sequence(kind, set_of(*values))


@dataclass(kw_only=True)
class Forgery:
    """The parts of a token; as they stand, a good token over `digest` at `time`."""

    authority: LocalAuthority
    digest: bytes
    time: bytes = NOW.strftime("%Y%m%d%H%M%SZ").encode()
    info_version: str = "01"
    imprint_algorithm: bytes = sequence(SHA256, NULL)
    info_tail: bytes = b""
    attributes: list[bytes] | None = None
    extra_attributes: tuple[bytes, ...] = ()
    version: str = "03"
    digest_algorithms: bytes = set_of(sequence(SHA256, NULL))
    content_type: bytes = TST_INFO
    certificates: bytes = b""
    signer_version: str = "01"
    signer_digest: bytes = sequence(SHA256, NULL)
    identity: bytes | None = None
    certificate_hash: bytes | None = None
    algorithm: bytes | None = None
    unsigned: bytes = b""
    signers: int = 1
    tail: bytes = b""

    def info(self) -> bytes:
        """Return the TSTInfo."""
        return sequence(
            integer(self.info_version),
            UNKNOWN,
            sequence(self.imprint_algorithm, octets(self.digest)),
            integer("07"),
            encode_element(0x18, self.time),
            self.info_tail,
        )

    def signed(self) -> list[bytes]:
        """Return the signed attributes, in DER order."""
        found = self.certificate_hash or hashlib.sha256(der(self.authority.certificate)).digest()
        made = [
            attribute(CONTENT_TYPE, TST_INFO),
            attribute(MESSAGE_DIGEST, octets(hashlib.sha256(self.info()).digest())),
            attribute(CERTIFICATE_V2, sequence(sequence(sequence(octets(found))))),
            *self.extra_attributes,
        ]
        return sorted(made) if self.attributes is None else self.attributes

    def token(self) -> bytes:
        """Return the DER of the token, signed with the authority's key."""
        attributes = b"".join(self.signed())
        key = self.authority.key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            signature = key.sign(set_of(attributes), ec.ECDSA(hashes.SHA256()))
            algorithm = self.algorithm or sequence(ECDSA_SHA256)
        else:
            signature = key.sign(set_of(attributes), padding.PKCS1v15(), hashes.SHA256())
            algorithm = self.algorithm or sequence(RSA_PLAIN, NULL)
        issuer, serial = certificate_identity(der(self.authority.certificate))
        signer = sequence(
            integer(self.signer_version),
            self.identity or sequence(issuer, serial),
            self.signer_digest,
            encode_element(0xA0, attributes),
            algorithm,
            octets(signature),
            self.unsigned,
        )
        content = sequence(self.content_type, encode_element(0xA0, octets(self.info())))
        signed = sequence(
            integer(self.version),
            self.digest_algorithms,
            content,
            self.certificates,
            set_of(*([signer] * self.signers)),
        )
        return sequence(SIGNED_DATA, encode_element(0xA0, signed)) + self.tail


def as_answer(token: bytes) -> bytes:
    """Return the granted answer that carries a token."""
    return sequence(sequence(integer("00")), token)


def library_accepts(token: bytes, authority: LocalAuthority, digest: bytes) -> bool:
    """Say what `rfc3161-client` says of a token, with the authority's certificate and its root."""
    builder = VerifierBuilder().tsa_certificate(authority.certificate).add_root_certificate(authority.root)
    try:
        answer = decode_timestamp_response(as_answer(token))
        return builder.build().verify(answer, digest)
    except (VerificationError, ValueError):
        return False
