"""Publishers that cut, drip, redirect, pack, answer with pages: the right bytes arrive, or one sentence."""

import hashlib
import io
import random
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lakehouse.adapters import public_originals, resumable_download
from lakehouse.adapters.public_originals import PinnedForm, fetch_original, pinned_files
from lakehouse.errors import NotVerified, Unavailable

WALK = random.Random(7).randbytes(60_000)


class Publisher:
    """A server on this machine; `behave(handler, path, begin)` answers, `asked` are the ranges asked for."""

    def __init__(self, behave):
        publisher, self.asked = self, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
                publisher.asked.append(int(found[1]) if found else 0)
                behave(self, self.path, publisher.asked[-1])

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def publisher(monkeypatch):
    """Start publishers; one file is pinned under the name gaitpdb."""
    pinned = {"a.txt": (PinnedForm(size=len(WALK), sha256=hashlib.sha256(WALK).hexdigest()),)}
    monkeypatch.setattr(public_originals, "pinned_files", lambda name: pinned)
    started = []

    def start(behave):
        started.append(Publisher(behave))
        return started[-1]

    yield start
    for one in started:
        one.server.shutdown()
        one.server.server_close()


def answer(handler, content, *, begin=0, status=None, **headers):
    """Send `content` from `begin` on, as a publisher that understands ranges does."""
    handler.send_response(status or (206 if begin else 200))
    told = {"Content_Length": len(content) - begin, **headers}
    if begin:
        told["Content_Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
    for name, value in told.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()
    handler.wfile.write(content[begin:])


def fetched(folder, url):
    return [
        (file.state, file.path.read_bytes() == WALK)
        for file in fetch_original("gaitpdb", folder, base_url=url)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_connection_cut_at_random_places_is_gone_on_with(publisher, tmp_path, seed):
    """Each answer ends somewhere; no byte is asked for twice, and the file is right."""
    places = random.Random(seed)

    def cut(handler, _path, begin):
        end = begin + places.randrange(1, 20_000)
        answer(handler, WALK[:end], begin=begin, Content_Length=len(WALK) - begin)

    server = publisher(cut)
    assert fetched(tmp_path, server.url) == [("fetched", True)]
    assert len(server.asked) > 3
    assert server.asked == sorted(set(server.asked))


def test_a_cut_that_never_ends_is_said_and_what_came_is_kept(publisher, tmp_path):
    """The next command begins where this one stopped."""
    server = publisher(lambda handler, _path, begin: answer(handler, WALK[:999], begin=begin and 999,
                                                            Content_Length=len(WALK)))  # fmt: skip
    with pytest.raises(Unavailable, match="breaks off again and again at 999 bytes"):
        fetched(tmp_path, server.url)
    assert (tmp_path / "gaitpdb" / "a.txt.part").read_bytes() == WALK[:999]
    whole = publisher(lambda handler, _path, begin: answer(handler, WALK, begin=begin))
    assert fetched(tmp_path, whole.url) == [("resumed", True)]
    assert whole.asked == [999]


def test_a_publisher_that_knows_no_ranges_is_asked_anew(publisher, tmp_path):
    """It cuts twice and sends all from the start each time: nothing is written twice into the file."""
    left = [10_000, 30_000, len(WALK)]
    server = publisher(lambda handler, _path, _begin: answer(handler, WALK[: left.pop(0)], status=200,
                                                             Content_Length=len(WALK)))  # fmt: skip
    assert fetched(tmp_path, server.url) == [("fetched", True)]


def test_an_answer_that_begins_elsewhere_is_not_taken(publisher, tmp_path):
    (tmp_path / "gaitpdb").mkdir()
    (tmp_path / "gaitpdb" / "a.txt.part").write_bytes(WALK[:500])

    def elsewhere(handler, _path, begin):
        if begin:
            answer(handler, WALK, begin=begin - 100)
        else:
            answer(handler, WALK)

    assert fetched(tmp_path, publisher(elsewhere).url) == [("fetched", True)]


def test_a_part_longer_than_the_file_is_fetched_anew(publisher, tmp_path):
    """416: the publisher has no such range."""
    (tmp_path / "gaitpdb").mkdir()
    (tmp_path / "gaitpdb" / "a.txt.part").write_bytes(WALK + b"more")

    def ranged(handler, _path, begin):
        handler.send_error(416) if begin > len(WALK) else answer(handler, WALK, begin=begin)

    assert fetched(tmp_path, publisher(ranged).url) == [("fetched", True)]


def test_redirects_to_the_web_are_followed_with_their_range(publisher, tmp_path):
    (tmp_path / "gaitpdb").mkdir()
    (tmp_path / "gaitpdb" / "a.txt.part").write_bytes(WALK[:500])
    other = publisher(lambda handler, _path, begin: answer(handler, WALK, begin=begin))
    moved = publisher(
        lambda handler, _path, _begin: answer(handler, b"", status=302, Location=other.url + "b")
    )
    assert fetched(tmp_path, moved.url) == [("resumed", True)]
    assert other.asked == [500]


@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1/a.txt", "/a.txt"])
def test_redirects_elsewhere_or_round_and_round_are_not(publisher, tmp_path, place):
    server = publisher(lambda handler, _path, _begin: answer(handler, b"", status=302, Location=place))
    with pytest.raises(Unavailable, match="30"):
        fetched(tmp_path, server.url)


def test_a_drip_is_not_waited_for(publisher, tmp_path, monkeypatch):
    """Patience is set to nothing here: the first look finds fewer bytes a second than the least."""
    monkeypatch.setattr(resumable_download, "PATIENCE_S", 0.0)
    monkeypatch.setattr(resumable_download, "SLOWEST", 10**12)
    server = publisher(lambda handler, _path, begin: answer(handler, WALK, begin=begin))
    with pytest.raises(Unavailable, match="bytes a second"):
        fetched(tmp_path, server.url)
    assert (tmp_path / "gaitpdb" / "a.txt.part").stat().st_size > 0


def test_a_web_page_instead_of_the_file_is_called_one(publisher, tmp_path):
    """200 and a page, as behind a log-in or a maintenance notice."""
    page = b"\n<!DOCTYPE html><title>Sign in</title>" + b" " * 500
    server = publisher(lambda handler, _path, _begin: answer(handler, page, Content_Type="text/html"))
    with pytest.raises(NotVerified, match=r"a\.txt is a web page, not the file"):
        fetched(tmp_path, server.url)
    assert list((tmp_path / "gaitpdb").iterdir()) == []


def test_packed_answers_are_refused(publisher, tmp_path):
    """Ranges of packed bytes are not ranges of the file."""
    server = publisher(lambda handler, _path, _begin: answer(handler, WALK, Content_Encoding="gzip"))
    with pytest.raises(Unavailable, match="packs"):
        fetched(tmp_path, server.url)


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d + b"x", lambda d: d[:9] + b"?" + d[10:]])
def test_other_bytes_of_another_length_or_none_are_not_kept(publisher, tmp_path, change):
    server = publisher(lambda handler, _path, _begin: answer(handler, change(WALK)))
    with pytest.raises(NotVerified, match="not in a form that is pinned"):
        fetched(tmp_path, server.url)
    assert list((tmp_path / "gaitpdb").iterdir()) == []


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_an_error_of_the_publisher_is_said_and_keeps_what_came(publisher, tmp_path, status):
    (tmp_path / "gaitpdb").mkdir()
    (tmp_path / "gaitpdb" / "a.txt.part").write_bytes(WALK[:500])
    server = publisher(lambda handler, _path, _begin: handler.send_error(status))
    with pytest.raises(Unavailable, match=str(status)):
        fetched(tmp_path, server.url)
    assert (tmp_path / "gaitpdb" / "a.txt.part").read_bytes() == WALK[:500]


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_an_archive_gives_the_pinned_files_wherever_they_lie_in_it(publisher, tmp_path):
    """UCI's zip has them in folders beside others; nothing else comes out, and the archive goes."""
    archive = zipped(
        [("release/doc/README.txt", b"read"), ("../../a.txt", b"another"), ("release/data/a.txt", WALK)]
    )
    server = publisher(lambda handler, _path, begin: answer(handler, archive, begin=begin))
    assert fetched(tmp_path, server.url + "all.zip") == [("fetched", True)]
    assert [path.name for path in (tmp_path / "gaitpdb").iterdir()] == ["a.txt"]
    assert fetched(tmp_path, server.url + "all.zip") == [("present", True)]
    assert len(server.asked) == 1


