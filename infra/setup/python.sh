# shellcheck shell=bash
# find_python: print the first Python 3.11 or 3.12 that runs.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "Python 3.11 or 3.12 was not found: sudo apt-get install python3.11 python3.11-venv" >&2
  return 3
}
