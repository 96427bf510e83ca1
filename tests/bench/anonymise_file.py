"""`python -m tests.bench.anonymise_file IN OUT RECODING`: from Parquet to Parquet, with time and peak.

The process does nothing else, so its peak memory is that of reading, searching and writing.
"""

import json
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from lakehouse.adapters.box_search import Boxes
from lakehouse.adapters.group_search import Grouping
from lakehouse.adapters.people_codes import encode_people
from lakehouse.adapters.release_people import recode_people
from lakehouse.core.groups import GroupTargets
from lakehouse.core.release_rules import Recoding
from tests.bench.census_rows import HIERARCHIES, SENSITIVE

TARGETS = GroupTargets(k=10, l=2, t=Fraction(1, 2), suppression=Fraction(1, 20))


def anonymise_file(
    source: Path, target: Path, recoding: Recoding, targets: GroupTargets = TARGETS
) -> Grouping | Boxes:
    """Write the rows of `source` that stay, generalised with little loss, to `target`."""
    texts = [name for name in HIERARCHIES if name != "age"]
    rows = pq.read_table(source, read_dictionary=[*texts, SENSITIVE.name])
    coded = encode_people(rows, list(HIERARCHIES.items()), [SENSITIVE])
    found = recode_people(coded.people, targets, recoding)
    if found is None:
        raise RuntimeError("nothing reaches the targets: the generated rows are too few")
    classes = coded.classes(found)
    pq.write_table(classes.generalised(rows, np.flatnonzero(classes.place >= 0), list(HIERARCHIES)), target)
    return found


def main() -> None:
    """Print seconds, peak memory (MiB), loss and rows left out as JSON."""
    source, target = (Path(name) for name in sys.argv[1:3])
    recoding = Recoding(sys.argv[3])
    begun = time.perf_counter()
    found = anonymise_file(source, target, recoding)
    told = {
        "seconds": time.perf_counter() - begun,
        "peak_mib": _peak_mib(),
        "loss": float(found.loss),
        "suppressed": found.suppressed,
    }
    sys.stdout.write(json.dumps(told))


def _peak_mib() -> int:
    """Return the largest resident size of this process, as the kernel keeps it since the process began."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


if __name__ == "__main__":
    main()
