#!/usr/bin/env bash
# environment.sh FOLDER LOCK WHAT: make a virtual environment that holds exactly what the lock names.
set -euo pipefail
folder=$1 lock=$2 what=$3
source "$(dirname "$0")/python.sh"
python=$(find_python)
free=$(df -Pk . | awk 'NR==2{print int($4/1048576)}')
if [ "$free" -lt 8 ]; then
  echo "there are $free GB free here and $what needs up to 8 while it is set up: free some space, then run make again" >&2
  exit 3
fi
echo "setting up $what ..." >&2
(begun=$SECONDS; while sleep 30 >/dev/null 2>&1; do echo "  fetching and installing, $((SECONDS - begun)) s" >&2; done) &
trap "kill $! 2>/dev/null" EXIT
rm -rf "$folder"
.tools/bin/uv venv -q --python "$python" "$folder"
.tools/bin/uv pip sync -q --python "$folder/bin/python" --require-hashes "$lock"
