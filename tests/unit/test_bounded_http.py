"""A partner who answers too slowly, too much or never holds nobody up: the whole of it has an end."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from lakehouse.adapters import bounded_http
from lakehouse.adapters.bounded_http import exchange
from lakehouse.adapters.request_deadline import RequestDeadline
from lakehouse.errors import Unavailable

Partner = Callable[[socket.socket, Event], None]


@contextmanager
def partner(answer: Partner) -> Iterator[str]:
    """Serve one connection and yield the address; the event says that the test is over."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            link, _ = listening.accept()
            with link:
                try:
                    link.recv(4096)
                    answer(link, over)
                except OSError:
                    return

        served = Thread(target=serve)
        served.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            over.set()
            served.join()


def repeating(first: bytes, then: bytes) -> Partner:
    """Return a partner who says something again and again, well within the wait for one step."""

    def answer(link: socket.socket, over: Event) -> None:
        link.sendall(first)
        while not over.wait(0.02):
            link.sendall(then)

    return answer


SLOW = {
    "headers that drip": repeating(b"HTTP/1.1 200 OK\r\n", b"x"),
    "interim answers": repeating(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a body that drips": repeating(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n", b"x"),
    "a body without an end": repeating(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_an_answer_that_never_ends_is_given_up(answer: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "ANSWER_SECONDS", 0.3)
    with partner(answer) as url, pytest.raises(Unavailable, match="the partner does not answer"):
        exchange("POST", url, largest=1 << 20, who="the partner", content=b"{}")


def test_without_the_deadline_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant: headers drip for longer than the deadline, and the answer is taken."""

    def answer(link: socket.socket, over: Event) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(20):
            over.wait(0.02)
            link.sendall(b"x")
        link.sendall(b"\r\ncontent-length: 2\r\n\r\nok")

    monkeypatch.setattr(bounded_http, "ANSWER_SECONDS", 0.1)
    with partner(answer) as url, pytest.raises(Unavailable):
        exchange("GET", url, largest=100, who="the partner")
    monkeypatch.setattr(RequestDeadline, "cut", lambda _self: None)
    with partner(answer) as url:
        assert exchange("GET", url, largest=100, who="the partner").body == b"ok"


def test_a_redirect_is_an_answer_and_too_much_is_none() -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"
    with partner(lambda link, _: link.sendall(moved)) as url:
        assert exchange("GET", url, largest=100, who="the partner").status == 302
    much = b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n" + b"x" * 101
    with partner(lambda link, _: link.sendall(much)) as url, pytest.raises(Unavailable):
        exchange("GET", url, largest=100, who="the partner")
