import numpy as np
import pytest
from gait_signals import DOWN_N, square_walk

from lakehouse.methods.gait_measures import FEATURE_NAMES, MEASURE_NAMES, Walk, measure_walk
from lakehouse.methods.gait_strides import find_contacts, find_strides, steady_part


def test_times_of_a_known_walk():
    """One stride a second: every time and share is as drawn, and nothing varies."""
    measures = measure_walk(square_walk())
    assert set(measures) == set(MEASURE_NAMES)
    expected = {
        "stride_time_s": 1.0, "stance_time_s": 0.6, "swing_time_s": 0.4, "step_time_s": 0.5,
        "stance_share": 0.6, "double_support_share": 0.2, "cadence_steps_min": 120.0,
        "stride_time_cv": 0.0, "stance_time_cv": 0.0, "swing_time_cv": 0.0, "step_time_cv": 0.0,
        "stance_asymmetry": 0.0, "swing_asymmetry": 0.0, "step_asymmetry": 0.0,
        "phase_deviation": 0.0, "phase_sd": 0.0, "mean_force_n": 420.0,
        "peak_force_ratio": DOWN_N / 420, "loading_force_ratio": DOWN_N / 420,
        "step_regularity": 1.0, "stride_regularity": 1.0,
    }  # fmt: skip
    assert {name: measures[name] for name in expected} == pytest.approx(expected, abs=1e-3)


def test_the_first_sixth_and_the_last_twenty_fourth_are_left_out():
    """A walk of 60 s is steady from 10 s to 57.5 s: 47 strides of the left foot, 46 of the right."""
    walk = square_walk()
    assert steady_part(walk.time_s) == pytest.approx((1000, 5750), abs=1)
    assert measure_walk(walk)["strides"] == 93


def test_a_long_walk_loses_twenty_and_five_seconds():
    """The rule's own numbers hold from two minutes on."""
    assert steady_part(np.arange(15000) / 100) == (2000, 14500)


def test_a_limp_is_an_asymmetry():
    """Right stance 0.50 s against left 0.60 s: |ln(0.6/0.5)|, swings |ln(0.4/0.5)|."""
    measures = measure_walk(square_walk(right_down_s=0.5))
    assert measures["stance_asymmetry"] == pytest.approx(np.log(0.6 / 0.5), abs=1e-3)
    assert measures["swing_asymmetry"] == pytest.approx(np.log(0.5 / 0.4), abs=1e-3)


def test_uneven_steps_move_the_phase():
    """Steps of 0.45 and 0.55 s: 0.05 of a stride from the middle, |ln(0.45/0.55)| apart."""
    measures = measure_walk(square_walk(right_lag_s=0.45))
    assert measures["phase_deviation"] == pytest.approx(0.05, abs=1e-3)
    assert measures["step_asymmetry"] == pytest.approx(np.log(0.55 / 0.45), abs=1e-2)


def test_pressure_rolls_from_heel_to_toes():
    """Force stands on the heel sensor (-1) for half of the stance, then on the toe sensor (1)."""
    measures = measure_walk(square_walk())
    assert measures["pressure_start"] == pytest.approx(-1)
    assert measures["pressure_range"] == pytest.approx(2)
    assert measures["pressure_mean"] == pytest.approx(0, abs=0.06)


def test_the_measures_do_not_depend_on_the_insoles_scale():
    """Insoles read 0.7 to 1.7 body weights: only the force in newton may follow."""
    walk = square_walk()
    loud = Walk(
        time_s=walk.time_s,
        force_n=tuple(1.7 * force for force in walk.force_n),
        sensors_n=tuple(1.7 * sensors for sensors in walk.sensors_n),
    )
    quiet, scaled = measure_walk(walk), measure_walk(loud)
    assert {n: scaled[n] for n in FEATURE_NAMES} == pytest.approx({n: quiet[n] for n in FEATURE_NAMES})
    assert scaled["mean_force_n"] == pytest.approx(1.7 * quiet["mean_force_n"])


def test_a_turn_is_no_stride():
    """One stride of 1.6 s among those of 1.0 s is beyond three deviations and leaves no trace."""
    walk = square_walk()
    pause = 3060
    forces = tuple(np.insert(force, pause, np.repeat(force[pause], 60)) for force in walk.force_n)
    sensors = tuple(
        np.insert(s, pause, np.repeat(s[pause : pause + 1], 60, axis=0), axis=0) for s in walk.sensors_n
    )
    turned = Walk(time_s=np.arange(len(forces[0])) / 100, force_n=forces, sensors_n=sensors)
    measures = measure_walk(turned)
    assert measures["stride_time_s"] == pytest.approx(1.0, abs=1e-3)
    assert measures["stride_time_cv"] == pytest.approx(0.0, abs=1e-3)


def test_a_flicker_of_the_threshold_is_no_step():
    """A foot that seems to lift for 30 ms has not lifted; one that seems down for 50 ms is not down."""
    force = np.r_[
        np.zeros(20),
        np.full(30, 400.0),
        np.zeros(3),
        np.full(30, 400.0),
        np.zeros(40),
        np.full(5, 400.0),
        np.zeros(9),
    ]
    down, up = find_contacts(force, 20.0)
    assert (down.tolist(), up.tolist()) == ([20], [83])


def test_strides_that_are_too_short_or_long_are_none():
    """Shuffling of 0.3 s a stride is not counted as walking."""
    contacts = (np.arange(0, 3000, 30), np.arange(15, 3015, 30))
    assert len(find_strides(contacts, np.arange(3100) / 100, (0, 3000))) == 0


@pytest.mark.parametrize("walk", [square_walk(seconds=9), Walk(
    time_s=np.arange(6000) / 100, force_n=(np.zeros(6000),) * 2, sensors_n=(np.zeros((6000, 8)),) * 2
)])  # fmt: skip
def test_a_walk_without_enough_strides_has_no_measures(walk):
    """Nine seconds, or nobody on the insoles."""
    assert measure_walk(walk) is None
