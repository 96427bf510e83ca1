"""What two releases of one product tell together (PROTOCOLS section 4).

Whoever holds both subtracts cells: the people in one and not in the other, or in a cell of each,
are then a group of their own. Each such group must be empty or have at least k people.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

Cells = Mapping[str, AbstractSet[str]]


def smallest_difference(earlier: Cells, later: Cells, k: int) -> int | None:
    """Return the size of the smallest group of fewer than k people that both releases single out.

    None: there is no such group. Cells are sets of people by their released labels.
    """
    return min((size for size in _joint_sizes(earlier, later) if 0 < size < k), default=None)


def _joint_sizes(earlier: Cells, later: Cells) -> Iterator[int]:
    yield from _left_over(earlier, later)
    yield from _left_over(later, earlier)
    shared = _shared_people(earlier, later)
    for old_label, new_label in {*shared, *((label, label) for label in earlier.keys() & later.keys())}:
        both = shared[old_label, new_label]
        yield from (both, len(earlier[old_label]) - both, len(later[new_label]) - both)


def _shared_people(earlier: Cells, later: Cells) -> Counter[tuple[str, str]]:
    """Return how many people each cell of one shares with each of the other, where there are any."""
    labels: defaultdict[str, list[str]] = defaultdict(list)
    for new_label, people in later.items():
        for person in people:
            labels[person].append(new_label)
    return Counter(
        (old_label, new_label)
        for old_label, people in earlier.items()
        for person in people
        for new_label in labels.get(person, ())
    )


def _left_over(cells: Cells, others: Cells) -> Iterator[int]:
    everyone = set[str]().union(*others.values())
    yield from (len(people - everyone) for people in cells.values())
