"""Time stamps by an authority over HTTP (https://www.rfc-editor.org/rfc/rfc3161, section 3.4).

`rfc3161-client` makes the request and verifies the answer up to the authority's root; our own check of
`adapters.time_stamps` must agree before a token is kept, because that is what an outsider will run.
"""

import hashlib
from typing import TYPE_CHECKING

from lakehouse.adapters.log_settings import AuthoritySettings, LogSettings
from lakehouse.adapters.request_deadline import request_deadline
from lakehouse.adapters.time_stamps import check_stamp
from lakehouse.core.anchor import Anchored, SignedHead
from lakehouse.core.canonical import timestamp
from lakehouse.core.time_stamp import parse_answer, parse_time_stamp
from lakehouse.core.trust import Authority
from lakehouse.errors import NotVerified, Unavailable

if TYPE_CHECKING:
    import httpx
    from rfc3161_client import TimeStampRequest

QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"
SILENCE_SECONDS = 10.0
"""Longest wait for a connection or for the next bytes."""

ANSWER_SECONDS = 30.0
"""Longest wait for a whole answer, however slowly its bytes drip."""

LARGEST_ANSWER = 16_384


def places(settings: LogSettings) -> tuple[str, ...]:
    """Return the names of `[[log.authorities]]`."""
    return tuple(authority.name for authority in settings.authorities)


def anchor(settings: LogSettings, place: str, head: SignedHead) -> Anchored:
    """Return the authority's token over the SHA-256 of the head's text, verified."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    authority = next(each for each in settings.authorities if each.name == place)
    message = head.note.text.encode()
    request = (
        TimestampRequestBuilder()
        .data(message)
        .hash_algorithm(HashAlgorithm.SHA256)
        .nonce(nonce=True)
        .cert_request(cert_request=False)
        .build()
    )
    answer = _ask(authority, request.as_bytes())
    try:
        return _check_answer(authority, request, answer, message)
    except NotVerified as error:
        raise NotVerified(
            f"the answer of the authority {place} is refused: {error.message}",
            remedy="check its certificate in the site file, or ask another authority",
        ) from error


def _check_answer(
    authority: AuthoritySettings, request: "TimeStampRequest", answer: bytes, message: bytes
) -> Anchored:
    token = parse_answer(answer)
    named = Authority(name=authority.name, certificate=authority.certificate)
    moment = check_stamp(named, token, hashlib.sha256(message).digest())
    if parse_time_stamp(token).nonce != request.nonce:
        raise NotVerified("it is the answer to another request (nonce)")
    _check_chain(authority, request, answer, message)
    return Anchored(place=authority.name, time=timestamp(moment), token=token)


def _check_chain(
    authority: AuthoritySettings, request: "TimeStampRequest", answer: bytes, message: bytes
) -> None:
    """Let `rfc3161-client` verify the answer up to the root certificate that the site file gives."""
    from cryptography import x509
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    own, *issuers = (
        x509.load_der_x509_certificate(der) for der in (authority.certificate, *authority.issuers)
    )
    builder = VerifierBuilder.from_request(request).tsa_certificate(own)
    for certificate in (own, *issuers):
        if certificate.issuer == certificate.subject:
            builder = builder.add_root_certificate(certificate)
        elif certificate is not own:
            builder = builder.add_intermediate_certificate(certificate)
    try:
        builder.build().verify_message(decode_timestamp_response(answer), message)
    except (VerificationError, ValueError) as error:
        raise NotVerified("rfc3161-client does not accept it") from error


def _ask(authority: AuthoritySettings, body: bytes) -> bytes:
    import httpx

    headers = {"Content-Type": QUERY_TYPE, "Accept": REPLY_TYPE}
    with request_deadline(ANSWER_SECONDS) as deadline:
        try:
            with (
                httpx.Client(timeout=SILENCE_SECONDS) as client,
                client.stream(
                    "POST",
                    authority.url,
                    content=body,
                    headers=headers,
                    extensions={"trace": deadline.trace},
                ) as response,
            ):
                answer = _read_answer(authority, response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if not deadline.is_over:
                raise Unavailable(
                    f"the time-stamping authority {authority.name} does not answer at {authority.url}",
                    remedy="try again later: livinglab log anchor rfc3161",
                ) from error
    if deadline.is_over:
        raise _useless(authority, f"no whole answer in {ANSWER_SECONDS:.0f} s")
    return answer


def _read_answer(authority: AuthoritySettings, response: "httpx.Response") -> bytes:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if response.status_code != 200 or kind != REPLY_TYPE:
        raise _useless(authority, f"status {response.status_code}, not a time stamp")
    answer = b""
    for piece in response.iter_raw():
        answer += piece
        if len(answer) > LARGEST_ANSWER:
            raise _useless(authority, f"more than {LARGEST_ANSWER} bytes")
    return answer


def _useless(authority: AuthoritySettings, what: str) -> Unavailable:
    return Unavailable(
        f"the time-stamping authority {authority.name} answers with something else: {what}",
        remedy="check its url in the site file, or try again later",
    )
