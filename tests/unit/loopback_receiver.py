"""A receiver of JSON documents on loopback, for whatever sends them."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

Received = list[tuple[Mapping[str, str], Any]]


@contextmanager
def receiving(answer: Callable[[Any], int]) -> Iterator[tuple[str, Received]]:
    """Run it while the block runs; yields its address and the (headers, document) that came.

    answer: the status that a document is answered with.
    """
    came: Received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["content-length"])))
            came.append((dict(self.headers), document))
            self.send_response(answer(document))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/receiver", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
