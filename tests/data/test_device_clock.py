"""Clocks of devices: found as well as stated, set anew and seen, and none flagged that keeps time."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated_clocks import START_US, Fleet, Floats, messages, simulate
from veracity.data.clock_estimate import ClockLimits, clock_estimates
from veracity.data.device_clock import SCHEMA, ClockWindows

FLEETS = {
    "every minute": Fleet(500),
    "outages": Fleet(500, outage_s=7_200),
    "heavy tails": Fleet(500, delays="Pareto 1.5"),
    "few messages, heavy tails, outages": Fleet(
        500, every_s=600, delays="Pareto 1.5", outage_s=7_500, frequency_ppm=30
    ),
    "slow": Fleet(500, every_s=300, delays="exponential 10 s", frequency_ppm=30),
}


def kept(sent: pl.DataFrame, n_windows: int = 48) -> pl.DataFrame:
    windows = ClockWindows(n_windows=n_windows)
    windows.take(sent)
    return windows.messages()


def estimate(
    event_s: Floats, arrival_s: Floats, limits: ClockLimits | None = None
) -> list[dict[str, object]]:
    return clock_estimates(kept(messages(event_s, arrival_s)), limits).to_dicts()


@pytest.mark.parametrize("name", FLEETS)
@pytest.mark.parametrize("seed", range(2))
def test_truth_is_within_the_stated_limits(name: str, seed: int) -> None:
    """Of devices that keep time, 19 of 20 are where the estimate says, and not one is flagged."""
    sent, truth = simulate(FLEETS[name], np.random.default_rng(seed))
    made = clock_estimates(kept(sent))
    offset = truth.offset_at(made["at_us"].to_numpy().astype(np.float64))
    for column, true in (("offset_s", offset), ("frequency_ppm", truth.frequency_ppm)):
        low, high = made[f"{column}_low"].to_numpy(), made[f"{column}_high"].to_numpy()
        assert ((low <= true) & (true <= high)).mean() > 0.91  # 500 draws of 0.95: four deviations off
    assert made["flags"].list.len().sum() == 0


def test_it_is_better_than_the_least_lag() -> None:
    """With drift the least lag of all messages is wrong by what the clock drifted since."""
    sent, truth = simulate(Fleet(100), np.random.default_rng(0))
    made = clock_estimates(kept(sent))
    offset = truth.offset_at(made["at_us"].to_numpy().astype(np.float64))
    lag = (pl.col("event_us") - pl.col("arrival_us")).max() / 1e6
    least = sent.group_by("device").agg(lag.alias("lag")).sort("device")["lag"].to_numpy()
    ours = np.median(np.abs(made["offset_s"].to_numpy() - offset))
    assert ours < np.median(np.abs(least - offset)) / 5


def times(seed: int = 0, hours: float = 8) -> tuple[np.random.Generator, Floats, Floats]:
    """One device, every minute: when it measured and when that came in."""
    rng = np.random.default_rng(seed)
    true = np.arange(0, hours * 3600, 60.0)[None, :]
    return rng, true, true + 0.05 + rng.exponential(1.0, true.shape)


@pytest.mark.parametrize(
    ("offset", "frequency", "flag"),
    [
        (10.0, 0.0, "clock-ahead"),
        (-600.0, 0.0, "clock-behind-or-late"),
        (0.0, 900.0, "clock-drift"),
        (0.0, -900.0, "clock-drift"),
    ],
)
def test_a_clock_that_is_off_is_flagged(offset: float, frequency: float, flag: str) -> None:
    """Each with its flag and no other, and with about what it is off by."""
    _, true, arrival = times()
    event = true + offset + frequency * 1e-6 * (true - true[0, -1])
    (made,) = estimate(event, arrival)
    assert made["flags"] == [flag]
    assert made["offset_s"] == pytest.approx(offset - 0.05, abs=0.2)
    assert made["frequency_ppm"] == pytest.approx(frequency, abs=10)


def test_late_on_purpose_looks_like_a_clock_behind() -> None:
    """A constant delay and an offset give the same messages: the flag says that it may be either."""
    _, true, arrival = times()
    (late,), (behind,) = estimate(true, arrival + 600), estimate(true - 600, arrival)
    assert late["flags"] == behind["flags"] == ["clock-behind-or-late"]
    assert late["offset_s"] == pytest.approx(behind["offset_s"])


@pytest.mark.parametrize("step", [-90.0, 45.0, 3600.0, -56 * 31_557_600.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_clock_set_anew_is_seen(step: float, seed: int) -> None:
    """A step by the network, and a reboot to 1970: told, and the estimate is of the clock as it is since."""
    _, true, arrival = times(seed)
    (made,) = estimate(np.where(true < 4 * 3600, true, true + step), arrival)
    assert "clock-jumped" in str(made["flags"])
    assert made["jump_s"] == pytest.approx(step, abs=1)
    assert made["jump_at_us"] == pytest.approx(START_US + 4 * 3600e6, abs=1200e6)
    assert made["offset_s"] == pytest.approx(step - 0.05, abs=0.3)


@pytest.mark.parametrize("speed", [2.0, 5.0])
def test_a_backlog_that_drains_is_no_jump(speed: float) -> None:
    """Messages kept for two hours and sent slowly are late, and the clock is not to blame."""
    _, true, arrival = times()
    first, last = 2 * 3600.0, 4 * 3600.0
    is_kept = (true > first) & (true < last + (last - first) / (speed - 1))
    drained = np.maximum(arrival, last + (true - first) / speed)
    (made,) = estimate(true, np.where(is_kept, drained, arrival))
    assert made["flags"] == []
    assert made["offset_s"] == pytest.approx(-0.05, abs=0.2)


def test_one_message_from_the_future_moves_nothing() -> None:
    """It is flagged while it is news, for it is certain; the estimate stays where it was."""
    _, true, arrival = times()
    early, late = true.copy(), true.copy()
    early[0, 200] += 3600
    late[0, -1] += 3600
    (before,), (now,) = estimate(early, arrival), estimate(late, arrival)
    assert before["flags"] == []
    assert now["flags"] == ["clock-ahead"]
    for made in (before, now):
        assert made["offset_s"] == pytest.approx(-0.05, abs=0.2)


def test_too_few_windows_give_no_estimate() -> None:
    """Nothing is said of a device that is new; a message of the future is certain all the same."""
    _, true, arrival = times(hours=0.5)
    (made,), (ahead,) = estimate(true, arrival), estimate(true + 60, arrival)
    assert made["offset_s"] is made["frequency_ppm"] is made["jump_at_us"] is None
    assert (made["flags"], ahead["flags"]) == ([], ["clock-ahead"])
    assert clock_estimates(pl.DataFrame(schema=SCHEMA)).height == 0


def test_what_is_kept_of_a_device_does_not_grow() -> None:
    """A week of messages leaves as many as there are windows; silent devices can be forgotten."""
    _, true, arrival = times(hours=24 * 7)
    windows = ClockWindows(n_windows=12)
    windows.take(messages(true, arrival))
    assert windows.messages().height == 12
    newest = windows.messages()["arrival_us"].max()
    assert isinstance(newest, int)
    windows.forget(newest)
    assert windows.messages().height == 12
    windows.forget(newest + 1)
    assert windows.messages().height == 0
    windows.take(messages(true, arrival))
    assert windows.messages().height == 12


message = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(-50, 50), st.integers(0, 500))


@settings(max_examples=150, deadline=None)
@given(st.lists(message, max_size=60), st.integers(1, 7))
def test_many_steps_are_one(sent: list[tuple[str, int, int]], step: int) -> None:
    """In parts, in any order, merged from two workers, or read back: the same state."""
    frame = pl.DataFrame(sent, schema=SCHEMA, orient="row")

    def state(*parts: pl.DataFrame) -> pl.DataFrame:
        windows = ClockWindows(window_s=10e-6, n_windows=5)
        for part in parts:
            windows.take(part)
        return windows.messages()

    whole = state(frame)
    shuffled = frame.sample(frame.height, shuffle=True, seed=step)
    parts = [shuffled[i : i + step] for i in range(0, frame.height, step)]
    assert state(*parts).equals(whole)
    one, other = state(*parts[::2]), state(*parts[1::2])
    assert state(one, other).equals(state(other, one))
    assert state(one, other).equals(whole)
    assert state(whole).equals(whole)


def test_messages_without_times_are_passed_over() -> None:
    """A row without a device or a time tells nothing."""
    rows = [("a", 1, 2), (None, 1, 2), ("a", None, 2), ("a", 1, None)]
    assert kept(pl.DataFrame(rows, schema=SCHEMA, orient="row")).height == 1
