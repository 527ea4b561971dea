"""Freshness: silence counted in the time a sensor is meant to report."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from veracity.canonical import canonical_json
from veracity.data.errors import MalformedContract
from veracity.data.rules.freshness import Freshness, read_freshness
from veracity.data.rules.parameters import Parameters, Scope

SCOPE = Scope({"s": "string", "at": "timestamp"}, sensor=("s",), time="at", frequency_s=900.0)
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = datetime(2026, 9, 7, tzinfo=HANOI)


def rule(scope: Scope = SCOPE, **settings: Any) -> Freshness:
    p = Parameters("here", settings, action="flag")
    made = read_freshness(scope, p)
    p.done()
    canonical_json(made.to_object())
    return made


def silent(made: Freshness, now: datetime, **newest: datetime | None) -> list[bool]:
    schema = {"s": pl.String(), "_newest": pl.Datetime("us", "UTC")}
    rows = [(s, None if at is None else at.astimezone(UTC)) for s, at in newest.items()]
    return made.silent(pl.DataFrame(rows, schema=schema, orient="row"), now).to_list()


def test_a_sensor_may_be_as_old_as_the_rule_says_and_no_older() -> None:
    """To the microsecond; one that has no time is not asked."""
    now = MONDAY
    just, over = now - timedelta(hours=2), now - timedelta(hours=2, microseconds=1)
    assert silent(rule(within="2 h"), now, a=just, b=over, c=None, d=now + timedelta(1)) == [
        False,
        True,
        False,
        False,
    ]


def test_of_no_sensors_none_is_silent() -> None:
    """Before the first sound row of a feed there is no sensor to ask."""
    assert silent(rule(within="2 h"), MONDAY) == []


def test_by_default_a_sensor_may_miss_three_readings() -> None:
    """Four times the contract's frequency."""
    assert rule().within_s == 3_600.0
    with pytest.raises(MalformedContract, match="within"):
        rule(Scope({}, time="at"))


def test_nights_and_weekends_do_not_count() -> None:
    """Monday to Friday from 6 to 22: a reading of Friday at 21:00 is an hour old on Monday at 6:00."""
    hours = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "to": "22:00"}
    made = rule(within="2 h", active=[hours], timezone="Asia/Ho_Chi_Minh")
    friday = MONDAY - timedelta(days=3) + timedelta(hours=21)
    assert silent(made, MONDAY + timedelta(hours=6), a=friday) == [False]
    assert silent(made, MONDAY + timedelta(hours=7), a=friday) == [False]
    assert silent(made, MONDAY + timedelta(hours=7, microseconds=1), a=friday) == [True]


def test_hours_may_go_past_midnight() -> None:
    """From 22:00 to 06:00 belongs to the evening's day."""
    made = rule(within="8 h", active=[{"days": ["sun"], "from": "22:00", "to": "06:00"}])
    begin = datetime(2026, 9, 6, 22, tzinfo=UTC)
    assert silent(made, begin + timedelta(days=7), a=begin) == [False]
    assert silent(made, begin + timedelta(days=7, hours=1), a=begin) == [True]


def test_known_outages_do_not_count() -> None:
    """Everyone's and one sensor's, ended and lasting."""
    outages = [
        {"from": "2026-09-07T00:00:00+07:00", "to": MONDAY + timedelta(hours=3)},
        {"from": MONDAY + timedelta(hours=3), "sensors": ["a"]},
    ]
    made = rule(within="2 h", outages=outages)
    before = MONDAY - timedelta(hours=1)
    assert silent(made, MONDAY + timedelta(hours=4), a=before, b=before) == [False, False]
    assert silent(made, MONDAY + timedelta(hours=4, minutes=1), a=before, b=before) == [False, True]
    assert silent(made, MONDAY + timedelta(days=900), a=before, b=before) == [False, True]


def test_against_a_plain_count_of_minutes() -> None:
    """A calendar with a clock change, overlapping hours and outages, minute by minute."""
    rng = np.random.default_rng(3)
    zone = ZoneInfo("Europe/Berlin")
    active = [
        {"days": ["sat", "sun"], "from": "00:00", "to": "05:00"},
        {"from": "02:30", "to": "03:30"},
        {"days": ["mon"], "from": "20:00", "to": "02:45"},
    ]
    start = datetime(2026, 3, 27, tzinfo=UTC)  # clocks go forward on Sunday the 29th
    outages = [
        {"from": start + timedelta(hours=h), "to": start + timedelta(hours=h + 2)} for h in (26, 27, 70)
    ]
    made = rule(within="3 h", active=active, timezone="Europe/Berlin", outages=outages)

    def is_active(at: datetime) -> bool:
        local = at.astimezone(zone)
        day, minute = local.weekday(), local.hour * 60 + local.minute
        in_calendar = (
            (day in (5, 6) and minute < 300)
            or 150 <= minute < 210
            or (day == 0 and minute >= 1_200)
            or (day == 1 and minute < 165)
        )
        return in_calendar and not any(o["from"] <= at < o["to"] for o in outages)

    minutes = [start + timedelta(minutes=m) for m in range(6 * 1_440)]
    counted = np.concatenate([[0], np.cumsum([is_active(m) for m in minutes])])
    for now_m in rng.integers(3 * 1_440, 6 * 1_440, 40):
        newest = rng.integers(0, now_m, 30)
        named = {f"n{i}": minutes[m] for i, m in enumerate(newest)}
        expected = [bool(counted[now_m] - counted[m] > 180) for m in newest]
        assert silent(made, minutes[now_m], **named) == expected


def test_a_calendar_that_hardly_ever_is_gives_an_answer() -> None:
    """A hundred years of a minute a week: nobody is silent yet, and it takes no century to say."""
    minute = [{"days": ["mon"], "from": "00:00", "to": "00:01"}]
    made = rule(within="36525 d", active=minute)
    assert silent(made, MONDAY, a=datetime(1971, 1, 1, tzinfo=UTC)) == [False]


@pytest.mark.parametrize(
    "settings",
    [
        {"within": "2"},
        {"timezone": "Mars/Base"},
        {"timezone": "../etc"},
        {"timezone": "Asia"},
        {"timezone": "a\0b"},
        {"active": [{"days": ["monday"]}]},
        {"active": [{"days": []}]},
        {"active": [{"days": [["mon"]]}]},
        {"active": [{"from": 1320}]},
        {"active": [{"from": "25:00"}]},
        {"active": [{"from": "06:00", "to": "06:00"}]},
        {"active": [{"from": "24:00", "to": "06:00"}]},
        {"active": [{"hours": 1}]},
        {"active": ["mon"]},
        {"active": [{}] * 17},
        {"outages": [{"to": "2026-01-01T00:00:00Z"}]},
        {"outages": [{"from": "2026-01-01"}]},
        {"outages": [{"from": datetime(2026, 1, 1)}]},
        {"outages": [{"from": datetime.max.replace(tzinfo=HANOI), "to": "0001-01-01T00:00:00+14:00"}]},
        {"outages": [{"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}]},
        {"outages": [{"from": "2026-01-02T00:00:00Z", "sensors": [["a", "b"]]}]},
        {"outages": [{"from": "2026-01-02T00:00:00Z", "sensors": [None]}]},
        {"outages": 5},
    ],
)
def test_a_calendar_that_is_none_is_refused(settings: dict[str, Any]) -> None:
    """Days, times of day, zones and outages are read strictly."""
    with pytest.raises(MalformedContract):
        rule(**settings)
