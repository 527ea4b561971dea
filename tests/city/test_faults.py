"""The truth about planted faults matches what is delivered and what cleaning finds."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from veracity.city import FEEDS, Fault, Twin, contracts, panel, stations_of
from veracity.city.caught import Said, is_caught, strays
from veracity.data import clean as cleaning
from veracity.data.clean import clean, empty_memory
from veracity.data.contract import parse_contract
from veracity.data.panel import build_panel
from veracity.data.panel_definition import parse_panel
from veracity.data.records import TextFormat, parse_records, split_records

START = datetime(2026, 9, 1, tzinfo=UTC)
FORMAT = TextFormat("ndjson")


class Cleaned:
    """What the real parser, contracts and cleaning make of a twin's valid deliveries."""

    def __init__(self, twin: Twin) -> None:
        self.accepted: dict[str, pl.DataFrame] = {}
        self.quarantined: Counter[tuple[str, str, str]] = Counter()  # feed, station, reason: none that flags
        self.flags: list[pl.DataFrame] = []
        self.refused: Counter[tuple[str, str]] = Counter()  # feed, code
        self.n_late: Counter[str] = Counter()
        for feed in FEEDS:
            self._clean(twin, feed)

    def _clean(self, twin: Twin, feed: str) -> None:
        contract = parse_contract(contracts()[feed].read_bytes())
        key = list(contract.key)
        table, memory = pl.DataFrame(), empty_memory(contract)
        for d in twin.deliveries():
            if d.feed != feed or d.signing != "valid" or d.replay_of is not None:
                continue
            ends = split_records(d.payload, FORMAT, at_end=True)
            parsed = parse_records(d.payload, ends, FORMAT, None, 1, contract.source_names)
            self.refused.update((feed, r.code) for r in parsed.refusals)

            def known(keys: pl.DataFrame, seen: pl.DataFrame = table) -> pl.Series:
                if seen.is_empty():
                    return pl.repeat(False, keys.height, dtype=pl.Boolean, eager=True)
                held = seen.select(key).with_columns(held=True)
                joined = keys.join(held, on=key, how="left", maintain_order="left")
                return joined["held"].fill_null(value=False)

            done = clean(parsed.frame, contract, d.received_at, known, memory)
            memory = done.memory
            for row in done.quarantined.iter_rows(named=True):
                reasons = [reason for reason in row["reasons"] if contract.sets_aside(reason)]
                self.quarantined.update((feed, row["station"], reason) for reason in reasons)
            self.flags += _flags(feed, done)
            self.n_late[feed] += done.n_late
            table = pl.concat([table, done.accepted]) if table.width else done.accepted
        self.accepted[feed] = table

    @property
    def said(self) -> Said:
        """What the rules said, as the demonstration asks a home."""
        aside = [key for key, n in self.quarantined.items() for _ in range(n)]
        names = ["feed", "station", "reason"]
        refused = {code: n for (_, code), n in self.refused.items()}
        return Said(pl.concat(self.flags), pl.DataFrame(aside, names, orient="row"), refused, 1, 1)


def _flags(feed: str, done: cleaning.Cleaned) -> list[pl.DataFrame]:
    """Return feed, station, time and reason of each flag on an accepted row of a batch."""
    if done.verdicts is None:
        return []
    rows = done.accepted.select("_record", "station", "observed_at").join(done.verdicts, on="_record")
    told = rows.drop("_record", "outcome").unpivot(index=["station", "observed_at"], variable_name="reason")
    return [told.filter("value").select(pl.lit(feed).alias("feed"), "station", "observed_at", "reason")]


SEEDS = (1, 2, 7, 12)
over_seeds = pytest.mark.parametrize("seed", SEEDS, ids=[f"seed{seed}" for seed in SEEDS])


@cache
def run_of(seed: int) -> tuple[Twin, Cleaned]:
    """A twin and what cleaning makes of it: seconds, for all tests."""
    twin = Twin(seed, START)
    return twin, Cleaned(twin)


@pytest.fixture
def twin(seed: int) -> Twin:
    return run_of(seed)[0]


@pytest.fixture
def cleaned(seed: int) -> Cleaned:
    return run_of(seed)[1]


def faults(twin: Twin, *kinds: str) -> list[Fault]:
    """The planted faults of some kinds."""
    return [f for f in twin.truth if f.kind in kinds]


def readings(cleaned: Cleaned, fault: Fault) -> pl.DataFrame:
    """Accepted rows of a fault's station, within its time."""
    table = cleaned.accepted[fault.feed].filter(pl.col("station") == fault.station)
    return table.filter(pl.col("observed_at").is_between(fault.start, fault.end)).sort("observed_at")


@over_seeds
def test_every_kind_is_planted_once_at_least(twin: Twin, cleaned: Cleaned) -> None:
    """All eleven kinds are there, one fault to a station within a feed."""
    assert {f.kind for f in twin.truth} == {
        "gap", "spike", "stuck", "datum-jump", "wrong-unit", "unparsable", "broken-line",
        "duplicate", "late", "forged", "replay",
    }  # fmt: skip
    stations = [(f.feed, f.station) for f in twin.truth if f.station]
    assert len(set(stations)) == len(stations)
    assert all(START < f.start <= f.end <= START + timedelta(days=2) for f in twin.truth)


@over_seeds
def test_quarantine_is_the_truth_exactly(twin: Twin, cleaned: Cleaned) -> None:
    """Quarantine holds each planted record with its reason and not one record more."""
    expected = Counter(
        {
            (f.feed, f.station or "", f.reason or ""): f.n_records
            for f in twin.truth
            if f.outcome == "quarantined"
        }
    )
    assert cleaned.quarantined == expected


