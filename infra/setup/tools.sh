#!/usr/bin/env bash
# Put uv into .tools, from a hash-locked file, with whichever Python 3.11 or 3.12 there is.
set -euo pipefail
source "$(dirname "$0")/python.sh"
python=$(find_python)
rm -rf .tools
"$python" -m venv .tools || { echo "$python cannot make a virtual environment: sudo apt-get install python3-venv" >&2; exit 3; }
.tools/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r infra/setup/uv.txt
