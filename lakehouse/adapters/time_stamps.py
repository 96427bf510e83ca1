"""Check RFC 3161 time stamps offline, with nothing but the authority's certificate from the trust file."""

import hashlib
import hmac
from datetime import datetime
from typing import TypeGuard

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lakehouse.core.time_stamp import ECDSA, RSA, StampToken, certificate_identity, parse_time_stamp
from lakehouse.core.trust import Authority
from lakehouse.errors import NotVerified

SMALLEST_RSA_KEY = 2048
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def check_stamp(authority: Authority, token: bytes, message_digest: bytes) -> datetime:
    """Return the time (UTC, to the second) at which the authority saw the digest; else `NotVerified`.

    token: DER of a TimeStampToken; message_digest: SHA-256 of what was stamped (or SHA-384, SHA-512,
    told by its length). That the certificate still holds today is not asked: it held at that time.
    """
    stamp = parse_time_stamp(token)
    # (1) the bytes in question are those that were stamped
    stamp.require_imprint(message_digest)
    # (2) the signer is the authority of the trust file, whatever certificate the token carries
    _check_identity(stamp, authority.certificate)
    certificate = load_authority(authority.certificate)
    # (3) it was certified to make time stamps, at that time
    _check_validity(stamp, certificate)
    # (4) it signed
    if not _is_genuine(stamp, certificate):
        raise NotVerified(f"the signature of the time stamp of {authority.name} is not genuine")
    return datetime.fromisoformat(stamp.time)


_UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises for a certificate that it can parse only in part, or not at all."""


def load_authority(certificate: bytes) -> x509.Certificate:
    """Return an authority's certificate (DER), which is for time stamps alone (RFC 3161, 2.3)."""
    try:
        loaded = x509.load_der_x509_certificate(certificate)
        usage = loaded.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        loaded.public_key()
    except _UNREADABLE as error:
        raise NotVerified("an authority's certificate cannot be read or has no extended key usage") from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise NotVerified("an authority's certificate is not for time stamps alone, marked critical")
    return loaded


def _check_identity(stamp: StampToken, certificate: bytes) -> None:
    if (stamp.issuer, stamp.serial) != certificate_identity(certificate):
        raise NotVerified("a time stamp is signed by another authority than that of the trust file")
    if stamp.certificate not in (None, certificate):
        raise NotVerified("a time stamp carries another certificate than that of the trust file")
    for name, digest in stamp.certificate_hashes:
        if not hmac.compare_digest(hashlib.new(name, certificate).digest(), digest):
            raise NotVerified("a time stamp names another certificate than that of the trust file")


def _check_validity(stamp: StampToken, certificate: x509.Certificate) -> None:
    moment = datetime.fromisoformat(stamp.time)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise NotVerified(f"the authority's certificate was not valid at {stamp.time}")


def _is_genuine(stamp: StampToken, certificate: x509.Certificate) -> bool:
    key, algorithm = certificate.public_key(), _HASHES[stamp.hash_name]
    try:
        if stamp.scheme == RSA and isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA_KEY:
            key.verify(stamp.signature, stamp.signed, padding.PKCS1v15(), algorithm)
        elif stamp.scheme == ECDSA and _is_known_curve(key):
            key.verify(stamp.signature, stamp.signed, ec.ECDSA(algorithm))
        else:
            raise NotVerified("a time stamp is signed with a key that is not accepted here")
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _is_known_curve(key: object) -> TypeGuard[ec.EllipticCurvePublicKey]:
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1))
