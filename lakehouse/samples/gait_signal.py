"""The force under two feet while walking, as gaitpdb records it: 100 samples a second, newton."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from lakehouse.samples.people import GaitStyle, Person

Floats = npt.NDArray[np.float64]

SAMPLE_RATE = 100
WALK_SECONDS = 30
SENSOR_PLACES = np.array([0.04, 0.10, 0.10, 0.38, 0.38, 0.74, 0.74, 0.92])
"""Part of stance at which each of the eight sensors, heel to toe, carries most."""
SENSOR_WIDTH = 0.17
SENSOR_WEIGHTS = np.array([1.2, 0.9, 0.9, 0.5, 0.4, 0.9, 1.0, 0.8])


def walk_files(person: Person, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and text of a person's walks 01 and 02."""
    for walk in (1, 2):
        rng = np.random.default_rng([seed, *person.gait_id.encode(), walk])
        yield f"{person.gait_id}_{walk:02}.txt", walk_text(walk_signal(person.style, rng))


def walk_signal(style: GaitStyle, rng: np.random.Generator) -> Floats:
    """Return one walk, (n, 19): seconds, then newton on left sensors 1-8, right 1-8, and both sums."""
    time = np.arange(WALK_SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    strides = _stride_times(style, rng)
    left_strikes = np.cumsum(strides) - strides[0] * rng.uniform(1, 2)
    halves = strides * (0.5 + style.asymmetry * rng.choice([-1, 1]))
    jitter = rng.normal(0, style.variation / 2, len(strides)) * strides
    feet = [
        foot_forces(time, left_strikes, style, 1 + style.asymmetry, rng),
        foot_forces(time, left_strikes + halves + jitter, style, 1 - style.asymmetry, rng),
    ]
    sums = [np.round(foot.sum(axis=1), 2) for foot in feet]
    return np.column_stack([time, *feet, *sums])


def foot_forces(
    time: Floats, strikes: Floats, style: GaitStyle, stance_factor: float, rng: np.random.Generator
) -> Floats:
    """Return the force on the eight sensors of one foot, (n, 8). strikes: when its heel comes down, in s."""
    lengths = np.diff(strikes, append=2 * strikes[-1] - strikes[-2])
    stances = lengths * style.stance_share * stance_factor
    stances *= 1 + rng.normal(0, style.variation, len(stances))
    stride = np.clip(np.searchsorted(strikes, time, side="right") - 1, 0, None)
    part = (time - strikes[stride]) / stances[stride]
    down = (part >= 0) & (part < 1)
    total = np.where(down, style.load * _double_hump(np.clip(part, 0, 1)), 0.0)
    near = np.exp(-(((part[:, None] - SENSOR_PLACES) / SENSOR_WIDTH) ** 2)) * SENSOR_WEIGHTS
    shares = near / np.maximum(near.sum(axis=1, keepdims=True), 1e-12)
    noise = 1 + rng.normal(0, 0.02, shares.shape)
    forces: Floats = np.round(np.clip(total[:, None] * shares * noise, 0, None), 2)
    return forces


def walk_text(signal: Floats) -> bytes:
    """Return a walk as its file holds it: 19 columns, tabs, no header."""
    table = pa.table({str(number): column for number, column in enumerate(signal.T)})
    sink = pa.BufferOutputStream()
    options = pa.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pa.csv.write_csv(table, sink, options)
    text: bytes = sink.getvalue().to_pybytes()
    return text


def _stride_times(style: GaitStyle, rng: np.random.Generator) -> Floats:
    """Strides vary around a person's mean and remember the one before (AR(1), 0.4)."""
    count = int(WALK_SECONDS / (style.stride_time_s * 0.6)) + 4
    noise = rng.normal(0, style.variation * np.sqrt(1 - 0.4**2), count)
    drift = np.zeros(count)
    for number in range(1, count):
        drift[number] = 0.4 * drift[number - 1] + noise[number]
    walk_mean = style.stride_time_s * (1 + rng.normal(0, 0.008))
    return np.asarray(walk_mean * np.clip(1 + drift, 0.6, 1.6), dtype=np.float64)


def _double_hump(part: Floats) -> Floats:
    """Vertical force over stance as a share of the load: two peaks, at loading and at push-off."""
    rise = np.sin(np.pi * part) ** 0.45
    valley = 0.28 * np.exp(-(((part - 0.5) / 0.14) ** 2))
    hump: Floats = 1.12 * rise - valley
    return hump
