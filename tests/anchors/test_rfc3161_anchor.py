"""Asking an authority: what its answer must be, and what is said when it is not."""

import threading

import pytest
from anchored_homes import make_head
from local_authority import REPLY, LocalAuthority, make_authority, needs_openssl, served_by
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from lakehouse.adapters.log_settings import LogSettings
from lakehouse.anchors import rfc3161
from lakehouse.errors import NotVerified, Unavailable

pytestmark = needs_openssl
HEAD = make_head(7)


def ask(authority: LocalAuthority):
    return rfc3161.anchor(LogSettings(authorities=(authority.settings,)), authority.name, HEAD)


def another_request(data: bytes = HEAD.note.text.encode()) -> bytes:
    builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    return builder.cert_request(cert_request=False).build().as_bytes()


def test_an_authority_stamps_a_head(served: LocalAuthority) -> None:
    given = ask(served)

    assert (given.place, served.asked) == (served.name, 1)
    assert given.time is not None
    assert len(given.token) < 600


def test_an_answer_to_another_request_is_refused(served: LocalAuthority) -> None:
    served.spoil = lambda request: (200, REPLY, served.reply(another_request()))
    with pytest.raises(NotVerified, match="nonce"):
        ask(served)


def test_an_answer_about_other_bytes_is_refused(served: LocalAuthority) -> None:
    served.spoil = lambda request: (200, REPLY, served.reply(another_request(b"other")))
    with pytest.raises(NotVerified, match="other bytes"):
        ask(served)


def test_a_request_that_is_not_granted_is_told_with_its_status(tmp_path) -> None:
    """openssl rejects (2) a hash that its configuration does not have."""
    strict = make_authority(tmp_path / "strict", "p256", digests="sha512")
    reply = strict.reply(another_request())
    strict.spoil = lambda request: (200, REPLY, reply)
    with served_by(strict), pytest.raises(NotVerified, match="status 2"):
        ask(strict)


def test_an_authority_with_another_key_is_refused(served: LocalAuthority, tmp_path) -> None:
    other = make_authority(tmp_path / "other", "p256")
    served.spoil = lambda request: (200, REPLY, other.reply(request))
    with pytest.raises(NotVerified, match="another authority"):
        ask(served)


def test_a_root_that_did_not_certify_the_authority_is_refused(served: LocalAuthority, tmp_path) -> None:
    served.root = make_authority(tmp_path / "other", "p256").root
    with pytest.raises(NotVerified, match="rfc3161-client"):
        ask(served)


ANSWERS = {
    "an error": (500, REPLY, b""),
    "a page": (200, "text/html", b"<p>Welcome"),
    "a redirection": (302, REPLY, b""),
    "more than fits": (200, REPLY, b"\x30" * (rfc3161.LARGEST_ANSWER + 1)),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_something_else_than_a_time_stamp_is_unavailable(served: LocalAuthority, answer) -> None:
    served.spoil = lambda request: answer
    with pytest.raises(Unavailable, match=served.name):
        ask(served)


@pytest.mark.parametrize("body", [b"", b"\x30\x00", b"\xff" * 900, b"\x30\x80" * 400])
def test_garbage_is_refused(served: LocalAuthority, body: bytes) -> None:
    served.spoil = lambda request: (200, REPLY, body)
    with pytest.raises(NotVerified, match=served.name):
        ask(served)


def test_an_authority_that_is_down_is_named(served: LocalAuthority) -> None:
    served.url = "http://127.0.0.1:9/stamp"
    with pytest.raises(Unavailable, match=served.name):
        ask(served)


def test_an_authority_that_falls_silent_is_given_up(
    served: LocalAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rfc3161, "SILENCE_SECONDS", 0.2)
    silent = threading.Event()
    served.spoil = lambda request: (silent.wait(60), (200, REPLY, b""))[1]
    with pytest.raises(Unavailable, match="does not answer"):
        ask(served)
    silent.set()


def test_an_answer_that_drips_is_given_up(served: LocalAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time; the whole does not."""
    monkeypatch.setattr(rfc3161, "ANSWER_SECONDS", 0.2)
    served.drips = True
    with pytest.raises(Unavailable, match="no whole answer"):
        ask(served)
