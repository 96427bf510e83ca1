"""Write rows.json anew (`python tests/vectors/write_row_vectors.py`), by the reference, not the platform."""

import hashlib
import json
from pathlib import Path

from reference_rows import canonical_rows, content_leaf

KEY = bytes(range(32))
CASES = {
    "no rows": {"a": ["i", []]},
    "integers": {"a": ["i", [0, 1, -1, 9007199254740991]]},
    "numbers": {"a": ["f", [0.0, "-0.0", 1.5, "nan", "inf", "-inf"]]},
    "nulls": {"a": ["i", [None, 1]], "b": ["f", [None, 2.5]], "c": ["s", [None, ""]], "d": ["b", [1, None]]},
    "texts": {"t": ["s", ["GaPt", "", "GaPt", "é", "\U0001f9b6"]]},
    "bytes": {"x": ["x", ["00ff", "", "00ff"]]},
    "days and moments": {"d": ["d", [0, -1, 20000]], "t": ["t", [0, 1, -1]]},
    "columns are by name": {"b": ["i", [1]], "a": ["i", [2]]},
}


def read(letter: str, values: list[object]) -> list[object]:
    if letter == "x":
        return [None if value is None else bytes.fromhex(str(value)) for value in values]
    return [float(value) if letter == "f" and value is not None else value for value in values]  # type: ignore[arg-type]


def main() -> None:
    vectors = []
    for name, columns in CASES.items():
        rows = canonical_rows({n: (letter, read(letter, values)) for n, (letter, values) in columns.items()})
        vectors.append(
            {
                "name": name,
                "columns": columns,
                "sha256": hashlib.sha256(rows).hexdigest(),
                "leaf": content_leaf(KEY, "silver.x", "intent", "p", rows),
            }
        )
    about = "canonical rows livinglab/rows/v1; leaf: table silver.x, intent `intent`, pseudonym `p`"
    text = json.dumps({"about": about, "key": KEY.hex(), "vectors": vectors}, indent=1, ensure_ascii=True)
    Path(__file__).with_name("rows.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
