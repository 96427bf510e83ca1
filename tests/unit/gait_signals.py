"""A walk whose every time is known: square steps at 100 Hz.

Left foot down from 0.00 to 0.60 s of each second, right foot from 0.50 to 1.10 s; 350 N each while
down. So: stride 1.00 s, stance 0.60 s, swing 0.40 s, step 0.50 s, both feet down 0.20 s of each second,
mean force 2 x 350 N x 0.6 = 420 N.
"""

import numpy as np

from lakehouse.methods.gait_measures import Walk

SECONDS = 60
DOWN_N = 350.0


def square_walk(*, right_lag_s: float = 0.5, right_down_s: float = 0.6, seconds: int = SECONDS) -> Walk:
    """Return the walk; the right foot comes down `right_lag_s` after the left, for `right_down_s`."""
    samples = np.arange(seconds * 100)
    left = DOWN_N * ((samples % 100) < 60)
    right = DOWN_N * (((samples - round(right_lag_s * 100)) % 100) < round(right_down_s * 100))
    return Walk(
        time_s=samples / 100,
        force_n=(left, right),
        sensors_n=(rolling_sensors(samples, left), rolling_sensors(samples - 50, right)),
    )


def rolling_sensors(samples: np.ndarray, force: np.ndarray) -> np.ndarray:
    """Force on the heel sensor in the first half of a stance of 60 samples, then on the toe sensor."""
    sensors = np.zeros((len(samples), 8))
    on_heel = (samples % 100) < 30
    sensors[:, 0] = np.where(on_heel, force, 0.0)
    sensors[:, 7] = np.where(on_heel, 0.0, force)
    return sensors
