"""Holds the secret key: quantises, encrypts, decrypts. Speaks JSON to the platform.

stdin:  {"socket": descriptor, "client": path of client.zip, "model": path of model.json,
         "keys": folder of this model's keys, "features": {name: number}}
stdout: {"score", "quantised_score", "agreement", "milliseconds", "ciphertext_bytes"}

Only evaluation keys and ciphertext are written to the socket. `milliseconds` is one encryption,
one run by the server and one decryption, after a warm-up: the first run after key generation is
about three times slower.
"""

import json
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
from concrete import fhe
from program import answer_job
from wire import ChannelError, receive_frame, send_frame

from lakehouse.core.linear_model import LinearModel


def open_client(client_zip: str, keys: Path) -> fhe.Client:
    """Return a client whose secret key lies in `keys`; the key is made on first use."""
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    client = fhe.Client.load(client_zip, keys)
    client.keygen()
    return client


def ask_server(channel: socket.socket, client: fhe.Client, quantised: tuple[int, ...]) -> tuple[int, int]:
    """Return the decrypted integer and the ciphertext's size in bytes."""
    ciphertext = client.encrypt(np.array([quantised], dtype=np.int64)).serialize()
    send_frame(channel, ciphertext)
    answer = receive_frame(channel)
    if answer is None:
        raise ChannelError("the server ended without an answer")
    decrypted = client.decrypt(fhe.Value.deserialize(answer))
    return int(np.asarray(decrypted).reshape(-1)[0]), len(ciphertext)


def predict(channel: socket.socket, client: fhe.Client, model: LinearModel, features: dict) -> dict[str, Any]:
    """Return the encrypted score beside the integer arithmetic that it must equal."""
    send_frame(channel, client.evaluation_keys.serialize())
    quantisation = model.quantisation
    quantised = quantisation.quantise(model.standardise(features))
    ask_server(channel, client, (0,) * len(quantised))
    started = time.perf_counter()
    output, size = ask_server(channel, client, quantised)
    milliseconds = 1000.0 * (time.perf_counter() - started)
    expected = quantisation.output(quantised)
    return {
        "score": quantisation.probability(output),
        "quantised_score": quantisation.probability(expected),
        "agreement": output == expected,
        "milliseconds": round(milliseconds, 3),
        "ciphertext_bytes": size,
    }


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Predict once."""
    model = LinearModel.from_document(json.loads(Path(job["model"]).read_bytes()))
    with socket.socket(fileno=job["socket"]) as channel:
        client = open_client(job["client"], Path(job["keys"]))
        return predict(channel, client, model, job["features"])


if __name__ == "__main__":
    answer_job(answer, longest_life=300)
