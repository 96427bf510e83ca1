"""OpenDP: the only place that draws noise.

Vectors of whole numbers get discrete Laplace noise (`make_laplace` over i64), whose privacy map is exact
and whose sampler has no floating point. The scale is the smallest for which OpenDP's own map, not the
textbook formula, stays at or below the epsilon that was charged.
https://docs.opendp.org/en/stable/api/python/opendp.measurements.html
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pyarrow as pa

from lakehouse.adapters.person_shares import person_shares, sensitivity
from lakehouse.core.answer import AnswerCell, preview_cells, read_cells, statistic_step
from lakehouse.core.answer_plan import AnswerPlan

MECHANISM = "OpenDP make_laplace (discrete Laplace over whole numbers)"
ALPHA = 0.05


class OpenDpEngine:
    """Answers plans with noise; keeps nothing between calls."""

    mechanism = MECHANISM

    def shares(self, plan: AnswerPlan, rows: pa.Table, person_of: Mapping[str, str]) -> list[int]:
        """Return the exact vector to which noise is due; it never leaves the process.

        rows, person_of: as `person_shares` says.
        """
        return person_shares(plan, rows, person_of)

    def draw(self, plan: AnswerPlan, shares: list[int]) -> tuple[AnswerCell, ...]:
        """Return the cells with noise drawn once for `shares`; the loss must be charged before."""
        measurement = self._measurement(plan)
        return read_cells(plan, measurement(shares), self._half_width(plan))

    def preview(self, plan: AnswerPlan) -> tuple[AnswerCell, ...]:
        """Return the cells with the accuracy to expect and no value; reads no data."""
        return preview_cells(plan, self._half_width(plan))

    def scale(self, plan: AnswerPlan) -> Decimal:
        """Return the scale of the noise in units of the statistic (rows, the column's unit, people)."""
        return round(Decimal(self._scale(plan)) * statistic_step(plan), 6)

    def _measurement(self, plan: AnswerPlan) -> Any:
        return _integer_laplace(self._scale(plan))

    def _scale(self, plan: AnswerPlan) -> float:
        return noise_scale(sensitivity(plan), plan.loss.epsilon)

    def _half_width(self, plan: AnswerPlan) -> float:
        from opendp.accuracy import discrete_laplacian_scale_to_accuracy

        return float(discrete_laplacian_scale_to_accuracy(self._scale(plan), ALPHA))


@cache
def noise_scale(sensitivity: int, epsilon: Decimal) -> float:
    """Return the least float scale whose map at `sensitivity` does not exceed `epsilon`, compared exactly."""
    scale = float(Fraction(sensitivity) / Fraction(epsilon))
    while Fraction(_integer_laplace(scale).map(sensitivity)) > Fraction(epsilon):
        scale = math.nextafter(scale, math.inf)
    return scale


def _integer_laplace(scale: float) -> Any:
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_laplace
    from opendp.metrics import l1_distance

    _allow_contributed()
    return make_laplace(vector_domain(atom_domain(T="i64")), l1_distance(T="i64"), scale)


@cache
def _allow_contributed() -> None:
    """Let OpenDP build the constructors it calls `contrib`: those whose proofs are under review."""
    from opendp.mod import enable_features

    enable_features("contrib")
