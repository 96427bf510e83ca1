"""The measures of one walk: 24 that say how a person walks, its mean force and its strides.

Times are seconds, shares and ratios have unit 1, force is newton. Both feet count alike: a measure is
the mean of the left foot's and the right foot's, an asymmetry |ln(left / right)| (Yogev et al., Exp
Brain Res 177 (2007) 336-346). The phase of a step is its time over its stride's, 0.5 when left and
right alternate evenly (Plotnik et al., Exp Brain Res 181 (2007) 561-570).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lakehouse.methods.gait_forces import pressure_centre, pressure_features, regularity, stance_profiles
from lakehouse.methods.gait_strides import (
    CONTACT_SHARE,
    SAMPLE_RATE,
    Floats,
    Samples,
    Strides,
    double_support_shares,
    find_contacts,
    find_strides,
    steady_part,
    step_times,
)

FEWEST_STRIDES = 8
"""A foot; with fewer, a coefficient of variation says nothing."""
LOADING_POINT = 4
"""Point of 40 in stance (a tenth of it) at which loading is read."""

FEATURE_NAMES = (
    "stride_time_s",
    "stride_time_cv",
    "stance_time_s",
    "stance_time_cv",
    "swing_time_s",
    "swing_time_cv",
    "step_time_s",
    "step_time_cv",
    "cadence_steps_min",
    "stance_share",
    "double_support_share",
    "stance_asymmetry",
    "swing_asymmetry",
    "step_asymmetry",
    "phase_deviation",
    "phase_sd",
    "peak_force_ratio",
    "loading_force_ratio",
    "step_regularity",
    "stride_regularity",
    "pressure_start",
    "pressure_mean",
    "pressure_range",
    "pressure_sd",
)
MEASURE_NAMES = (*FEATURE_NAMES, "mean_force_n", "strides")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One walk at 100 Hz: seconds (n), and for the left and the right foot force (n), sensors (n, 8)."""

    time_s: Floats
    force_n: tuple[Floats, Floats]
    sensors_n: tuple[Floats, Floats]


def measure_walk(walk: Walk) -> Mapping[str, float] | None:
    """Return every measure by name, or None where a foot has too few steady strides."""
    window = steady_part(walk.time_s)
    weight = float(sum(force[slice(*window)].mean() for force in walk.force_n)) if len(walk.time_s) else 0.0
    if not weight > 0:
        return None
    contacts = tuple(find_contacts(force, CONTACT_SHARE * weight) for force in walk.force_n)
    feet = tuple(find_strides(found, walk.time_s, window) for found in contacts)
    if min(len(strides) for strides in feet) < FEWEST_STRIDES:
        return None
    measures = _temporal(walk, feet, contacts, CONTACT_SHARE * weight) | _forces(walk, feet, weight)
    lag = round(measures["stride_time_s"] * SAMPLE_RATE)
    steady = (walk.force_n[0] + walk.force_n[1])[slice(*window)]
    return measures | {
        "step_regularity": regularity(steady, lag // 2, 6),
        "stride_regularity": regularity(steady, lag, 10),
        "mean_force_n": weight,
        "strides": float(sum(len(strides) for strides in feet)),
    }


def _temporal(
    walk: Walk, feet: Sequence[Strides], contacts: Sequence[tuple[Samples, Samples]], threshold: float
) -> dict[str, float]:
    stride = [strides.stride_times(walk.time_s) for strides in feet]
    stance = [strides.stance_times(walk.time_s) for strides in feet]
    swing = [strides.swing_times(walk.time_s) for strides in feet]
    (left_step, left_there), (right_step, right_there) = (
        step_times(feet[foot], contacts[1 - foot][0], walk.time_s) for foot in (0, 1)
    )
    step = [left_step, right_step]
    phase = np.r_[left_step / stride[0][left_there], 1 - right_step / stride[1][right_there]]
    both_down = (walk.force_n[0] > threshold) & (walk.force_n[1] > threshold)
    return {
        "stride_time_s": _mean(stride),
        "stride_time_cv": _variation(stride),
        "stance_time_s": _mean(stance),
        "stance_time_cv": _variation(stance),
        "swing_time_s": _mean(swing),
        "swing_time_cv": _variation(swing),
        "step_time_s": _mean(step),
        "step_time_cv": _variation(step),
        "cadence_steps_min": 120 / _mean(stride),
        "stance_share": _mean([down / whole for down, whole in zip(stance, stride, strict=True)]),
        "double_support_share": _mean([double_support_shares(strides, both_down) for strides in feet]),
        "stance_asymmetry": _asymmetry(stance),
        "swing_asymmetry": _asymmetry(swing),
        "step_asymmetry": _asymmetry(step),
        "phase_deviation": float(np.abs(phase - 0.5).mean()),
        "phase_sd": float(phase.std()),
    }


def _forces(walk: Walk, feet: Sequence[Strides], weight: float) -> dict[str, float]:
    profiles = [
        stance_profiles(force / weight, strides) for force, strides in zip(walk.force_n, feet, strict=True)
    ]
    pressure = np.mean(
        [
            pressure_features(pressure_centre(sensors), force, strides)
            for sensors, force, strides in zip(walk.sensors_n, walk.force_n, feet, strict=True)
        ],
        axis=0,
    )
    names = ("pressure_start", "pressure_mean", "pressure_range", "pressure_sd")
    return {
        "peak_force_ratio": _mean([profile.max(axis=1) for profile in profiles]),
        "loading_force_ratio": _mean([profile[:, LOADING_POINT] for profile in profiles]),
        **dict(zip(names, pressure.tolist(), strict=True)),
    }


def _mean(feet: Sequence[Floats]) -> float:
    return float(np.mean([values.mean() for values in feet]))


def _variation(feet: Sequence[Floats]) -> float:
    """The coefficient of variation, sample SD over mean."""
    return float(np.mean([values.std(ddof=1) / values.mean() for values in feet]))


def _asymmetry(feet: Sequence[Floats]) -> float:
    return float(abs(np.log(feet[0].mean() / feet[1].mean())))
