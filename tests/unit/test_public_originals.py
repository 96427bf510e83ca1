"""Fetching a public original from a server of our own, whole, broken off and forged."""

import hashlib
import re
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lakehouse.adapters import public_originals
from lakehouse.adapters.public_originals import PinnedForm, fetch_original, pinned_files
from lakehouse.errors import NotVerified, Unavailable, WrongUse

FILES = {"a.txt": b"walk " * 2000, "b.txt": b"another walk"}


class Publisher(BaseHTTPRequestHandler):
    """Serves FILES; understands Range if told to."""

    def __init__(self, *args, files, ranges, asked):
        self.files, self.ranges, self.asked = files, ranges, asked
        super().__init__(*args)

    def do_GET(self):
        self.asked.append((self.path, self.headers.get("Range")))
        data = self.files.get(self.path.removeprefix("/data/"))
        if data is None:
            self.send_error(404)
            return
        begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if begin and self.ranges:
            self.send_response(206 if int(begin[1]) < len(data) else 416)
            data = data[int(begin[1]) :]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def publisher(monkeypatch):
    """Start servers; pin FILES under the name gaitpdb."""
    forms = {
        name: (PinnedForm(size=len(data), sha256=hashlib.sha256(data).hexdigest()),)
        for name, data in FILES.items()
    }
    monkeypatch.setattr(public_originals, "pinned_files", lambda name: forms)
    started = []

    def start(files=FILES, ranges=True):
        asked = []
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(Publisher, files=files, ranges=ranges, asked=asked)
        )
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/data/", asked

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def states(folder, url):
    return [file.state for file in fetch_original("gaitpdb", folder, base_url=url)]


def test_everything_is_fetched_once(publisher, tmp_path):
    url, asked = publisher()
    assert states(tmp_path, url) == ["fetched", "fetched"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "gaitpdb").iterdir()} == FILES
    assert states(tmp_path, url) == ["present", "present"]
    assert len(asked) == 2


@pytest.mark.parametrize(("ranges", "state"), [(True, "resumed"), (False, "fetched")])
def test_what_broke_off_goes_on_where_the_server_can(publisher, tmp_path, ranges, state):
    url, asked = publisher(ranges=ranges)
    (tmp_path / "gaitpdb").mkdir()
    (tmp_path / "gaitpdb" / "a.txt.part").write_bytes(FILES["a.txt"][:777])
    assert states(tmp_path, url) == [state, "fetched"]
    assert asked[0] == ("/data/a.txt", "bytes=777-")
    assert (tmp_path / "gaitpdb" / "a.txt").read_bytes() == FILES["a.txt"]


def test_a_part_of_something_else_is_fetched_afresh(publisher, tmp_path):
    url, _ = publisher()
    (tmp_path / "gaitpdb").mkdir()
    (tmp_path / "gaitpdb" / "a.txt.part").write_bytes(b"something else")
    assert states(tmp_path, url) == ["fetched", "fetched"]


def test_a_part_that_is_already_whole_is_taken(publisher, tmp_path):
    url, _ = publisher()
    (tmp_path / "gaitpdb").mkdir()
    (tmp_path / "gaitpdb" / "a.txt.part").write_bytes(FILES["a.txt"])
    states(tmp_path, url)
    assert (tmp_path / "gaitpdb" / "a.txt").read_bytes() == FILES["a.txt"]


def test_a_changed_file_is_refused_and_not_kept(publisher, tmp_path):
    url, _ = publisher(files={**FILES, "a.txt": FILES["a.txt"][:-1] + b"X"})
    with pytest.raises(NotVerified, match="not in a form that is pinned"):
        states(tmp_path, url)
    assert list((tmp_path / "gaitpdb").iterdir()) == []


def test_a_file_that_was_changed_here_is_fetched_again(publisher, tmp_path):
    url, _ = publisher()
    states(tmp_path, url)
    (tmp_path / "gaitpdb" / "b.txt").write_bytes(b"changed")
    assert states(tmp_path, url) == ["present", "fetched"]


def test_endless_data_is_cut_off(publisher, tmp_path, monkeypatch):
    monkeypatch.setattr(public_originals, "LARGEST_FILE", 100)
    url, _ = publisher()
    with pytest.raises(NotVerified, match="more than any pinned file"):
        states(tmp_path, url)


def test_a_missing_file_and_a_dead_publisher_are_unavailable(publisher, tmp_path):
    url, _ = publisher(files={})
    with pytest.raises(Unavailable, match="404"):
        states(tmp_path, url)
    with pytest.raises(Unavailable, match="cannot be fetched"):
        states(tmp_path, "http://127.0.0.1:9/")


@pytest.mark.parametrize("url", ["file:///etc/", "ftp://example.org/", "gaitpdb"])
def test_only_http_is_spoken(tmp_path, url):
    with pytest.raises(WrongUse, match="http"):
        list(fetch_original("gaitpdb", tmp_path, base_url=url))


def test_an_unknown_name_lists_those_there_are(tmp_path):
    with pytest.raises(WrongUse) as caught:
        list(fetch_original("mimic", tmp_path))
    assert "gaitpdb" in caught.value.remedy


def test_every_walk_is_pinned_as_published_and_as_mirrored(shared_data):
    """The folder's own manifest holds the mirrored form (LF line ends)."""
    pinned = pinned_files("gaitpdb")
    walks = [name for name in pinned if "_" in name]
    assert len(walks) == 242 and all(len(pinned[name]) == 2 for name in walks)
    for line in (shared_data / "gaitpdb" / "MANIFEST.tsv").read_text().splitlines()[1:]:
        name, size, sha256 = line.split("\t")[:3]
        assert PinnedForm(size=int(size), sha256=sha256) in pinned[name.removeprefix("walks.tar.xz!")]
