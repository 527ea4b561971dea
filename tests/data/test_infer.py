"""A contract proposed from small files: each guess, and what it says of itself."""

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from inferring import propose, propose_csv
from veracity.data.contract import parse_contract
from veracity.data.errors import MalformedContract, WrongFile
from veracity.data.infer.propose import infer_contract
from veracity.feeds.errors import CorruptFile, UnknownFileKind, UnreadableFile
from veracity.feeds.sample import sample_files

START = datetime(2024, 3, 1)


def hours(n: int, shape: str = "%Y-%m-%d %H:%M") -> list[str]:
    return [(START + timedelta(hours=i)).strftime(shape) for i in range(n)]


def column(header: str, values: list[str], shape: str = "%Y-%m-%d %H:%M") -> str:
    """A file of one sensor, hourly, with one measured column."""
    return f"time,{header}\n" + "".join(
        f"{t},{v}\n" for t, v in zip(hours(len(values), shape), values, strict=True)
    )


def wave(low: float, high: float, n: int = 200) -> list[str]:
    """Values that go up and down, with one decimal."""
    return [f"{v:.1f}" for v in low + (high - low) * (0.5 + 0.5 * np.sin(np.arange(n) / 7.0))]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator(tmp_path: Path, separator: str) -> None:
    """The separator is the one that gives all records the same number of fields."""
    rows = [f"{t}{separator}A{i % 2}{separator}{i}.5" for i, t in enumerate(hours(60))]
    proposed = propose_csv(tmp_path, separator.join(["time", "station", "x"]) + "\n" + "\n".join(rows) + "\n")
    assert proposed.contract.separator == separator
    assert len(proposed.contract.fields) == 3


def test_decimal_comma_and_semicolons(tmp_path: Path) -> None:
    """``13,6`` is a number with a decimal comma where semicolons separate."""
    rows = "\n".join(f"{t};{v.replace('.', ',')}" for t, v in zip(hours(200), wave(5, 25), strict=True))
    proposed = propose_csv(tmp_path, f"time;T\n{rows}\n")
    assert proposed.contract.field("t").decimal == ","
    assert "decimal comma (sure)" in proposed.why("t")
    assert proposed.report.accepted == 200


def test_encoding(tmp_path: Path) -> None:
    """Lines that are not UTF-8 get an encoding in which they can be read, and a comment that says so."""
    path = tmp_path / "a.csv"
    path.write_bytes(
        "time,name\n2024-01-01 00:00,Montr\u00e9al\n2024-01-01 01:00,Qu\u00e9bec\n".encode("latin-1")
    )
    proposed = propose(path)
    assert proposed.contract.encoding == "windows-1252"
    assert "not UTF-8" in proposed.comments


def test_headerless_file_is_refused(tmp_path: Path) -> None:
    """A file that begins with data has no names to make a contract of: an error that says so."""
    (tmp_path / "a.csv").write_text("2024-01-01 00:00,1.5\n2024-01-01 01:00,2.5\n", encoding="utf-8")
    with pytest.raises(
        WrongFile, match="want names in the first line, got values such as '2024-01-01 00:00'"
    ):
        infer_contract(sample_files([tmp_path / "a.csv"]))


