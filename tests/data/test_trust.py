"""Sensor trust: what a score rests on, what it may not know, and that it says what comes true."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.trust import reading_scores, trust_scores, trust_weights
from veracity.data.trust_evidence import HEALTH, MalformedTrust, TrustSettings

D0 = date(2026, 1, 1)
LATER = datetime(2030, 1, 1, tzinfo=UTC)
COUNTS = ("_readings", "_broken", "_disagreed", "_compared")
Day = tuple[int, int, int, int]


def health(
    days: dict[int, Day], sensor: str = "a", received: datetime | None = LATER, name: str = "pm25"
) -> pl.DataFrame:
    """Simulated health: the four counts by day after D0; received then, or in the night of each day."""
    rows = [
        {
            "station": sensor,
            "_property": name,
            "_day": D0 + timedelta(days=d),
            **dict(zip(COUNTS, counts, strict=True)),
            "_received_at": received or datetime(2026, 1, 1, 23, tzinfo=UTC) + timedelta(days=d),
        }
        for d, counts in days.items()
    ]
    schema = {"station": pl.String()} | HEALTH | {"_received_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema)


def score(
    frame: pl.DataFrame, day: int, settings: TrustSettings | None = None
) -> tuple[float, float, float, float]:
    got = trust_scores(frame, settings or TrustSettings(), until=D0 + timedelta(days=day))
    row = got.filter(_day=D0 + timedelta(days=day))
    assert row.height == 1
    return row.select("_score", "_low", "_high", "_n").row(0)


GOOD: Day = (24, 0, 0, 24)
STUCK: Day = (24, 24, 0, 24)


def plain(days: dict[int, Day], until: int) -> float:
    """The formula of the reference page, one day after the other."""
    sound = broken = 0.0
    rate = 0.5 ** (1 / 30)
    for day in range(until):
        readings, n_broken, disagreed, compared = days.get(day, (0, 0, 0, 0))
        total = max(readings, n_broken)
        own = total - disagreed
        own_broken = n_broken - disagreed
        judged = min(compared - disagreed, total - n_broken) + disagreed
        good = bad = 0.0
        for n, k in ((own, own_broken), (judged, disagreed)):
            worth = min(n, 8)
            good += worth * (n - k) / n if n else 0
            bad += worth * k / n if n else 0
        if good + bad:
            expected = (broken + 2) / (sound + broken + 4)
            worse = max(0.0, bad / (good + bad) - expected)
            keep = 1 - 0.5 * worse * min(1, (good + bad) / 8)
        else:
            keep = 1.0
        sound, broken = sound * rate * keep + good, broken * rate * keep + bad
    return (sound + 2) / (sound + broken + 4)


def counts() -> st.SearchStrategy[Day]:
    """Counts that a day can have: some readings are compared, some of those disagree and are broken."""
    return st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)).map(
        lambda t: (t[0], min(t[0], t[1] + min(t[0], t[2], t[3])), min(t[0], t[2], t[3]), min(t[0], t[3]))
    )


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.integers(0, 60), counts(), min_size=1, max_size=25))
def test_equals_the_plain_formula(days: dict[int, Day]) -> None:
    """The vectorised scores are what a loop over all days gives, gaps included."""
    frame = pl.concat([health({0: GOOD}, "other"), health(days)])
    got = trust_scores(frame).filter(station="a")
    for day, value in got.select("_day", "_score").iter_rows():
        assert value == pytest.approx(plain(days, (day - D0).days), abs=6e-5)


def test_the_worked_example() -> None:
    """The table of the reference page is what the code computes."""
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (\d+) \| .*? \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE
    )
    days = dict.fromkeys((*range(10), 12), GOOD) | {10: STUCK, 11: (24, 12, 12, 24)}
    assert [int(r[0]) for r in rows] == [1, 2, 3, 11, 12, 13, 14]
    scores = trust_scores(health(days))
    for number, *want in rows:
        ((value, low, high, n),) = (
            scores.filter(_day=D0 + timedelta(days=int(number) - 1))
            .select("_score", "_low", "_high", "_n")
            .iter_rows()
        )
        assert [f"{value:.4f}", f"{low:.4f}", f"{high:.4f}", f"{n:.1f}"] == want


def test_a_new_sensor_is_neither_trusted_nor_distrusted() -> None:
    """Without evidence the score is one half and the interval wide."""
    (first,) = (
        trust_scores(health({0: GOOD})).filter(_day=D0).select("_score", "_low", "_high", "_n").iter_rows()
    )
    assert first == (0.5, 0.1354, 0.8646, 0.0)


def test_a_score_knows_nothing_of_its_day_or_later() -> None:
    """Whatever happens on day d and after, the score for use on day d stays the same."""
    a = trust_scores(health(dict.fromkeys(range(20), GOOD)))
    b = trust_scores(health({d: GOOD if d < 10 else STUCK for d in range(20)}))
    upto = pl.col("_day") <= D0 + timedelta(days=10)
    assert a.filter(upto).equals(b.filter(upto))
    assert not a.filter(~upto).equals(b.filter(~upto))


def test_until_cuts_evidence_off() -> None:
    """Scored until a day, all is as if later evidence did not exist."""
    days = {d: STUCK if d % 3 else GOOD for d in range(20)}
    until = D0 + timedelta(days=12)
    short = health({d: c for d, c in days.items() if d < 12})
    assert trust_scores(health(days), until=until).equals(trust_scores(short, until=until))
    since = trust_scores(health(days), since=until, until=until)
    assert since.equals(trust_scores(health(days), until=until).filter(_day=until))


def test_as_known_counts_late_evidence_only_from_then_on() -> None:
    """What was received later cannot have been known: on time it changes nothing, late it waits."""
    on_time = health(dict.fromkeys(range(10), GOOD), received=None)
    assert trust_scores(on_time, as_known=True).equals(trust_scores(on_time))
    late = pl.concat([on_time, health({3: STUCK}, received=datetime(2026, 1, 8, 5, tzinfo=UTC))])
    seen = trust_scores(late, as_known=True)
    upto = pl.col("_day") <= D0 + timedelta(days=7)
    assert seen.filter(upto).equals(trust_scores(on_time).filter(upto))
    assert seen.filter(~upto)["_score"][0] < trust_scores(on_time).filter(~upto)["_score"][0]


def test_batches_add_up() -> None:
    """The same counts in one batch or in many, in any order, give the same scores to the last bit."""
    whole = health({d: (24, d % 5, 0, 24) for d in range(15)})
    parts = pl.concat(
        [health({d: (6, 0, 0, 6)}) for d in range(15) for _ in range(3)]
        + [health({d: (6, d % 5, 0, 6)}) for d in range(15)]
    )
    assert trust_scores(parts.sample(fraction=1, shuffle=True, seed=0)).equals(trust_scores(whole))


def test_trust_is_lost_faster_than_earned() -> None:
    """After a good year two stuck weeks bring a sensor below one half, and its record is worth less."""
    year = dict.fromkeys(range(365), GOOD)
    before = score(health(year), 365)
    after = score(health(year | dict.fromkeys(range(365, 379), STUCK)), 379)
    assert before[0] > 0.99
    assert after[0] < 0.5
    assert after[3] < before[3]


def test_one_bad_day_is_forgiven() -> None:
    """A storm that breaks one day costs some points, most of which are back after a month."""
    days = dict.fromkeys(range(100), GOOD) | {60: STUCK}
    frame = health(days)
    before, after, later = (score(frame, d)[0] for d in (60, 61, 92))
    assert before - after > 0.02
    assert before - later < (before - after) / 2


def test_neighbours_count_as_evidence_of_their_own() -> None:
    """A sensor that breaks no rule of its own but never agrees with its neighbours is not trusted."""
    lonely = health(dict.fromkeys(range(20), (24, 24, 24, 24)))
    assert score(lonely, 20)[0] < 0.05
    assert score(lonely, 20, TrustSettings(neighbour_weight=0))[0] == 0.5
    half = health(dict.fromkeys(range(30), (24, 12, 12, 24)))
    assert score(half, 30)[0] == pytest.approx(0.75, abs=0.01)


def test_agreement_does_not_help_what_is_broken() -> None:
    """A stuck value that happens to suit the neighbours gains nothing by that."""
    assert score(health(dict.fromkeys(range(20), STUCK)), 20)[0] < 0.05


def test_silence_is_no_lie() -> None:
    """A silent sensor drifts to one half, less and less sure; only if asked does silence count against it."""
    frame = health(dict.fromkeys(range(30), GOOD))
    now, then = score(frame, 30), score(frame, 330)
    assert now[0] > then[0] > 0.5
    assert then[2] - then[1] > now[2] - now[1]
    asked = TrustSettings(expected_s=3_600)
    assert score(frame, 330, asked)[0] < 0.1
    assert score(frame, 30, asked)[0] > 0.97
    half = health(dict.fromkeys(range(30), (12, 0, 0, 12)))
    assert score(half, 30, asked)[0] < score(frame, 30, asked)[0]


def test_more_readings_a_day_make_no_surer() -> None:
    """A reading a minute is not sixty times the evidence of one an hour; a reading a day is less."""
    hourly = score(health(dict.fromkeys(range(20), GOOD)), 20)
    minutely = score(health(dict.fromkeys(range(20), (1440, 0, 0, 1440))), 20)
    daily = score(health(dict.fromkeys(range(20), (1, 0, 0, 1))), 20)
    assert minutely == hourly
    assert daily[2] - daily[1] > hourly[2] - hourly[1]


def test_a_day_nobody_can_believe_counts_when_received() -> None:
    """Without a day, or with one in the future, evidence counts on the day of receipt."""
    received = datetime(2026, 1, 5, 8, tzinfo=UTC)
    known = health({4: STUCK}, received=received)
    for day in (None, date(9999, 12, 31), date(2026, 1, 7)):
        assert trust_scores(known.with_columns(_day=pl.lit(day, pl.Date()))).equals(trust_scores(known))
    old = trust_scores(known.with_columns(_day=pl.lit(date(1, 1, 1), pl.Date())), until=D0)
    assert old["_score"].to_list()[-1] == 0.5


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 400), counts(), min_size=1, max_size=30))
def test_scores_are_scores(days: dict[int, Day]) -> None:
    """Every score is in [0, 1], inside of its interval or at its edge, with four decimals."""
    got = trust_scores(health(days))
    for value, low, high, n in got.select("_score", "_low", "_high", "_n").iter_rows():
        assert 0 <= low <= value <= high <= 1
        assert n >= 0
        assert round(value, 4) == value


def test_a_score_comes_true() -> None:
    """Simulated sensors, each with a share of its own: the score is near it, 9 intervals of 10 hold it."""
    rng = np.random.default_rng(7)
    shares = rng.uniform(0.5, 1.0, 300)
    frames = [
        health({d: (8, int(b), 0, 0) for d, b in enumerate(rng.binomial(8, 1 - share, 120))}, f"s{i:03d}")
        for i, share in enumerate(shares)
    ]
    got = trust_scores(pl.concat(frames), until=D0 + timedelta(days=120)).filter(
        _day=D0 + timedelta(days=120)
    )
    got = got.sort("station")
    error = got["_score"].to_numpy() - shares
    assert -0.02 < error.mean() < 0.0  # a little low: bad days weigh more, see the page
    inside = (got["_low"].to_numpy() <= shares) & (shares <= got["_high"].to_numpy())
    assert 0.82 <= inside.mean() <= 0.97


def test_no_evidence_no_rows() -> None:
    """An empty frame gives an empty frame of the same columns."""
    empty = trust_scores(health({}), until=D0)
    assert empty.height == 0
    assert empty.schema == trust_scores(health({0: GOOD})).schema


def test_a_key_without_other_columns_is_one_sensor() -> None:
    """A feed whose key is time alone has one sensor; its readings are scored too."""
    one = trust_scores(health(dict.fromkeys(range(5), GOOD)).drop("station"))
    assert one["_score"].to_list() == trust_scores(health(dict.fromkeys(range(5), GOOD)))["_score"].to_list()
    rows = pl.DataFrame({"at": pl.Series([datetime(2026, 1, 3, tzinfo=UTC)]).dt.cast_time_unit("us")})
    assert (
        reading_scores(one, rows, "at", "pm25").tolist()
        == one.filter(_day=date(2026, 1, 3))["_score"].to_list()
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [("half_life_days", 0), ("surprise", 1.5), ("day_readings", float("nan")), ("expected_s", -1)],
)
def test_a_bad_setting_is_refused(setting: str, value: float) -> None:
    """The setting is named."""
    with pytest.raises(MalformedTrust, match=setting):
        TrustSettings(**{setting: value})


def test_a_frame_that_is_no_health_is_refused() -> None:
    """The missing column is named."""
    with pytest.raises(MalformedTrust, match="compared"):
        trust_scores(health({0: GOOD}).drop("_compared"))


def test_a_reading_gets_its_sensor_s_score_of_its_day() -> None:
    """By sensor and day; where there is none, the newest before; for a stranger, one half."""
    trust = trust_scores(pl.concat([health({0: GOOD, 1: GOOD}), health({0: STUCK}, "b")]))
    at = [datetime(2026, 1, d, 23, 59, 59, tzinfo=UTC) for d in (2, 1, 2, 9, 2)]
    rows = pl.DataFrame({"station": ["a", "a", "b", "a", "z"], "at": pl.Series(at).dt.cast_time_unit("us")})
    of = {(s, d): v for s, d, v in trust.select("station", "_day", "_score").iter_rows()}
    second, third = date(2026, 1, 2), date(2026, 1, 3)
    want = [of["a", second], 0.5, of["b", second], of["a", third], 0.5]
    assert reading_scores(trust, rows, "at", "pm25").tolist() == want
    assert reading_scores(trust, rows, "at", "other").tolist() == [0.5] * 5
    with pytest.raises(MalformedTrust, match="station"):
        reading_scores(trust, rows.drop("station"), "at", "pm25")


def test_weights_rise_with_trust() -> None:
    """A fully trusted reading weighs 1, a distrusted one a twenty-sixth, none weighs nothing."""
    scores = np.linspace(0, 1, 101)
    weights = trust_weights(scores)
    assert (np.diff(weights) > 0).all()
    assert (weights[0], weights[-1]) == (1 / 26, 1.0)
