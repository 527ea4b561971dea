"""``veracity calibration``: fit, apply, show, undo, as text and as JSON."""

import json
from pathlib import Path

import polars as pl
import pytest

from calibrated_post import CONTRACT, DEFINITION, post
from run_cli import Here, is_one_line
from small_city import clock, new_city
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer
from veracity.home.ingest import ingest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = new_city(tmp_path / "city")
    (tmp_path / "post.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "cal.yaml").write_text(DEFINITION, encoding="utf-8")
    post(100, noise=1.0).write_csv(tmp_path / "p.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    with open_writer(root, clock) as home:
        add_feed(home, tmp_path / "post.yaml")
        ingest(home, "post", [tmp_path / "p.csv"])
    return tmp_path


def test_the_whole_way(here: Here, folder: Path) -> None:
    """Fit, show, apply, undo, and then apply says who took it back and why, and exits 1."""
    home = ["--home", str(folder / "city")]
    done = here("calibration", "fit", "post", "--definition", folder / "cal.yaml", *home)
    assert (done.code, done.err) == (0, "")
    assert "SIMULATED" in done.out
    assert "* recent adjusted" in done.out
    listed = json.loads(here("calibration", "show", *home, "--json").out)
    assert [(i["name"], i["withdrawn"]) for i in listed["items"]] == [("post", [])]
    shown = json.loads(here("calibration", "show", "post", *home, "--json").out)
    assert shown["sha256"] == listed["items"][0]["document"]
    assert shown["calibration"]["schema"] == "veracity.calibration/v1"
    assert "in force" in here("calibration", "show", "post", *home).out
    to = folder / "out.parquet"
    applied = json.loads(here("calibration", "apply", "post", "--to", to, *home, "--json").out)
    assert (applied["rows"], applied["simulated"]) == (2_400, True)
    assert pl.read_parquet(to)["x_corrected"].count() == sum(
        applied["states"][s] for s in ("corrected", "extrapolated")
    )
    undo = ["calibration", "undo", "post", "--by", "Tran Thi Mai", "--reason", "the inlet was blocked", *home]
    assert here(*undo).code == 0
    refused = here("calibration", "apply", "post", "--to", folder / "other.csv", *home)
    assert refused.code == 1
    assert is_one_line(refused)
    assert "Tran Thi Mai took back" in refused.err
    assert not (folder / "other.csv").exists()
    assert here(*undo).code == 1
    assert "taken back" in here("calibration", "show", *home).out


def test_an_audit_makes_all_of_it_again(here: Here, folder: Path) -> None:
    """An audit fits again, corrects again and looks at what was taken back; a changed document is found."""
    home = ["--home", str(folder / "city")]
    here("calibration", "fit", "post", "--definition", folder / "cal.yaml", *home)
    here("calibration", "apply", "post", "--to", folder / "out.csv", *home)
    here("calibration", "undo", "post", "--by", "An", "--reason", "blocked", "--from", "2024-02-01", *home)
    for feed in ([], ["post"]):
        report = json.loads(here("audit", *feed, *home, "--json").out)
        assert report["clean"], report["findings"]
        assert (report["calibrations"], report["corrections"], report["panels"]) == (1, 1, 0)
    assert "0 panels, 1 calibrations, 1 corrections" in here("audit", *home).out
    other = json.loads(here("audit", "rain", *home, "--json").out)
    assert (other["clean"], other["calibrations"], other["corrections"]) == (True, 0, 0)
    (document,) = (folder / "city" / "store" / "calibrations").glob("*.json")
    document.write_bytes(document.read_bytes().replace(b"recent", b"RECENT"))
    done = here("audit", *home)
    assert done.code == 1
    assert "DIFFERS  calibrate post (log entry 5)" in done.out
    assert "DIFFERS  corrected post (log entry 6)" in done.out


def test_what_fails_says_so_in_one_line(here: Here, folder: Path) -> None:
    """No such calibration or feed, a definition that is none: one line, and the exit code of its kind."""
    home = ["--home", str(folder / "city")]
    for arguments, code in (
        (["apply", "none", "--to", folder / "x.csv"], 3),
        (["show", "none"], 3),
        (["undo", "none", "--by", "a", "--reason", "b"], 3),
        (["fit", "none", "--definition", folder / "cal.yaml"], 3),
        (["fit", "post", "--definition", folder / "post.yaml"], 3),
        (["fit", "post", "--definition", folder / "none.yaml"], 4),
        (["fit", "rain", "--definition", folder / "cal.yaml"], 3),
        (["apply", "none", "--to", folder / "x.xlsx"], 3),
    ):
        done = here("calibration", *arguments, *home)
        assert done.code == code
        assert is_one_line(done)