def test_names_become_columns(tmp_path: Path) -> None:
    """Headers become lower-case ASCII words; the header itself stays as physicalName; none is given twice."""
    header = "Time,CO(GT),PM2.5,Nhi\u1ec7t \u0111\u1ed9,Nhiet do,reasons,2nd"
    proposed = propose_csv(tmp_path, header + "\n" + "".join(f"{t},1,2,3,4,5,6.5\n" for t in hours(30)))
    names = {f.name: f.sources[0] for f in proposed.contract.fields}
    assert list(names) == ["observed_at", "co_gt", "pm25", "nhiet_do", "nhiet_do_2", "reasons_2", "c_2nd"]
    assert names["nhiet_do"] == "Nhi\u1ec7t \u0111\u1ed9"
    assert names["co_gt"] == "CO(GT)"


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", ()),
        ("%Y-%m-%d %H:%M", ()),
        ("%d/%m/%Y %H:%M", ("%d/%m/%Y %H:%M",)),
        ("%m/%d/%Y %I:%M:%S %p", ("%m/%d/%Y %I:%M:%S %p",)),
        ("%H:%M %d/%m/%Y", ("%H:%M %d/%m/%Y",)),
        ("%Y%m%d%H%M", ("%Y%m%d%H%M",)),
        ("%d.%m.%Y %H:%M", ("%d.%m.%Y %H:%M",)),
    ],
)
def test_shapes_of_time(tmp_path: Path, shape: str, wanted: tuple[str, ...]) -> None:
    """Times are read in the shape they have; ISO 8601 needs none."""
    proposed = propose_csv(tmp_path, column("T", wave(5, 25, 900), shape))
    assert proposed.contract.field("observed_at").formats == wanted
    assert proposed.report.accepted == 900
    assert proposed.contract.frequency_s == 3600


def test_day_and_month_that_cannot_be_told_are_marked(tmp_path: Path) -> None:
    """Where both readings fit, the one of the shorter time is taken, and the comment asks for a check."""
    proposed = propose_csv(tmp_path, column("T", wave(5, 25, 100), "%d/%m/%Y %H:%M"))
    assert proposed.contract.field("observed_at").formats == ("%d/%m/%Y %H:%M",)
    assert "CHECK day and month" in proposed.why("observed_at")


def test_date_and_time_are_joined(tmp_path: Path) -> None:
    """A column of dates and one of times of day become one event time."""
    rows = "".join(f"{d.replace(' ', ',')},{i}.5\n" for i, d in enumerate(hours(100, "%d/%m/%Y %H.%M.%S")))
    proposed = propose_csv(tmp_path, "Date,Time,level_m\n" + rows)
    assert proposed.contract.field("observed_at").joined == ("Date", "Time")
    assert proposed.report.accepted == 100


def test_year_month_day_hour_minute_are_joined(tmp_path: Path) -> None:
    """A time written in a column for each part is joined."""
    rows = "".join(d.replace(" ", ",") + f",{i}.5\n" for i, d in enumerate(hours(100, "%Y %m %d %H %M")))
    proposed = propose_csv(tmp_path, "year,month,day,hour,minute,x\n" + rows)
    assert proposed.contract.field("observed_at").joined == ("year", "month", "day", "hour", "minute")
    assert proposed.report.accepted == 100


@pytest.mark.parametrize(
    ("header", "name", "zone"),
    [
        ("time_kst", "a.csv", "Asia/Seoul"),
        ("time", "hanoi_air.csv", "Asia/Ho_Chi_Minh"),
        ("time", "a.csv", "UTC"),
    ],
)
def test_zone(tmp_path: Path, header: str, name: str, zone: str) -> None:
    """The zone comes from the header or a place named; else UTC, with a mark to check it."""
    text = column("T", wave(5, 25)).replace("time", header, 1)
    proposed = propose_csv(tmp_path, text, name)
    assert proposed.contract.field("observed_at").zone == zone
    assert ("CHECK the zone" in proposed.why("observed_at")) == (zone == "UTC")


def test_zone_from_positions(tmp_path: Path) -> None:
    """Positions that all lie in one country give its zone."""
    rows = "".join(
        f"{t},S{i % 3},16.0{i % 3},108.2{i % 3},{20 + i % 5}.5\n" for i, t in enumerate(hours(120))
    )
    proposed = propose_csv(tmp_path, "time,station,lat,lon,temp\n" + rows)
    assert proposed.contract.field("observed_at").zone == "Asia/Ho_Chi_Minh"


