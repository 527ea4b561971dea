"""A calibration in a city: fitted, said, used, audited, taken back."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from calibrated_post import DAY_US, DEFINITION, START_US, post
from small_city import clock, new_city
from veracity.data.calibration import CannotCalibrate, MalformedCalibration
from veracity.data.digest import frame_digest
from veracity.errors import VeracityError
from veracity.home.calibration_audit import audit_calibration, is_correction
from veracity.home.calibrations import (
    CalibrationWithdrawn,
    UnknownCalibration,
    calibrations,
    document_path,
    fit_calibration,
    load_calibration,
    say_fitted,
)
from veracity.home.contracts import add_feed
from veracity.home.corrections import correct, say_corrected, withdraw
from veracity.home.errors import BadName, StateBehind, UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.provenance.statements import Transform

PERSON, REASON = "Tran Thi Mai", "the inlet was blocked"
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: FEED
name: Made for tests (simulated)
version: 1.0.0
status: active
tags: [simulated]
description: {purpose: Tests., limitations: Simulated.}
servers:
  - {server: file, type: local, format: csv}
schema:
  - name: readings
    logicalType: object
    properties:
      - {name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: time, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
"""
SENSOR = ["x", "t"]
DEVICE = "device: {station: S1}\nreference_device: {station: R}\n"


def contract(folder: Path, feed: str, columns: list[str]) -> Path:
    path = folder / f"{feed}.yaml"
    units = {"t": "Cel", "y": "ug/m3"}
    lines = [
        f"      - {{name: {c}, logicalType: number"
        + (f", customProperties: [{{property: unit, value: {units[c]}}}]" if c in units else "")
        + "}\n"
        for c in columns
    ]
    path.write_text(CONTRACT.replace("FEED", feed) + "".join(lines), encoding="utf-8")
    return path


def csv(path: Path, rows: pl.DataFrame, columns: list[str], stations: tuple[str, ...]) -> Path:
    frame = pl.concat(rows.select(pl.lit(s).alias("station"), "time", *columns) for s in stations)
    frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sensors and a reference in two feeds, sixty days and then forty more; a fit on the sixty."""
    folder = tmp_path_factory.mktemp("calibrations")
    root = new_city(folder / "city")
    (folder / "cal.yaml").write_text(DEFINITION + DEVICE, encoding="utf-8")
    rows = post(100, noise=1.0)
    parts = rows.head(60 * 24), rows.tail(40 * 24)
    with open_writer(root, clock) as home:
        add_feed(home, contract(folder, "cheap", SENSOR))
        add_feed(home, contract(folder, "fine", ["y"]))
        for i, part in enumerate(parts):
            ingest(home, "cheap", [csv(folder / f"c{i}.csv", part, SENSOR, ("S1", "S2"))])
            ingest(home, "fine", [csv(folder / f"f{i}.csv", part, ["y"], ("R",))])
            if i == 0:
                say_fitted(home, fit_calibration(home, folder / "cal.yaml", "cheap", "fine"))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "made"))


def test_a_fit_names_what_it_was_made_of(made: Path) -> None:
    """The statement names both tables by batch and digest, the definition, the pairs and the document."""
    home = Home.open(made / "city", clock)
    (said,) = calibrations(home)
    predicate = home.index.predicate(said.entry)
    c = load_calibration(home, said.sha256)
    assert [(i["feed"], i["up_to_batch"]) for i in predicate["inputs"]] == [("cheap", 0), ("fine", 0)]
    assert [s.sha256 for s in c.sources] == [i["sha256"] for i in predicate["inputs"]]
    assert predicate["pairs"] == {"rows": 60 * 24, "sha256": c.pairs_sha256}
    assert (predicate["definition"], predicate["simulated"]) == (c.definition_sha256, True)
    assert (c.units, c.unit) == ((None, "Cel"), "ug/m3")
    assert json.loads(home.objects.get(document_path(said.sha256)))["name"] == "post"
    home.close()


def test_a_fit_is_made_again_by_audit(made: Path) -> None:
    """Later batches change nothing: the audit fits on those named and finds the same document."""
    home = Home.open(made / "city", clock)
    (said,) = calibrations(home)
    assert audit_calibration(home, said.entry) == []
    assert audit_calibration(home, 1) == [
        ("statement", "want calibrate, transform or withdraw, got entry 1 of another kind")
    ]
    home.close()


def test_correcting_is_a_transform_that_can_be_made_again(folder: Path) -> None:
    """Only the device's rows are corrected, the raw table stays, and the same again is one statement."""
    with open_writer(folder / "city", clock) as home:
        before = frame_digest(home.table("cheap").scan().collect())
        done = say_corrected(home, correct(home, "post"))
        assert done.entry is not None
        assert done.frame["station"].unique().to_list() == ["S1"]
        states = dict(done.frame["x_corrected_state"].value_counts().iter_rows())
        assert states["outside"] == 20 * 24 + 10 * 24  # before the first fit; 30 days after day 60
        assert frame_digest(home.table("cheap").scan().collect()) == before
        truth = post(100, noise=1.0)
        off = done.frame["x_corrected"] - truth["y"]
        assert off.abs().mean() == pytest.approx(0.8, abs=0.1)  # of noise 1: its mean absolute value
        size = home.log.size
        assert say_corrected(home, correct(home, done.calibration.sha256[:12])).entry == done.entry
        assert home.log.size == size
        assert audit_calibration(home, done.entry) == []
        assert is_correction(home, done.statement, done.entry)
        assert not is_correction(home, done.statement, 0)


