"""Where the boxes of a flow stand: stages in rank, boxes near what they are made from.

Layered drawing after Sugiyama 1981: stages are given, long edges get bends, orders within a stage follow
the mean place of neighbours. networkx holds the graph; its own layered layout keeps no order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from lakehouse.core.report import Flow

Point = tuple[float, float]

BOX_WIDTH, BOX_HEIGHT = 182.0, 52.0
BEND_BREADTH = 8.0
GAP_WIDE, GAP_UPRIGHT, GAP_BESIDE = 46.0, 34.0, 14.0
MARGIN = 8.0
SWEEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Centres in pixels, the size of the drawing and its direction.

    `chains`: the keys that each edge passes, its ends included; between them stand bends, where a
    long edge passes beside the boxes of a stage.
    """

    centres: Mapping[str, Point]
    chains: tuple[tuple[str, ...], ...]
    width: float
    height: float
    upright: bool


def place_boxes(flow: Flow, *, upright: bool) -> Layout:
    """Place every stage in its own column (or row when `upright`), with few crossing edges."""
    import networkx as nx

    stage_of = _consecutive({node.key: node.stage for node in flow.nodes})
    chains = tuple(_chain(source, target, stage_of) for source, target in flow.edges)
    graph = nx.DiGraph()
    graph.add_nodes_from((key, {"subset": stage}) for key, stage in stage_of.items())
    for chain in chains:
        graph.add_nodes_from((key, {"subset": stage_of[chain[0]] + rank}) for rank, key in enumerate(chain))
        graph.add_edges_from(pairwise(chain))
    return _to_pixels(_uncrossed(graph), chains, frozenset(stage_of), upright=upright)


def _consecutive(stages: Mapping[str, int]) -> dict[str, int]:
    """Return the stages without gaps between their numbers."""
    rank = {stage: number for number, stage in enumerate(sorted(set(stages.values())))}
    return {key: rank[stage] for key, stage in stages.items()}


def _chain(source: str, target: str, stage_of: Mapping[str, int]) -> tuple[str, ...]:
    between = range(stage_of[source] + 1, stage_of[target])
    return (source, *(f"{source} > {target} @ {stage}" for stage in between), target)


def _uncrossed(graph: Any) -> list[list[str]]:
    """Return the keys of each stage: of all orders by barycentres that were tried, the least crossed."""
    stages: dict[int, list[str]] = {}
    for key, stage in graph.nodes(data="subset"):
        stages.setdefault(stage, []).append(key)
    ordered = [sorted(stages[stage]) for stage in sorted(stages)]
    neighbours = list(pairwise(ordered))
    tried = [[list(keys) for keys in ordered]]
    for _ in range(SWEEPS):
        for sweep in ([(right, left) for left, right in neighbours], neighbours[::-1]):
            for here, beside in sweep:
                place, own = _shares(beside), _shares(here)
                means = {key: _mean_place(graph, key, place, own[key]) for key in here}
                here.sort(key=means.__getitem__)
            tried.append([list(keys) for keys in ordered])
    return min(tried, key=lambda order: _crossings(graph, order))


def _crossings(graph: Any, ordered: Sequence[Sequence[str]]) -> int:
    """Return how many pairs of edges between neighbouring stages cross."""
    rank = {key: index for keys in ordered for index, key in enumerate(keys)}
    count = 0
    for keys in ordered:
        edges = [(rank[key], rank[other]) for key in keys for other in graph.successors(key)]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(edges, 2))
    return count


def _shares(keys: Sequence[str]) -> dict[str, float]:
    return {key: (index + 0.5) / len(keys) for index, key in enumerate(keys)}


def _mean_place(graph: Any, key: str, place: Mapping[str, float], own: float) -> float:
    near = [place[other] for other in (*graph.predecessors(key), *graph.successors(key)) if other in place]
    return sum(near) / len(near) if near else own


def _to_pixels(
    ordered: Sequence[Sequence[str]],
    chains: tuple[tuple[str, ...], ...],
    boxes: frozenset[str],
    *,
    upright: bool,
) -> Layout:
    along, breadth, gap = (
        (BOX_HEIGHT, BOX_WIDTH, GAP_UPRIGHT) if upright else (BOX_WIDTH, BOX_HEIGHT, GAP_WIDE)
    )
    sizes = [[breadth if key in boxes else BEND_BREADTH for key in keys] for keys in ordered]
    widths = [sum(own) + GAP_BESIDE * (len(own) - 1) for own in sizes]
    centres: dict[str, Point] = {}
    for rank, (keys, own, width) in enumerate(zip(ordered, sizes, widths, strict=True)):
        on_axis = MARGIN + along / 2 + rank * (along + gap)
        reached = MARGIN + (max(widths) - width) / 2
        for key, size in zip(keys, own, strict=True):
            across = reached + size / 2
            centres[key] = (across, on_axis) if upright else (on_axis, across)
            reached += size + GAP_BESIDE
    length = len(ordered) * (along + gap) - gap + 2 * MARGIN
    height = max(widths) + 2 * MARGIN
    across_first = (height, length) if upright else (length, height)
    return Layout(
        centres=centres, chains=chains, width=across_first[0], height=across_first[1], upright=upright
    )