@pytest.mark.parametrize(
    ("header", "low", "high", "unit", "scale"),
    [
        ("Temp", 5, 35, "Cel", 1.0),
        ("Temp", 55, 95, "Cel", 0.555555555556),  # degF
        ("temp_f", 55, 95, "Cel", 0.555555555556),
        ("T (K)", 280, 300, "Cel", 1.0),
        ("RH", 20, 95, "%", 1.0),
        ("RH", 0.2, 0.9, "%", 100.0),
        ("PM2.5", 5, 80.5, "ug/m3", 1.0),
        ("O3 (ppb)", 5, 80.5, "[ppb]", 1.0),
        ("CO (mg/m3)", 0.5, 3, "mg/m3", 1.0),
        ("CO", 0.5, 3, "mg/m3", 1.0),
        ("pressure", 990, 1020, "hPa", 1.0),
        ("pressure", 99.0, 102, "hPa", 10.0),
        ("pressure", 99000, 102000, "hPa", 0.01),
        ("wind_speed", 0, 12, "m/s", 1.0),
        ("wind_kmh", 0, 40, "m/s", 0.277777777778),
        ("rain_mm", 0, 9, "mm", 1.0),
        ("conductivity", 200, 400, "uS/cm", 1.0),
        ("latitude", 15, 17, "deg", 1.0),
        ("discharge (m3/s)", 10, 90, "m3/s", 1.0),
    ],
)
def test_units(tmp_path: Path, header: str, low: float, high: float, unit: str, scale: float) -> None:
    """Name, header and values give the unit; what is in another is converted."""
    proposed = propose_csv(tmp_path, column(header, wave(low, high)))
    f = proposed.contract.fields[-1]
    assert f.unit == unit
    assert f.scale == pytest.approx(scale)
    assert proposed.report.accepted == 200


def test_hot_machines_are_not_taken_for_degrees_fahrenheit(tmp_path: Path) -> None:
    """Beside a voltage, 85 degrees may be Celsius: no unit is proposed, and the comment says why."""
    rows = "".join(
        f"{t},{v},{230 + i % 7}.5\n" for i, (t, v) in enumerate(zip(hours(200), wave(70, 95), strict=True))
    )
    proposed = propose_csv(tmp_path, "time,Temperature,Voltage\n" + rows)
    assert proposed.contract.field("temperature").unit is None
    assert "or a hot machine in Cel" in proposed.why("temperature")


def test_points_of_an_index_are_no_concentrations(tmp_path: Path) -> None:
    """Where the index is the greatest of the pollutants, these are points of it and no ug/m3."""
    rows = "".join(f"{t},{max(i % 50, i % 70)},{i % 50},{i % 70}\n" for i, t in enumerate(hours(300)))
    proposed = propose_csv(tmp_path, "time,aqi,pm25,pm10\n" + rows)
    assert {proposed.contract.field(n).unit for n in ("aqi", "pm25", "pm10")} == {"{AQI}"}
    assert "no ug/m3" in proposed.why("pm25")
    alone = propose_csv(tmp_path, column("pm25", [str(i % 60) for i in range(200)]))
    assert alone.contract.field("pm25").unit == "ug/m3"
    assert "CHECK: whole numbers from 0 to 500 only" in alone.why("pm25")


def test_missing_tokens_and_sentinels(tmp_path: Path) -> None:
    """Words for "no value" and numbers far from all others are not values; the comment counts them."""
    values = wave(5, 25, 300)
    for i, token in (
        (3, "N/A"),
        (9, "-"),
        (50, "-9999"),
        (51, "-9999"),
        (52, "-9999"),
        (80, "off"),
        (81, "off"),
    ):
        values[i] = token
    values[82] = "off"
    proposed = propose_csv(tmp_path, column("T", values))
    f = proposed.contract.field("t")
    assert {"N/A", "-", "-9999", "off"} <= f.missing
    assert "-9999 3 times, a common code" in proposed.why("t")
    assert proposed.report.accepted == 300


def test_a_repeated_value_far_from_all_is_a_sentinel(tmp_path: Path) -> None:
    """An extreme that comes five times and lies as far off as the rest spans is taken for no value."""
    proposed = propose_csv(tmp_path, column("x", wave(5, 25, 300)[:-6] + ["777"] * 6))
    assert "777" in proposed.contract.field("x").missing
    once = propose_csv(tmp_path, column("x", [*wave(5, 25, 300)[:-1], "777"]))
    assert "777" not in once.contract.field("x").missing


