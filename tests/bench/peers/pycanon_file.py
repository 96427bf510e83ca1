"""`python pycanon_file.py CSV QUASI SENSITIVE`, run by an environment that has pycanon: k, l, t of a table.

QUASI: column names joined by commas. A sensitive column of numbers is measured as ordered.
"""

import json
import sys

import pandas as pd
from pycanon import anonymity


def main() -> None:
    """Print k, l and t as JSON."""
    quasi, sensitive = sys.argv[2].split(","), sys.argv[3].split(",")
    rows = pd.read_csv(sys.argv[1], dtype=dict.fromkeys(quasi, str))
    told = {
        "k": int(anonymity.k_anonymity(rows, quasi)),
        "l": int(anonymity.l_diversity(rows, quasi, sensitive)),
        "t": float(anonymity.t_closeness(rows, quasi, sensitive)),
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
