"""A witness over HTTP, on Starlette and uvicorn; bodies, time and connections are bounded."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from lakehouse.adapters.witness import Witness, WitnessAnswer
from lakehouse.core.witness_protocol import LARGEST_REQUEST
from lakehouse.errors import Unavailable, WrongUse

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

BODY_SECONDS = 10.0
MOST_CONNECTIONS = 2048
ADD, HEAD, EVIDENCE = "/add-checkpoint", "/checkpoint", "/misbehaviour"


def witness_app(witness: Witness) -> "Starlette":
    """Return the application of one witness: submission and monitoring under one prefix."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.routing import Route

    async def add_checkpoint(request: "Request") -> "Response":
        body = await _bounded_body(request)
        if isinstance(body, WitnessAnswer):
            return _response(body)
        return _response(await run_in_threadpool(witness.add_checkpoint, body))

    def show_head(request: "Request") -> "Response":
        size = request.query_params.get("size")
        if size is not None and not (size.isascii() and size.isdecimal() and len(size) < 19):
            return _response(WitnessAnswer(status=400, body="the size is not a number\n"))
        origin = request.query_params.get("origin", "")
        return _response(witness.head_of(origin, None if size is None else int(size)))

    def show_evidence(request: "Request") -> "Response":
        return _response(witness.evidence_against(request.query_params.get("origin", "")))

    return Starlette(
        routes=[
            Route(ADD, add_checkpoint, methods=["POST"]),
            Route(HEAD, show_head),
            Route(EVIDENCE, show_evidence),
            Route("/", lambda _request: _introduction(witness)),
        ]
    )


def serve_witness(witness: Witness, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve until interrupted; `started` is told the address once the port is ours.

    Raises Unavailable where another program has the port.
    """
    import uvicorn

    from lakehouse.adapters.timed_connections import TimedConnection

    listening = listen(host, port)
    settings = uvicorn.Config(
        witness_app(witness),
        http=TimedConnection,
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        backlog=MOST_CONNECTIONS,
        lifespan="off",
    )
    address, number = listening.getsockname()[:2]
    started(f"http://{f'[{address}]' if ':' in address else address}:{number}")
    uvicorn.Server(settings).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; 0 takes any free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(MOST_CONNECTIONS)
    except (OSError, OverflowError) as error:
        listening.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise Unavailable(
                f"port {port} of {host} is in use by another program", remedy="choose another with --listen"
            ) from error
        raise WrongUse(
            f"this machine cannot listen on {host}:{port}", remedy="for example --listen 127.0.0.1:8100"
        ) from error
    return listening


async def _bounded_body(request: "Request") -> bytes | WitnessAnswer:
    """Return the body, or the refusal of one that is too large or comes too slowly."""
    from starlette.requests import ClientDisconnect

    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_REQUEST:
                    return WitnessAnswer(status=413, body=f"at most {LARGEST_REQUEST} bytes\n")
    except (TimeoutError, ClientDisconnect):
        return WitnessAnswer(status=408, body=f"the request took longer than {BODY_SECONDS:.0f} s\n")
    return bytes(body)


def _introduction(witness: Witness) -> "Response":
    from starlette.responses import JSONResponse

    logs = [{"origin": key.name, "key": key.render()} for key in witness.state.logs()]
    keys = [key.render() for key in witness.keys.vkeys]
    return JSONResponse({"witness": witness.keys.name, "keys": keys, "logs": logs})


def _response(answer: WitnessAnswer) -> "Response":
    from starlette.responses import Response

    # `Response` appends a charset to text types; C2SP fixes this header's bytes.
    response = Response(answer.body.encode(), status_code=answer.status)
    response.headers["content-type"] = answer.content_type
    return response
