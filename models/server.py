"""Computes on ciphertext; never holds a secret key, a feature or a score.

    server.py SOCKET_DESCRIPTOR SERVER_ZIP

The socket is one end of a Unix socket pair that the platform made; the client holds the other.
First frame: evaluation keys. Every further frame: a ciphertext, answered by the encrypted result.
The process ends when the client closes its end. The zip was checked against its signed manifest
before this process was started (PROTOCOLS section 8).
"""

import signal
import socket
import sys

from concrete import fhe
from wire import receive_frame, send_frame

LONGEST_LIFE = 300
"""Seconds after which the system ends the process, whatever became of the platform."""


def serve(channel: socket.socket, circuit: fhe.Server) -> int:
    """Answer ciphertexts until the channel closes; return how many."""
    keys = receive_frame(channel)
    if keys is None:
        return 0
    evaluation_keys = fhe.EvaluationKeys.deserialize(keys)
    answered = 0
    while (ciphertext := receive_frame(channel)) is not None:
        result = circuit.run(fhe.Value.deserialize(ciphertext), evaluation_keys=evaluation_keys)
        send_frame(channel, result.serialize())
        answered += 1
    return answered


def main() -> None:
    """Serve one client."""
    signal.alarm(LONGEST_LIFE)
    descriptor, server_zip = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as channel:
        serve(channel, fhe.Server.load(server_zip))


if __name__ == "__main__":
    main()
