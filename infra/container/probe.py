"""Ask `/livinglab/health` of the API server as an account of its own; 0 where the platform can work.

`probe.py [URL]`; the password comes from the accounts' secret file. What it answers goes to stdout.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = "engineer"
SECONDS = 20


def main() -> int:
    """Sign in, ask, print the answer; 1 where the platform cannot work or does not answer."""
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
    accounts = Path(os.environ.get("LIVINGLAB_SECRETS", "/run/secrets"), "airflow_accounts")
    try:
        password = json.loads(accounts.read_text(encoding="utf-8"))[ACCOUNT]
        token = ask(f"{address}/auth/token", {"username": ACCOUNT, "password": password})["access_token"]
        answer = ask(f"{address}/livinglab/health", token=token)
        works = answer["ok"] is True
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stdout.write(f"no answer: {type(error).__name__}\n")
        return 1
    sys.stdout.write(f"{json.dumps(answer)}\n")
    return 0 if works else 1


def ask(url: str, body: dict[str, str] | None = None, token: str | None = None) -> dict[str, object]:
    """Return the JSON that an address answers, 503 included: it says what is missing."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return json.load(error)


if __name__ == "__main__":
    sys.exit(main())