ARCHIVES = [
    zipped([("a.txt", WALK + b"x")]),
    zipped([("b.txt", WALK)]),
    zipped([("a.txt", WALK)])[:-30],
    zipped([("a.txt", b"0" * 50_000_000)]),
    zipped([(f"{n}.txt", b"") for n in range(1001)]),
    b"<html>no archive</html>",
    b"",
]


@pytest.mark.parametrize("number", range(len(ARCHIVES)))
def test_an_archive_without_them_is_refused_and_not_kept(publisher, tmp_path, number):
    """Other bytes, missing, cut off, a bomb, too many members, a page, nothing."""
    server = publisher(lambda handler, _path, _begin: answer(handler, ARCHIVES[number]))
    with pytest.raises(NotVerified):
        fetched(tmp_path, server.url + "all.zip")
    assert list((tmp_path / "gaitpdb").iterdir()) == []


def test_the_real_walks_are_fetched_and_land_as_a_source(shared_data, tmp_path, monkeypatch):
    """A publisher that serves two of the mirrored walks; what was fetched is a source as it lies there."""
    from lakehouse.readers.archives import read_members
    from lakehouse.readers.source_folders import find_batches
    from lakehouse.sites import read_contracts

    wanted = {"GaCo01_01.txt", "GaPt03_01.txt"}
    members = read_members(shared_data / "gaitpdb" / "walks.tar.xz")
    walks = {own: data for name, data in members if (own := name.rpartition("/")[2]) in wanted}
    walks["demographics.txt"] = (shared_data / "gaitpdb" / "demographics.txt").read_bytes()
    pinned = {name: forms for name, forms in pinned_files("gaitpdb").items() if name in walks}
    monkeypatch.setattr(public_originals, "pinned_files", lambda name: pinned)
    server = Publisher(
        lambda handler, path, begin: answer(handler, walks[path.rpartition("/")[2]], begin=begin)
    )
    try:
        assert len(list(fetch_original("gaitpdb", tmp_path, base_url=server.url + "files"))) == 3
    finally:
        server.server.shutdown()
        server.server.server_close()
    (tmp_path / "gaitpdb" / "SHA256SUMS.txt").write_text("0  x\n")
    plan = find_batches(tmp_path, read_contracts(Path(__file__).parents[2] / "expectations"))
    assert {name: len(files) for name, files in plan.batches.items()} == {"gait_people": 1, "gait_walks": 2}
    assert plan.skipped == ("gaitpdb/SHA256SUMS.txt",)
