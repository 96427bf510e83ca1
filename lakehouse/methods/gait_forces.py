"""How the force moves under a foot during stance, and how alike one step is to the next.

A stance is stretched to `STANCE_POINTS` points, so that long and short ones can be laid over each
other. The centre of pressure runs from -1 (heel) to 1 (toes) by the places of the sensors that
PhysioNet gives (gaitpdb, format.txt). Regularity is the autocorrelation of the force at one step and
at one stride (Moe-Nilssen and Helbostad, J Biomech 37 (2004) 121-126).
"""

import numpy as np

from lakehouse.methods.gait_strides import Floats, Strides

STANCE_POINTS = 40
SENSOR_PLACES = np.array([-800, -400, -400, 0, 0, 400, 400, 800]) / 800
"""Along the foot, heel to toes, sensors 1 to 8 of either foot; 1 = 800 units of format.txt."""
EDGE_POINTS = 3
"""Points at either end of stance that carry too little force to have a centre."""


def stance_profiles(signal: Floats, strides: Strides) -> Floats:
    """Return (strides, 40): the signal over each stance, interpolated linearly."""
    share = np.linspace(0, 1, STANCE_POINTS)
    places = strides.strike[:, None] + (strides.lift - strides.strike)[:, None] * share
    before = places.astype(np.int64)
    after = np.minimum(before + 1, len(signal) - 1)
    weight = places - before
    profiles: Floats = signal[before] * (1 - weight) + signal[after] * weight
    return profiles


def pressure_centre(sensors: Floats) -> Floats:
    """Return the centre of pressure along the foot (n), -1 to 1; sensors: newton (n, 8)."""
    force = np.maximum(sensors, 0.0)
    total = force.sum(axis=1)
    centre: Floats = np.divide(force @ SENSOR_PLACES, total, out=np.zeros(len(total)), where=total > 0)
    return centre


def pressure_features(centre: Floats, force: Floats, strides: Strides) -> tuple[float, float, float, float]:
    """Return where pressure starts, its mean, its range and how much its path varies, one foot."""
    path = stance_profiles(centre, strides)
    weight = stance_profiles(force, strides)
    inner = path[:, EDGE_POINTS:-EDGE_POINTS]
    start = float(path[:, 2:6].mean())
    mean = float(((path * weight).sum(axis=1) / weight.sum(axis=1)).mean())
    spread = float(np.sqrt(np.mean((inner - inner.mean(axis=0)) ** 2)))
    return start, mean, float(np.ptp(inner, axis=1).mean()), spread


def regularity(signal: Floats, lag: int, tolerance: int) -> float:
    """Return the highest autocorrelation (-1 to 1) of a signal within `tolerance` of a lag (samples)."""
    centred = signal - signal.mean()
    power = float(np.mean(centred**2))
    lags = range(max(1, lag - tolerance), min(lag + tolerance, len(signal) - 1) + 1)
    if power == 0 or not lags:
        return 0.0
    return max(float(np.mean(centred[:-step] * centred[step:])) for step in lags) / power