@over_seeds
def test_refusals_are_the_truth_exactly(twin: Twin, cleaned: Cleaned) -> None:
    """The broken line is refused with its code, and nothing else is."""
    assert cleaned.refused == Counter(
        {(f.feed, f.reason or ""): f.n_records for f in faults(twin, "broken-line")}
    )


@over_seeds
def test_late_messages_are_accepted_and_counted(twin: Twin, cleaned: Cleaned) -> None:
    """Late messages are all in the table, and the count of late rows is theirs alone."""
    late = faults(twin, "late")
    expected = Counter({f.feed: 0 for f in twin.truth}) + Counter({f.feed: f.n_records for f in late})
    assert +cleaned.n_late == expected
    for fault in late:
        assert readings(cleaned, fault).height == fault.n_records


@over_seeds
def test_accepted_is_all_the_rest(twin: Twin, cleaned: Cleaned) -> None:
    """Accepted = faultless readings less those absent, unreadable or set aside."""
    for feed in FEEDS:
        here = [f for f in twin.truth if f.feed == feed]
        lost = sum(
            f.n_records for f in here if f.kind in ("gap", "spike", "wrong-unit", "unparsable", "broken-line")
        )
        assert cleaned.accepted[feed].height == 576 * len(stations_of(feed)) - lost


@over_seeds
def test_gaps_are_gaps(twin: Twin, cleaned: Cleaned) -> None:
    """Within a gap the station says nothing; just before and after it speaks."""
    for fault in faults(twin, "gap"):
        assert readings(cleaned, fault).height == 0
        assert (fault.end - fault.start) / timedelta(minutes=5) + 1 == fault.n_records
        table = cleaned.accepted[fault.feed].filter(pl.col("station") == fault.station)
        for near in (fault.start - timedelta(minutes=5), fault.end + timedelta(minutes=5)):
            assert near in table["observed_at"].to_list()


@over_seeds
def test_what_is_flagged_is_what_was_planted(twin: Twin, cleaned: Cleaned) -> None:
    """A stuck value and a shifted datum are accepted just as planted, with a flag."""
    for fault in faults(twin, "stuck", "datum-jump"):
        assert fault.outcome == "accepted"
        assert fault.field is not None
        rows = readings(cleaned, fault)
        assert rows.height == fault.n_records
        station = [s.id for s in stations_of(fault.feed)].index(fault.station or "")
        true = twin.world.readings[fault.feed][fault.field][:, station]
        if fault.kind == "stuck":
            assert rows[fault.field].n_unique() == 1
        else:
            moved = rows[fault.field].to_numpy() - true[-fault.n_records :]
            assert np.allclose(moved, 1.35)


@over_seeds
def test_every_fault_is_caught(twin: Twin, cleaned: Cleaned) -> None:
    """Each fault in single records is named by its own rule, within 24 readings where it is a flag."""
    missed = [f for f in twin.truth if not is_caught(f, cleaned.said)]
    assert missed == []
    assert all((f.reason is None) == (f.station is None) for f in twin.truth)


@over_seeds
def test_hardly_a_flag_without_a_fault(twin: Twin, cleaned: Cleaned) -> None:
    """Of 41,000 readings, a storm and a flood among them, at most two are flagged for nothing; no jump is."""
    left = strays(twin.truth, cleaned.said)
    assert left.height <= 2
    assert set(left["reason"]) <= {"stuck:stage_m"}  # a river that stands still for long
    flags = cleaned.said.flags
    shifted = {(f.feed, f.station) for f in faults(twin, "datum-jump")}
    assert set(flags.filter(reason="shift:stage_m").select("feed", "station").iter_rows()) == shifted


@over_seeds
def test_untouched_records_carry_the_true_values(twin: Twin, cleaned: Cleaned) -> None:
    """Every accepted value that no fault touches is the faultless city's, at its station and time."""
    for feed in FEEDS:
        ids = [s.id for s in stations_of(feed)]
        touched = {f.station for f in twin.truth if f.feed == feed and f.kind in ("stuck", "datum-jump")}
        rows = cleaned.accepted[feed].filter(~pl.col("station").is_in(list(touched)))
        station = np.array([ids.index(s) for s in rows["station"]])
        minutes = (rows["observed_at"] - START).dt.total_minutes().to_numpy()
        for name, true in twin.world.readings[feed].items():
            got = rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            assert np.array_equal(got, true[minutes // 5 - 1, station], equal_nan=True)


@over_seeds
def test_whole_deliveries_are_named(twin: Twin, cleaned: Cleaned) -> None:
    """The forgery and the replay name their delivery and count its lines."""
    for kind in ("forged", "replay"):
        (fault,) = faults(twin, kind)
        deliveries = [d for d in twin.deliveries() if d.name == fault.delivery]
        assert len(deliveries) == (1 if kind == "forged" else 2)
        assert all(d.payload.count(b"\n") == fault.n_records for d in deliveries)


@over_seeds
def test_panel_joins_the_three_feeds(twin: Twin, cleaned: Cleaned) -> None:
    """The panel has wards and times where air, water and traffic were all measured."""
    times = dict.fromkeys(FEEDS, "observed_at")
    built = build_panel(parse_panel(panel().read_bytes()), cleaned.accepted, times)
    measured = built.filter(pl.all_horizontal(pl.col("^.*_state$") == "measured"))
    assert measured["ward"].n_unique() >= 5
    assert measured.height > 5 * 400
