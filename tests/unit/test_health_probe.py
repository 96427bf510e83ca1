"""The probe of a container signs in, asks for the platform's health, and tells nobody its password."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "a-word-that-must-not-be-said"


@contextmanager
def server_that_answers(code: int, health: object) -> Iterator[str]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.reply(201 if said["password"] == PASSWORD else 401, {"access_token": "T"})

        def do_GET(self) -> None:
            known = self.path == "/livinglab/health" and self.headers["Authorization"] == "Bearer T"
            self.reply(code if known else 401, health)

        def reply(self, code: int, body: object) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def probe(url: str, secrets: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(PROJECT / "infra" / "container" / "probe.py"), url],
        env={"LIVINGLAB_SECRETS": str(secrets), "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "airflow_accounts").write_text(json.dumps({"engineer": PASSWORD}))
    return tmp_path


@pytest.mark.parametrize(
    ("code", "health", "exit_code"),
    [
        (200, {"ok": True, "reasons": []}, 0),
        (503, {"ok": False, "reasons": ["Java was not found"]}, 1),
        (500, {"ok": True}, 1),
        (200, {"detail": "no health"}, 1),
        (200, ["ok"], 1),
    ],
)
def test_only_a_platform_that_can_work_is_healthy(
    secrets: Path, code: int, health: object, exit_code: int
) -> None:
    with server_that_answers(code, health) as url:
        done = probe(url, secrets)
    assert (done.returncode, done.stderr) == (exit_code, "")
    assert PASSWORD not in done.stdout


def test_a_wrong_password_or_no_server_is_not_healthy(secrets: Path) -> None:
    with server_that_answers(200, {"ok": True}) as url:
        assert probe(url, secrets).returncode == 0
        (secrets / "airflow_accounts").write_text(json.dumps({"engineer": "wrong"}))
        assert probe(url, secrets).returncode == 1
    assert probe(url, secrets).stdout == "no answer: URLError\n"


def test_a_part_that_is_not_there_is_named() -> None:
    done = subprocess.run(
        [str(PROJECT / "infra" / "container" / "start"), "gateway"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "there is no part gateway\n")
