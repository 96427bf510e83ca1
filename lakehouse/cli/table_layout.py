"""How wide the columns of a table on a terminal are: words stay whole, so that a name can be copied."""

from collections.abc import Sequence

GAP = 2


def fit_columns(cells: Sequence[Sequence[str]], available: int, *, whole: Sequence[int]) -> list[int] | None:
    """Return the width of each column in characters, or None where even single words do not fit beside.

    cells: all rows, the heading among them. available: width of the terminal. whole: columns that are
    never wrapped. The widest column gives way first, and never below its longest word.
    """
    columns = list(zip(*cells, strict=True))
    widths = [max(_line_width(cell) for cell in column) for column in columns]
    least = [
        width if index in whole else max(_word_width(cell) for cell in column)
        for index, (column, width) in enumerate(zip(columns, widths, strict=True))
    ]
    room = available - GAP * len(columns)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda index: (widths[index] > least[index], widths[index]))
        widths[widest] -= 1
    return widths


def _line_width(cell: str) -> int:
    return max((len(line) for line in cell.splitlines()), default=0)


def _word_width(cell: str) -> int:
    return max((len(word) for word in cell.split()), default=0)