def test_ranges(tmp_path: Path) -> None:
    """Known quantities get the limits of physics, others the bulk and as much again; both are explained."""
    known = propose_csv(tmp_path, column("humidity", [*wave(20, 95, 299), "131.9"]))
    f = known.contract.field("humidity")
    assert (f.minimum, f.maximum) == (0, 100)
    assert "1 value beyond 100 will be set aside (saturation)" in known.why("humidity")
    assert known.report.reasons == {"range:humidity": 1}
    unknown = propose_csv(tmp_path, column("x", [*wave(100, 200, 299), "9000.5"]))
    f = unknown.contract.field("x")
    assert f.minimum == 0
    assert f.maximum is not None
    assert 300 <= f.maximum < 9000
    cold = propose_csv(tmp_path, column("temp", [*wave(15, 35, 1499), "-20.5"]))
    assert "CHECK: far from the bulk but within the bounds, 1 value: -20.5" in cold.why("temp")


def test_a_limit_that_many_values_pass_is_doubted(tmp_path: Path) -> None:
    """Where more than one value in 200 lies beyond a limit of physics, the unit is what is wrong."""
    proposed = propose_csv(tmp_path, column("humidity", wave(20, 400, 400)))
    assert "CHECK the unit" in proposed.why("humidity")
    assert proposed.report.accepted == 400


def test_sensor_and_key(tmp_path: Path) -> None:
    """The sensor is the column that with the time makes rows unique; digits that name things stay names."""
    rows = "".join(f"{t},100{s},north,{s + i % 9}.5\n" for i, t in enumerate(hours(100)) for s in range(3))
    proposed = propose_csv(tmp_path, "time,station_id,area,level\n" + rows)
    assert proposed.contract.key == ("station_id", "observed_at")
    assert proposed.contract.field("station_id").type == "string"
    assert "(likely): unique in all rows looked at" in proposed.comments


def test_key_that_repeats_itself_says_so(tmp_path: Path) -> None:
    """Copies and repeated keys are counted in the comment."""
    rows = [f"{t},S{s},{s + i % 9}.5" for i, t in enumerate(hours(100)) for s in range(3)]
    rows += [*rows[:10], rows[0].rsplit(",", 1)[0] + ",7.5"]
    proposed = propose_csv(tmp_path, "time,station,level\n" + "\n".join(rows) + "\n")
    assert proposed.contract.key == ("station", "observed_at")
    assert "1 of 301 rows repeat one" in proposed.comments
    assert "10 rows are exact copies" in proposed.comments
    assert proposed.report.reasons["duplicate-key"] == 11


def test_key_without_time(tmp_path: Path) -> None:
    """A list of things has the key that names them, and no sensor rules."""
    rows = "".join(f"V{i},{i / 7:.3f},{i / 9:.3f}\n" for i in range(50))
    proposed = propose_csv(tmp_path, "sensor,latitude,longitude\n" + rows)
    assert proposed.contract.key == ("sensor",)
    assert proposed.contract.rules == ()


def test_interval(tmp_path: Path) -> None:
    """The interval is the step that most readings of a sensor keep; without one there is none."""
    regular = propose_csv(tmp_path, column("T", wave(5, 25)))
    assert regular.contract.frequency_s == 3600
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.integers(1, 90_000, 200))
    rows = "".join(
        f"{START + timedelta(seconds=int(t))},{v}\n" for t, v in zip(times, wave(5, 25), strict=True)
    )
    irregular = propose_csv(tmp_path, "time,T\n" + rows)
    assert irregular.contract.frequency_s is None
    assert "no frequency: irregular" in irregular.comments


def test_few_values_are_listed(tmp_path: Path) -> None:
    """A column of few, frequent words lists them; wind directions are all 16."""
    rows = "".join(
        f"{t},{'ab'[i % 2]},{('N', 'NE', 'E', 'S')[i % 4]},{i % 2}\n" for i, t in enumerate(hours(200))
    )
    proposed = propose_csv(tmp_path, "time,sky,wd,rain_flag\n" + rows)
    assert proposed.contract.field("sky").values == ("a", "b")
    assert len(proposed.contract.field("wd").values or ()) == 16
    assert proposed.contract.field("rain_flag").values == ("0", "1")