def test_undoing_loses_nothing(folder: Path) -> None:
    """After a withdrawal from a time on those rows get no value; after one of all, none do; raw stays."""
    turn = datetime.fromtimestamp((START_US + 50 * DAY_US) // 1_000_000, UTC)
    with open_writer(folder / "city", clock) as home:
        raw = frame_digest(home.table("cheap").scan().collect())
        whole = say_corrected(home, correct(home, "post"))
        entry, said = withdraw(home, "post", PERSON, REASON, turn)
        assert (said.person, said.reason) == (PERSON, REASON)
        part = say_corrected(home, correct(home, "post"))
        states = part.frame.filter(pl.col("time") >= turn)["x_corrected_state"].unique().to_list()
        assert sorted(states) == ["outside", "withdrawn"]
        early = [f.frame.filter(pl.col("time") < turn) for f in (whole, part)]
        assert early[0].equals(early[1])
        with pytest.raises(CalibrationWithdrawn):
            withdraw(home, "post", PERSON, REASON, turn)
        last, _ = withdraw(home, "post", PERSON, "all along")
        with pytest.raises(CalibrationWithdrawn, match=f"{PERSON} took back .log entry {last}.: all along"):
            correct(home, "post")
        again = say_fitted(home, fit_calibration(home, folder / "cal.yaml", "cheap", "fine"))
        assert audit_calibration(home, again.entry or 0) == []
        assert correct(home, "post").calibration.sha256 == again.calibration.sha256
        withdraw(home, "post", PERSON, REASON)
        with pytest.raises(CalibrationWithdrawn, match="once more"):
            say_fitted(home, again)
        assert frame_digest(home.table("cheap").scan().collect()) == raw
        for idx in (whole.entry, entry, part.entry, last):
            assert idx is not None
            assert audit_calibration(home, idx) == []


def test_what_is_no_calibration_of_this_city(folder: Path) -> None:
    """Unknown names and feeds, a device not named, people without a name: nothing of it is said."""
    with open_writer(folder / "city", clock) as home:
        size = home.log.size
        path = folder / "other.yaml"
        with pytest.raises(UnknownFeed):
            fit_calibration(home, folder / "cal.yaml", "cheap", "finest")
        two = "name: r\nsensor: rain\nreference: rain\ndevice: {gauge: G1}\nreference_device: {gauge: G2}\n"
        other = (DEFINITION + DEVICE).replace("[t]", "[humidity]")
        wrong: list[tuple[str, str, type[VeracityError], str]] = [
            (two, "rain", CannotCalibrate, "feed rain: want batches"),
            (
                DEFINITION,
                "cheap",
                MalformedCalibration,
                "device: want a value for the key of cheap .station.",
            ),
            (other, "cheap", MalformedCalibration, "got 'humidity'"),
        ]
        for text, feed, error, message in wrong:
            path.write_text(text, encoding="utf-8")
            with pytest.raises(error, match=message):
                fit_calibration(home, path, feed, "fine" if feed == "cheap" else None)
        for name in ("other", "abc", "0" * 64, ""):
            with pytest.raises(UnknownCalibration, match=r"want one of those fitted \(post\)"):
                correct(home, name)
        for person, reason in (
            ("", REASON),
            ("  ", REASON),
            ("a\nb", REASON),
            (PERSON, ""),
            (PERSON, "x" * 2000),
        ):
            with pytest.raises(BadName):
                withdraw(home, "post", person, reason)
        assert home.log.size == size


def test_a_document_that_was_changed_is_noticed(folder: Path) -> None:
    """A coefficient changed in the store: nothing is corrected by it, and the audit says where."""
    with open_writer(folder / "city", clock) as home:
        done = say_corrected(home, correct(home, "post"))
        (said,) = calibrations(home)
        path = folder / "city" / "store" / document_path(said.sha256)
        path.write_bytes(path.read_bytes().replace(b'"term":"gain"', b'"term":"grin"', 1))
        with pytest.raises(StateBehind, match="want a file of that digest"):
            correct(home, "post")
        assert done.entry is not None
        for idx in (said.entry, done.entry):
            ((what, detail),) = audit_calibration(home, idx)
            assert what.endswith("again")
            assert said.sha256[:16] in detail


def test_lies_about_calibrations_are_found(folder: Path) -> None:
    """Another digest, other batches, an unknown calibration, not simulated: the audit says each."""
    with open_writer(folder / "city", clock) as home:
        done = say_corrected(home, correct(home, "post"))
        fitted = fit_calibration(home, folder / "cal.yaml", "cheap", "fine")
        s = fitted.statement
        stated = done.statement
        home.objects.put(f"calibrations/{s.definition_sha256}.yaml", fitted.definition.text)
        home.objects.put(document_path(s.document_sha256), fitted.calibration.text)

        def found(statement: object) -> list[str]:
            idx = home.say(statement.to_statement())  # type: ignore[attr-defined]
            return sorted({what for what, _ in audit_calibration(home, idx)})

        assert found(replace(s, simulated=False)) == ["statement"]
        assert found(replace(s, engine="other/1")) == ["statement"]
        assert found(replace(s, inputs=(replace(s.inputs[0], sha256="00" * 32), s.inputs[1]))) == ["input"]
        older = tuple(replace(i, up_to_batch=0) for i in s.inputs)
        assert "calibration made again" in found(replace(s, inputs=older))
        assert found(replace(s, document_sha256=calibrations(home)[0].sha256)) == ["calibration made again"]
        assert found(replace(stated, output=replace(stated.output, sha256="00" * 32))) == [
            "rows corrected again"
        ]
        assert found(replace(stated, definition_sha256="00" * 32)) == ["statement"]
        assert found(replace(stated, name="other")) == ["statement"]
        assert isinstance(stated, Transform)
        _, taken = withdraw(home, "post", PERSON, REASON)
        assert found(replace(taken, document_sha256="00" * 32)) == ["statement"]
