"""Reference: differences to one named sensor, as known on arrival."""

import numpy as np
import pytest

from veracity.data.errors import MalformedContract
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings
from veracity.data.rules.reference import Reference, ReferenceSeries, read_reference

SCOPE = Scope(
    columns={"gauge": "string", "at": "timestamp", "stage": "number"},
    sensor=("gauge",),
    time="at",
    property="stage",
    frequency_s=600,
)
MINUTE_US = 60_000_000


def arrived(rows: list[tuple[int, int, float]]) -> Readings:
    """Readings of (sensor, minute, value) in order of arrival, sorted as rules see them."""
    order = sorted(range(len(rows)), key=lambda i: (rows[i][0], i))
    sensor, minute, value = (np.array([rows[i][k] for i in order]) for k in range(3))
    n = len(rows)
    time = minute * MINUTE_US
    return Readings(
        sensor=sensor.astype(np.int64),
        time_us=time.astype(np.int64),
        value=value.astype(np.float64),
        is_new=np.ones(n, dtype=np.bool_),
        ordinal=np.zeros(n, dtype=np.int64),
        run_start_us=time.astype(np.int64),
        run_n=np.ones(n, dtype=np.int64),
        arrival=np.array(order, dtype=np.int64),
    )


def test_no_two_choices_of_settings_share_a_name() -> None:
    """Names of sensors may hold any mark; and a list of a thousand makes no long name."""
    choices = (("a,b",), ("a", "b"), (), tuple(f"gauge-{i}" for i in range(1_000)))
    names = {ReferenceSeries("v", "S", of, age).name for of in choices for age in (1_296_000.0, 1_296_001.0)}
    assert len(names) == 8
    assert max(map(len, names)) < 60


def test_the_last_reading_of_the_reference_counts() -> None:
    """Each reading is set against the reference's last that arrived before it, if that is fresh."""
    rows = [(1, 0, 5.0), (0, 0, 3.0), (1, 1, 5.0), (0, 2, 4.0), (2, 3, 1.0), (1, 40, 9.0)]
    readings = arrived(rows)
    got = ReferenceSeries("stage", "A", max_age_s=600).compare(readings, {"A": 0, "B": 1, "C": 2})
    by_arrival = dict(zip(readings.arrival.tolist(), got.tolist(), strict=True))
    assert np.isnan([by_arrival[0], by_arrival[1], by_arrival[3], by_arrival[5]]).all()
    assert (by_arrival[2], by_arrival[4]) == (2.0, -3.0)


def test_only_the_sensors_named_are_compared() -> None:
    """``of`` leaves the others alone; a reference that never reported says nothing."""
    readings = arrived([(0, 0, 3.0), (1, 1, 5.0), (2, 1, 5.0)])
    named = ReferenceSeries("stage", "A", ("C",), 600).compare(readings, {"A": 0, "B": 1, "C": 2})
    assert np.isnan(named).tolist() == [True, True, False]
    assert np.isnan(ReferenceSeries("stage", "Z").compare(readings, {"A": 0, "B": 1, "C": 2})).all()


def test_bounds_are_allowed_themselves() -> None:
    """A difference breaks the rule only beyond a bound."""
    rule = read_reference(SCOPE, Parameters("stage", {"sensor": "A", "minimum": -1, "maximum": 2}))
    assert isinstance(rule, Reference)
    assert rule.network.max_age_s == 1200
    readings = arrived([(1, i, v) for i, v in enumerate([-1.0, 2.0, 2.5, -1.5])])
    assert rule.broken(readings).tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    "settings",
    [
        {"sensor": "A"},
        {"maximum": 1},
        {"sensor": "A", "of": ["A"], "maximum": 1},
        {"sensor": "A", "minimum": 2, "maximum": 1},
        {"sensor": 3, "maximum": 1},
    ],
)
def test_wrong_settings(settings: dict[str, object]) -> None:
    """A rule that cannot be asked is refused."""
    with pytest.raises(MalformedContract, match="want"):
        read_reference(SCOPE, Parameters("stage", settings))


def test_a_key_of_one_text_column() -> None:
    """Two columns that name a sensor, or a number, name no reference."""
    for sensor in (("gauge", "stage"), ("stage",), ()):
        with pytest.raises(MalformedContract, match="one column of text"):
            read_reference(
                Scope(SCOPE.columns, {}, sensor, "at", "stage"),
                Parameters("stage", {"sensor": "A", "maximum": 1}),
            )
