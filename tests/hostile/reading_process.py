"""Reads files in a process of its own and prints what that cost: `python reading_process.py LIST`.

LIST is a JSON list of [data set, path or folder]; one JSON object a file comes back.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.readers import read_files


def peak_megabytes() -> int:
    """The most memory that this program has held; `ru_maxrss` would begin with that of its parent."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def main(listed: str) -> None:
    """Read each in turn; the highest memory so far is told after each."""
    contracts = load_contracts(Path(__file__).resolve().parents[2] / "expectations")
    for dataset, path in json.loads(listed):
        started = time.monotonic()
        counts = Counter[str]()
        reasons = Counter[str]()
        for found in read_files([Path(path)], contracts.by_table[f"bronze.{dataset}"]):
            counts["files"] += 1
            for part in found.parts():
                counts += Counter(received=part.received, rows=len(part.rows))
                reasons.update(row.reason for row in part.rejected)
        cost = {
            "seconds": round(time.monotonic() - started, 2),
            "megabytes": peak_megabytes(),
        }
        sys.stdout.write(json.dumps({**counts, "reasons": dict(reasons), **cost}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
