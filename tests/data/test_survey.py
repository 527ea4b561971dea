"""What a survey counts and samples, whatever the cut."""

import numpy as np
import polars as pl
import pytest

from veracity.data.survey.intervals import FIRST_OCTAVE, STEPS_PER_OCTAVE, Intervals
from veracity.data.survey.plan import Span
from veracity.data.survey.sample import Sample

HOUR = 3_600_000_000


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_does_not_depend_on_the_cut(seed: int) -> None:
    """However a stream is cut, the same values of it are kept, no more than the limit."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=20_000)
    whole, cut = Sample(1000), Sample(1000)
    whole.add(values)
    ends = np.sort(rng.integers(0, len(values), 30))
    for piece in np.split(values, ends):
        cut.add(piece)
    assert whole.values.tolist() == cut.values.tolist()
    assert 400 < len(whole.values) <= 1000
    assert not whole.is_whole
    assert abs(whole.quantiles(0.5)[0]) < 0.2


def test_a_sample_is_of_all_sensors() -> None:
    """Sensors that take turns are all in the sample, also where their number is a power of two."""
    sample = Sample(4096)
    sample.add(np.tile(np.arange(64, dtype=np.float64), 4000))
    seen = np.bincount(sample.values.astype(np.int64), minlength=64)
    assert seen.min() > 10


def test_a_small_stream_is_all_there() -> None:
    """Below the limit nothing is left out, and quantiles are values that came."""
    sample = Sample(10)
    sample.add(np.array([3.0, 1.0, 2.0]))
    assert sample.is_whole
    assert sample.quantiles(0, 0.5, 1) == [1.0, 2.0, 3.0]
    assert Sample().quantiles(0.5) == []


def frame(*readings: tuple[str, int]) -> pl.DataFrame:
    times = [hour * HOUR for _, hour in readings]
    return pl.DataFrame(
        {"sensor": [s for s, _ in readings], "time": times}, schema_overrides={"time": pl.Int64}
    )


def test_missing_readings_are_counted_for_each_sensor() -> None:
    """What is missing is what would have fitted in between, also from one batch to the next."""
    intervals = Intervals(3600)
    intervals.add(frame(("a", 0), ("b", 0), ("a", 1), ("b", 5), ("a", 1)))
    intervals.add(frame(("a", 4), ("b", 6)))
    assert dict(intervals.missing.iter_rows()) == {"a": 2, "b": 4}
    assert intervals.n_missing == 6
    assert dict(intervals.common.iter_rows()) == {HOUR: 2, 3 * HOUR: 1, 5 * HOUR: 1}
    assert int(intervals.steps.sum()) == 4
    assert intervals.steps[int((np.log2(3600) - FIRST_OCTAVE) * STEPS_PER_OCTAVE)] == 2


def test_the_interval_is_learned_where_nobody_says_it() -> None:
    """Without a contract's word the most common interval of the first batch counts."""
    intervals = Intervals(None)
    intervals.add(frame(("a", 0), ("a", 2), ("a", 4), ("a", 5), ("a", 11)))
    assert intervals.every_s == 7200
    assert dict(intervals.missing.iter_rows()) == {"a": 2}


@pytest.mark.parametrize(("n", "width"), [(1, 1), (10, 7), (1000, 3), (240, 1), (241, 1)])
def test_a_span_is_cut_without_losing_its_ends(n: int, width: int) -> None:
    """Cut again into fewer bins, a span begins where it did and covers all it covered."""
    span = Span(5, width, n)
    cut = span.cut(240)
    assert cut.start_us == 5
    assert cut.end_us >= span.end_us > cut.end_us - cut.width_us
    assert cut.n <= 240
    assert cut.width_us >= width