def test_wide_files(tmp_path: Path) -> None:
    """Columns that differ in a number become one property, their numbers the sensors."""
    names = [f"wl_{100 + i}" for i in range(4)] + [f"rf_{200 + i}" for i in range(3)]
    rows = "".join(
        f"{t}," + ",".join(f"{k + i % 5}.25" for k in range(7)) + "\n" for i, t in enumerate(hours(80))
    )
    proposed = propose_csv(tmp_path, f"time,{','.join(names)}\n{rows}")
    assert proposed.contract.carried == "station"
    assert {f.template for f in proposed.contract.fields if f.template} == {"wl_{station}", "rf_{station}"}
    assert (proposed.report.received, proposed.report.accepted) == (560, 560)


def test_pollutants_are_no_wide_file(tmp_path: Path) -> None:
    """``pm1``, ``pm25`` and ``pm10`` are three quantities, not three sensors."""
    rows = "".join(f"{t},{i % 9}.5,{i % 19}.5,{i % 29}.5\n" for i, t in enumerate(hours(80)))
    proposed = propose_csv(tmp_path, "time,pm_1,pm_25,pm_10\n" + rows)
    assert proposed.contract.carried is None
    assert [f.unit for f in proposed.contract.fields[1:]] == ["ug/m3"] * 3


def test_empty_and_constant_columns(tmp_path: Path) -> None:
    """A column without values is left out, one with a single value kept; both say so."""
    rows = "".join(f"{t},,Riverside,{i % 9}.5\n" for i, t in enumerate(hours(80)))
    proposed = propose_csv(tmp_path, "time,spare,site,level\n" + rows)
    assert [f.name for f in proposed.contract.fields] == ["observed_at", "site", "level"]
    assert "left out: 'spare' holds no value" in proposed.comments
    assert "constant in the records looked at: 'Riverside'" in proposed.why("site")


def test_sensor_rules_are_flags(tmp_path: Path) -> None:
    """Sensor rules are proposed where there is a key with time and an interval, and set nothing aside."""
    proposed = propose_csv(tmp_path, column("temp", wave(5, 25, 1_200)))
    kinds = {r.kind for r in proposed.contract.rules}
    assert {"order", "gap", "stuck", "spike", "rate"} <= kinds
    assert {r.action for r in proposed.contract.rules} == {"flag"}
    assert proposed.report.accepted == 1_200


@pytest.mark.parametrize("n", [150, 1_200])
def test_many_columns(tmp_path: Path, n: int) -> None:
    """More columns or rules than a contract may hold are left out, and the proposal says so."""
    columns = {f"a{chr(97 + i % 26)}_{i}x": [float(v) + i for v in wave(5, 25, 48)] for i in range(n)}
    pl.DataFrame({"time": hours(48), **columns}).write_parquet(tmp_path / "a.parquet")
    text = infer_contract(sample_files([tmp_path / "a.parquet"])).decode()
    contract = parse_contract(text.encode())
    assert len(contract.fields) == min(n + 1, 1_000)
    assert len(contract.rules) <= 256
    if n == 150:
        assert "no sensor rules: a contract has at most 256" in text


def test_rows_out_of_order_get_no_rule_of_order(tmp_path: Path) -> None:
    """A file that is not sorted is not held to an order; the comment says what that costs."""
    head, *rows = column("temp", wave(5, 25)).splitlines()
    proposed = propose_csv(tmp_path, "\n".join([head, *rows[::-1]]) + "\n")
    assert "order" not in {r.kind for r in proposed.contract.rules}
    assert "no rule of order" in proposed.comments


def test_what_data_say_cannot_break_the_contract(tmp_path: Path) -> None:
    """Line breaks, quotes, colons and marks in names and values stay where they belong."""
    odd = 'a: "b"\n# [c]\u202e'
    rows = [{"time": t, odd: f"x\n- {i % 2}", "{t}": 1, "\U0001f600": "#1"} for i, t in enumerate(hours(60))]
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    proposed = propose(path)
    assert odd in proposed.contract.source_names
    assert proposed.report.accepted == 60
    assert "\u202e" not in "".join(x for x in proposed.text.splitlines() if x.lstrip().startswith("#"))


