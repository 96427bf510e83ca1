"""`python anonypyx_file.py CSV K L T`, run by an environment that has anonypyx: Mondrian on the same rows.

Its loss is counted as ours: the share of the column's domain that a label covers, 0 for one value, mean
over rows and columns. Its t is the largest difference of one value's share, a weaker demand than ours.
"""

import json
import sys
import time

import anonypyx
import pandas as pd

SENSITIVE = "occupation"
AGES = (17, 90)


def main() -> None:
    """Print seconds, loss and classes as JSON; reading the file is not timed."""
    rows = pd.read_csv(sys.argv[1])
    quasi = [name for name in rows.columns if name != SENSITIVE]
    texts = [name for name in rows.columns if name != "age"]
    rows[texts] = rows[texts].astype("category")
    begun = time.perf_counter()
    made = anonypyx.Anonymiser(
        rows,
        k=int(sys.argv[2]),
        l=int(sys.argv[3]),
        t=float(sys.argv[4]),
        feature_columns=quasi,
        sensitive_column=SENSITIVE,
        algorithm="Mondrian",
        generalisation_strategy="human-readable",
    ).anonymise()
    seconds = time.perf_counter() - begun
    table = pd.DataFrame(made)
    sizes = {name: rows[name].nunique() for name in quasi}
    lost = [
        sum(_covered(name, str(row[name]), sizes) for name in quasi) / len(quasi) * row["count"]
        for row in table.to_dict("records")
    ]
    sys.stdout.write(json.dumps({"seconds": seconds, "loss": sum(lost) / len(rows), "rows": len(table)}))


def _covered(name: str, label: str, sizes: dict[str, int]) -> float:
    if name == "age":
        low, _, high = label.partition("-")
        return (int(high) - int(low)) / (AGES[1] - AGES[0]) if high else 0.0
    values = label.count(",") + 1
    return values / sizes[name] if values > 1 else 0.0


if __name__ == "__main__":
    main()
