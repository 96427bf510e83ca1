"""Parts of a time stamp token that are other than they should be, all of them signed by the authority."""

from typing import Any

import sample_documents  # noqa: F401  makes the samples of other folders importable
from forged_tokens import (
    CONTENT_TYPE,
    NULL,
    RSA_PSS,
    RSA_SHA512,
    SHA1,
    SHA1_CERTIFICATE,
    SHA256,
    SHA512,
    SIGNED_DATA,
    SIGNING_TIME,
    TST_INFO,
    UNKNOWN,
    attribute,
    integer,
    octets,
    sequence,
    set_of,
)
from local_authority import NOW

from lakehouse.core.der import encode_element


def box(content: bytes) -> bytes:
    """Return a value under the context tag 0."""
    return encode_element(0xA0, content)


SECOND = NOW.strftime("%Y%m%d%H%M%S").encode()
"""A time at which the authority's certificate holds."""

TOKEN_VARIANTS: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "a fraction of a second": {"time": SECOND + b".25Z"},
    "a fraction that ends in 0": {"time": SECOND + b".50Z"},
    "a 13th month": {"time": SECOND[:4] + b"13" + SECOND[6:] + b"Z"},
    "a second 60": {"time": SECOND[:-2] + b"60Z"},
    "a time without Z": {"time": SECOND},
    "before the certificate": {"time": b"20001122100000Z"},
    "accuracy, order, nonce, name": {
        "info_tail": sequence(integer("01")) + b"\x01\x01\xff" + integer("09") + box(sequence(NULL))
    },
    "fields in another order": {"info_tail": integer("09") + b"\x01\x01\xff"},
    "an extension": {"info_tail": encode_element(0xA1, sequence(NULL))},
    "an empty field": {"info_tail": b"\x30\x00"},
    "version 2 of the content": {"info_version": "02"},
    "version 1 of the data": {"version": "01"},
    "version 3 of the signer": {"signer_version": "03"},
    "a hash without NULL": {"imprint_algorithm": sequence(SHA256)},
    "SHA-1 of the text": {"imprint_algorithm": sequence(SHA1, NULL), "digest": bytes(20)},
    "SHA-512 over 32 bytes": {"imprint_algorithm": sequence(SHA512, NULL)},
    "another text": {"digest": bytes(32)},
    "two digest algorithms": {"digest_algorithms": set_of(sequence(SHA256), sequence(SHA512))},
    "another digest algorithm": {"digest_algorithms": set_of(sequence(SHA512, NULL))},
    "the signer's algorithm spelled otherwise": {"signer_digest": sequence(SHA256)},
    "other content": {"content_type": SIGNED_DATA},
    "other identity": {"identity": sequence(sequence(UNKNOWN), integer("01"))},
    "another certificate named": {"certificate_hash": bytes(32)},
    "RSA-PSS": {"algorithm": sequence(RSA_PSS, NULL)},
    "a hash of the signature that differs": {"algorithm": sequence(RSA_SHA512, NULL)},
    "an unsigned attribute": {"unsigned": encode_element(0xA1, attribute(UNKNOWN, NULL))},
    "no signer": {"signers": 0},
    "two signers": {"signers": 2},
    "a tail": {"tail": b"\x00"},
    "a certificate that is none": {"certificates": box(sequence(NULL))},
    "no attributes": {"attributes": []},
    "only a content type": {"attributes": [attribute(CONTENT_TYPE, TST_INFO)]},
    "a time of signing": {
        "extra_attributes": (attribute(SIGNING_TIME, encode_element(0x17, SECOND[2:] + b"Z")),)
    },
    "an unknown attribute": {"extra_attributes": (attribute(UNKNOWN, NULL),)},
    "an attribute with two values": {"extra_attributes": (attribute(SIGNING_TIME, NULL, NULL),)},
    "an attribute twice": {"extra_attributes": (attribute(CONTENT_TYPE, TST_INFO),)},
    "a SHA-1 certificate that differs": {
        "extra_attributes": (attribute(SHA1_CERTIFICATE, sequence(sequence(sequence(octets(bytes(20)))))),)
    },
}