@pytest.mark.parametrize("kind", ["ndjson", "csv.gz", "parquet"])
def test_kinds_of_files(tmp_path: Path, kind: str) -> None:
    """NDJSON, gzip and Parquet give the same columns as the CSV."""
    frame = pl.read_csv(column("temp", wave(5, 25)).encode())
    path = tmp_path / f"feed.{kind}"
    if kind == "ndjson":
        frame.write_ndjson(path)
    elif kind == "parquet":
        frame.write_parquet(path)
    else:
        path.write_bytes(gzip.compress(frame.write_csv().encode()))
    proposed = propose(path)
    assert [(f.name, f.type) for f in proposed.contract.fields] == [
        ("observed_at", "timestamp"),
        ("temp", "number"),
    ]
    assert proposed.report.accepted == 200


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "ndjson", "parquet"])
def test_a_part_is_looked_at_and_said_so(tmp_path: Path, kind: str) -> None:
    """Of a file with more records than asked for a part is read, and the proposal says so."""
    frame = pl.DataFrame({"time": hours(5_000), "temp": [float(v) for v in wave(5, 25, 5_000)]})
    path = tmp_path / f"feed.{kind}"
    if kind == "ndjson":
        frame.write_ndjson(path)
    elif kind == "parquet":
        frame.write_parquet(path)
    else:
        body = frame.write_csv().encode()
        path.write_bytes(gzip.compress(body) if kind.endswith("gz") else body)
    proposed = propose(path, records=1_600)
    assert "1,600 records, a part of them" in proposed.comments
    assert proposed.contract.frequency_s == 3600
    assert proposed.report.accepted == 5_000


def empty(path: Path) -> Path:
    path.write_text("")
    return path


def header_only(path: Path) -> Path:
    path.write_text("a,b\n")
    return path


@pytest.mark.parametrize(
    ("make", "name", "error"),
    [
        (lambda p: p, "none.csv", UnreadableFile),
        (empty, "a.csv", WrongFile),
        (header_only, "a.csv", WrongFile),
        (empty, "a.xlsx", UnknownFileKind),
        (empty, "a.parquet", UnknownFileKind),
        (lambda p: p.write_bytes(b"PAR1 but no more") and p, "a.parquet", CorruptFile),
    ],
)
def test_bad_files(tmp_path: Path, make: Callable[[Path], Path], name: str, error: type[Exception]) -> None:
    """A file that cannot be read, or holds nothing, is one of our errors."""
    with pytest.raises(error):
        infer_contract(sample_files([make(tmp_path / name)]))


def test_bad_settings(tmp_path: Path) -> None:
    """A feed's name or a zone that is none is refused as in any contract."""
    (tmp_path / "a.csv").write_text(column("T", wave(5, 25)), encoding="utf-8")
    with pytest.raises(MalformedContract, match="id: want a feed name"):
        propose(tmp_path / "a.csv", feed="No Name")
    with pytest.raises(MalformedContract, match="want a zone"):
        propose(tmp_path / "a.csv", zone="Mars/Olympus")


def test_several_files_are_one_feed(tmp_path: Path) -> None:
    """Files of one shape are looked at together; files of two kinds are refused."""
    head, *rows = column("T", wave(5, 25)).splitlines()
    (tmp_path / "a.csv").write_text("\n".join([head, *rows[:100]]) + "\n")
    (tmp_path / "b.csv").write_text("\n".join([head, *rows[100:]]) + "\n")
    text = infer_contract(sample_files([tmp_path / "a.csv", tmp_path / "b.csv"])).decode()
    assert "from a.csv, b.csv: 200 records, all of them" in text
    pl.read_csv(tmp_path / "a.csv").write_parquet(tmp_path / "c.parquet")
    with pytest.raises(WrongFile, match="want all of one kind"):
        sample_files([tmp_path / "a.csv", tmp_path / "c.parquet"])
