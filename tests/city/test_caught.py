"""Whether a planted fault was caught is told from what the rules said, and from nothing else."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from veracity.city.caught import Said, is_caught, strays
from veracity.city.clock import STEP
from veracity.city.faults import Fault, Kind, Outcome

START = datetime(2026, 9, 14, 17, tzinfo=UTC)


def fault(kind: Kind, outcome: Outcome, reason: str | None, n: int = 3, station: str | None = "S1") -> Fault:
    return Fault(kind, "f", station, START, START + (n - 1) * STEP, n, outcome, reason=reason)


def said(*flags: tuple[str, timedelta, str], aside: int = 0, json: int = 0, whole: int = 0) -> Said:
    """What was said: flags by station, time since the start and reason; ``aside`` rows out of range."""
    rows = [{"feed": "f", "station": s, "observed_at": START + t, "reason": r} for s, t, r in flags]
    names = dict.fromkeys(("feed", "station", "reason"), pl.String())
    told = pl.DataFrame(rows, {**names, "observed_at": pl.Datetime("us", "UTC")})
    out = pl.DataFrame([("f", "S1", "range:v")] * aside, ["feed", "station", "reason"], orient="row")
    return Said(told, out, {"json": json}, whole, whole)


@pytest.mark.parametrize("after", [0, 23])
def test_a_flag_within_24_readings_catches(after: int) -> None:
    """The right reason at the right station, at any of the first 24 readings."""
    stuck = fault("stuck", "accepted", "stuck:v", 72)
    assert is_caught(stuck, said(("S1", after * STEP, "stuck:v")))
    assert not is_caught(stuck, said(("S1", after * STEP, "shift:v")))
    assert not is_caught(stuck, said(("S2", after * STEP, "stuck:v")))


@pytest.mark.parametrize("after", [-1, 24])
def test_a_flag_before_or_too_late_does_not(after: int) -> None:
    """A flag before the fault, or at its 25th reading, is no catch."""
    assert not is_caught(fault("stuck", "accepted", "stuck:v", 72), said(("S1", after * STEP, "stuck:v")))


def test_a_gap_is_caught_when_it_is_over() -> None:
    """What counts is the first readings after it."""
    gap = fault("gap", "absent", "gap:v", 48)
    assert is_caught(gap, said(("S1", 48 * STEP, "gap:v")))
    assert not is_caught(gap, said(("S1", 10 * STEP, "gap:v")))


def test_each_record_must_be_set_aside() -> None:
    """Two of three spikes in quarantine are not all of them."""
    spike = fault("spike", "quarantined", "range:v")
    assert is_caught(spike, said(aside=3))
    assert not is_caught(spike, said(aside=2))


def test_lines_and_deliveries() -> None:
    """A broken line is caught by its code, a forgery or a replay by being turned away."""
    assert is_caught(fault("broken-line", "refused", "json", 1), said(json=1))
    assert not is_caught(fault("broken-line", "refused", "json", 1), said())
    for kind, outcome in (("forged", "rejected"), ("replay", "repeated")):
        whole = fault(kind, outcome, None, station=None)  # type: ignore[arg-type]  # both are of their type
        assert is_caught(whole, said(whole=1))
        assert not is_caught(whole, said())


def test_strays_are_flags_without_a_fault() -> None:
    """A flag at another station, or more than 24 readings after the fault, is explained by none."""
    told = said(("S1", STEP, "stuck:v"), ("S2", STEP, "stuck:v"), ("S1", 27 * STEP, "spike:v"))
    left = strays([fault("stuck", "accepted", "stuck:v"), fault("forged", "rejected", None, 9, None)], told)
    assert left.select("station", "reason").rows() == [("S2", "stuck:v"), ("S1", "spike:v")]
