"""Replace codes by the words that mean them: `map = { "1" = "male", "2" = "female" }`.

A code that the map does not hold is refused (`out_of_range`), or becomes `otherwise` where given.
`2` and `2.0` are the same code; upper and lower case are not.
"""

from collections.abc import Mapping

import pyarrow as pa

from lakehouse.core.contract import Column
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return the words; values: text or numbers (n)."""
    del context
    given = Parameters(column)
    words: Mapping[str, object] = given.mapping("map")
    otherwise = given.get("otherwise")
    recoded: list[object] = []
    rejected: dict[int, str] = {}
    for row, value in enumerate(values.to_pylist()):
        code = _code_of(value)
        word = None if code is None else words.get(code, otherwise)
        recoded.append(None if word is None else str(word))
        if code is not None and word is None:
            rejected[row] = "out_of_range"
    return Applied(values=pa.array(recoded, pa.string()), rejected=rejected)


def _code_of(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
