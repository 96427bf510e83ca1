"""A witness over HTTP gives each answer of C2SP tlog-witness, and remembers before it gives it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from witness_processes import WitnessProcess, start_witness
from witnessed_logs import ORIGIN, SIGNER, STRANGER, SampleLog

from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.adapters.witness import LONGEST_HEAD
from lakehouse.core.checkpoint import encode_base64, parse_note, parse_vkey
from lakehouse.core.cosignature import verify_cosignature
from lakehouse.core.witness_protocol import LARGEST_REQUEST, AddCheckpoint

LOG = SampleLog.of(40)
CLIENT = httpx.Client(timeout=60.0, limits=httpx.Limits(max_keepalive_connections=0))
"""A connection a request: a witness that was killed and started again is met anew."""


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessProcess]:
    """One witness that has cosigned the first 7 leaves."""
    running = start_witness(tmp_path_factory.mktemp("witness"), "w1.example", SIGNER.vkey)
    try:
        assert add(running, LOG.request(0, 7)).status_code == 200
        yield running
    finally:
        running.kill()


def add(witness: WitnessProcess, body: bytes) -> httpx.Response:
    return CLIENT.post(f"{witness.url}/add-checkpoint", content=body)


def stored_size(witness: WitnessProcess) -> int:
    with witness.state.reading() as turn:
        stored = turn.head(ORIGIN)
    return stored.size if stored else 0


def test_a_head_that_continues_the_last_is_cosigned_with_both_keys(witness: WitnessProcess) -> None:
    answer = add(witness, LOG.request(stored_size(witness), 9))
    assert answer.status_code == 200
    note = LOG.head(9)
    cosigned = parse_note(note.render() + answer.text)
    for vkey in witness.vkeys:
        assert verify_cosignature(cosigned, parse_vkey(vkey), verify_signature) > 0
    assert len(cosigned.signatures) == 3


def test_the_same_head_again_is_cosigned_again(witness: WitnessProcess) -> None:
    size = stored_size(witness)
    assert add(witness, LOG.request(size, size)).status_code == 200


def test_a_head_with_a_book_in_it_is_not_kept(witness: WitnessProcess) -> None:
    """A log could fill the disk of its witness: thousands of heads are kept."""
    size = stored_size(witness)
    text = LOG.head(30).text + f"{'x' * LONGEST_HEAD}\n"
    body = AddCheckpoint(old=size, path=LOG.path(size, 30), note=SIGNER.sign_note(text)).render().encode()
    assert (add(witness, body).status_code, stored_size(witness)) == (400, size)


def test_an_unknown_log_is_404_and_a_wrong_key_403(witness: WitnessProcess) -> None:
    size = stored_size(witness)
    unknown = replace(LOG, signer=Signer("another.example/log", b"\x05" * 32))
    note = unknown.signer.sign_note(LOG.head(20).text.replace(ORIGIN, "another.example/log"))
    body = AddCheckpoint(old=size, path=LOG.path(size, 20), note=note).render().encode()
    assert add(witness, body).status_code == 404
    assert add(witness, replace(LOG, signer=STRANGER).request(size, 20)).status_code == 403
    assert stored_size(witness) == size


def test_signatures_of_others_on_the_note_are_not_looked_at(witness: WitnessProcess) -> None:
    size = stored_size(witness)
    note = LOG.head(size)
    other = Signer("somebody.example/else", b"\x06" * 32).sign_note("another text\n").signatures
    body = AddCheckpoint(old=size, path=(), note=replace(note, signatures=(*other, *note.signatures)))
    assert add(witness, body.render().encode()).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"old 7\n\n",
        b"old 07\n\n" + LOG.head(8).render().encode(),
        b"old -1\n\n" + LOG.head(8).render().encode(),
        b"old 7\nnot base64\n\n" + LOG.head(8).render().encode(),
        b"old 7\n" + b"AAAA\n" * 3 + b"\n" + LOG.head(8).render().encode(),
        b"old 7\n" + encode_base64(bytes(32)).encode() + b"\n" * 65,
        b"old 7\n" + (encode_base64(bytes(32)) + "\n").encode() * 64 + b"\n" + LOG.head(8).render().encode(),
        b"old 7\n\nlivinglab.local/watched\n8\n\n",
        LOG.request(30, 20),
    ],
    ids=range(11),
)
def test_what_is_malformed_or_shrinks_is_400(witness: WitnessProcess, body: bytes) -> None:
    size = stored_size(witness)
    assert (add(witness, body).status_code, stored_size(witness)) == (400, size)


def test_another_old_size_is_409_with_the_size_it_has(witness: WitnessProcess) -> None:
    size = stored_size(witness)
    for old in (0, size - 1, size + 1):
        answer = add(witness, LOG.request(old, 20))
        assert (answer.status_code, answer.text) == (409, f"{size}\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"


def test_another_root_at_its_size_is_409_and_a_path_that_leads_elsewhere_422(witness: WitnessProcess) -> None:
    size = stored_size(witness)
    fork = SampleLog.of(40, shared=3)
    answer = add(witness, fork.request(size, size))
    assert (answer.status_code, answer.text) == (409, f"{size}\n")
    assert add(witness, fork.request(size, 20)).status_code == 422
    longer = AddCheckpoint(old=size, path=(*LOG.path(size, 20), bytes(32)), note=LOG.head(20))
    assert add(witness, longer.render().encode()).status_code == 422
    assert stored_size(witness) == size


def test_a_body_larger_than_any_request_is_refused_unread(witness: WitnessProcess) -> None:
    assert add(witness, b"x" * (LARGEST_REQUEST + 1)).status_code == 413


def test_monitors_read_its_newest_head_and_earlier_ones(witness: WitnessProcess) -> None:
    size = stored_size(witness)
    shown = CLIENT.get(f"{witness.url}/checkpoint", params={"origin": ORIGIN})
    assert parse_note(shown.text).text == LOG.head(size).text
    assert verify_cosignature(parse_note(shown.text), parse_vkey(witness.vkeys[0]), verify_signature) > 0
    early = CLIENT.get(f"{witness.url}/checkpoint", params={"origin": ORIGIN, "size": "7"})
    assert parse_note(early.text).text == LOG.head(7).text
    for params, status in (
        ({"origin": "x"}, 404),
        ({"origin": ORIGIN, "size": "8"}, 404),
        ({"size": "-"}, 400),
    ):
        assert CLIENT.get(f"{witness.url}/checkpoint", params=params).status_code == status


def test_it_says_who_it_is(witness: WitnessProcess) -> None:
    said = CLIENT.get(witness.url).json()
    assert said["witness"] == "w1.example"
    assert said["keys"] == witness.vkeys
    assert said["logs"] == [{"origin": ORIGIN, "key": SIGNER.vkey}]


def test_other_methods_and_places_are_refused(witness: WitnessProcess) -> None:
    assert CLIENT.get(f"{witness.url}/add-checkpoint").status_code == 405
    assert CLIENT.post(f"{witness.url}/checkpoint").status_code == 405
    assert CLIENT.get(f"{witness.url}/keys/ed25519.key").status_code == 404


def test_a_head_is_on_disk_before_its_cosignature_is_sent(tmp_path: Path) -> None:
    """Killed as soon as the answer is here, three times over: the head it cosigned is there."""
    running = start_witness(tmp_path, "w1.example", SIGNER.vkey)
    try:
        for size in (1, 5, 30):
            with CLIENT.stream(
                "POST", f"{running.url}/add-checkpoint", content=LOG.request(stored_size(running), size)
            ) as answer:
                running.kill()
                assert answer.status_code == 200
            assert stored_size(running) == size
            running.restart()
    finally:
        running.kill()
