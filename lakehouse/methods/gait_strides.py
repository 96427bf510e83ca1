"""Strides from the force under two feet: contact, stance, swing, steps, double support.

Heel strike and toe-off are where a foot's force crosses `CONTACT_SHARE` of the body weight, which is
the mean of both feet's force together (while walking, that mean is the weight; the insoles are not
calibrated and read 0.7 to 1.7 times of it, so a threshold in newton would differ between people).
Force plates take 20 N, some 3 % of a weight; insoles keep a little preload in swing, hence 5 %.

The first 20 s of a walk and strides beyond 3 SD of the median (turns) are left out, as the makers of
the data do (Hausdorff et al., J Appl Physiol 88 (2000) 2045-2053), and its last 5 s, in which people
slow down. Walks are as short as 40 s, so at most a sixth and a twenty-fourth of one are left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SAMPLE_RATE = 100
CONTACT_SHARE = 0.05
SHORTEST_GAP = 5
"""Samples: a shorter lift or touch is noise of the threshold, not a swing or a stance."""
STRIDE_LIMITS_S = (0.5, 2.5)
OUTLIER_SD = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Strides:
    """Strides of one foot as samples: heel strike, toe-off, next heel strike; each (n)."""

    strike: Samples
    lift: Samples
    end: Samples

    def __len__(self) -> int:
        return len(self.strike)

    def only(self, chosen: Flags) -> "Strides":
        """Return the chosen strides."""
        return Strides(strike=self.strike[chosen], lift=self.lift[chosen], end=self.end[chosen])

    def stride_times(self, time_s: Floats) -> Floats:
        """Seconds from heel strike to the next one of the same foot."""
        return time_s[self.end] - time_s[self.strike]

    def stance_times(self, time_s: Floats) -> Floats:
        """Seconds the foot is down."""
        return time_s[self.lift] - time_s[self.strike]

    def swing_times(self, time_s: Floats) -> Floats:
        """Seconds the foot is up."""
        return time_s[self.end] - time_s[self.lift]


def steady_part(time_s: Floats) -> tuple[int, int]:
    """Return the samples from which and up to which a walk is steady."""
    first, last = float(time_s[0]), float(time_s[-1])
    duration = last - first
    begin = np.searchsorted(time_s, first + min(20.0, duration / 6))
    end = np.searchsorted(time_s, last - min(5.0, duration / 24), side="right")
    return int(begin), int(end)


def find_contacts(force: Floats, threshold: float) -> tuple[Samples, Samples]:
    """Return the samples at which a foot comes down and at which it leaves; whole contacts only."""
    change = np.diff((force > threshold).astype(np.int8))
    down, up = np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1
    if len(down) and len(up) and up[0] < down[0]:
        up = up[1:]
    count = min(len(down), len(up))
    down, up = down[:count], up[:count]
    if count == 0:
        return down, up
    apart = (down[1:] - up[:-1]) >= SHORTEST_GAP
    down, up = down[np.r_[True, apart]], up[np.r_[apart, True]]
    real = (up - down) >= 2 * SHORTEST_GAP
    return down[real], up[real]


def find_strides(contacts: tuple[Samples, Samples], time_s: Floats, window: tuple[int, int]) -> Strides:
    """Return the strides inside the window, without those that are no steady walking."""
    down, up = contacts
    found = Strides(strike=down[:-1], lift=up[:-1], end=down[1:])
    found = found.only((found.strike >= window[0]) & (found.end < window[1]))
    times = (found.stride_times(time_s), found.stance_times(time_s), found.swing_times(time_s))
    usual = (times[0] >= STRIDE_LIMITS_S[0]) & (times[0] <= STRIDE_LIMITS_S[1])
    for values in times:
        if usual.any():
            middle, spread = np.median(values[usual]), values[usual].std()
            usual &= np.abs(values - middle) <= OUTLIER_SD * spread + 1e-9
    return found.only(usual)


def step_times(strides: Strides, other_down: Samples, time_s: Floats) -> tuple[Floats, Flags]:
    """Return seconds from each heel strike to the other foot's next one, and which strides have one."""
    following = np.searchsorted(other_down, strides.strike, side="right")
    there = following < len(other_down)
    strike = np.where(there, other_down[np.minimum(following, len(other_down) - 1)], 0)
    there &= strike < strides.end
    return (time_s[strike] - time_s[strides.strike])[there], there


def double_support_shares(strides: Strides, both_down: Flags) -> Floats:
    """Return the share of each stride in which both feet are down."""
    passed = np.r_[0, np.cumsum(both_down)]
    shares: Floats = (passed[strides.end] - passed[strides.strike]) / (strides.end - strides.strike)
    return shares
