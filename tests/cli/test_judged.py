"""What the commands say of verdicts, certificates and sensors: in words, in three languages, as JSON."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from judged_city import FEED, file, judged_city
from run_cli import Done, Here, is_one_line


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated days; the first is certified."""
    return judged_city(tmp_path_factory.mktemp("judged"))


@pytest.fixture
def root(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "city"))


def said(done: Done) -> dict[str, Any]:
    assert (done.code, done.err) == (0, "")
    document: dict[str, Any] = json.loads(done.out)
    assert document["simulated"] is True
    return document


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "stage stayed exactly the same for more than 2 h"),
        ("vi", "mực nước giữ nguyên một giá trị trong hơn 2 giờ"),
        ("id", "tinggi muka air tetap pada nilai yang sama selama lebih dari 2 jam"),
    ],
)
def test_reasons_are_told_in_words(here: Here, root: Path, lang: str, words: str) -> None:
    """The feed, a day's certificate, a batch's and the verdicts say each reason in the language asked for."""
    home = ["--home", str(root), "--lang", lang]
    day = ["feed", "certificate", FEED, "--day", "2026-09-02", *home]
    batch = ["feed", "certificate", FEED, "--batch", "1", *home]
    for given in (["feed", "show", FEED, *home], day, batch):
        done = here(*given)
        assert (done.code, done.err) == (0, "")
        assert words in done.out
        assert "SIMULATED" in done.out
        assert said(here(*given, "--json"))["words"]["stuck:stage"] == words
    verdicts = said(here("feed", "verdicts", FEED, *home, "--json"))
    assert {i["rule"]: i["words"] for i in verdicts["items"]}["stuck:stage"] == words


def test_a_certificate_adds_up(here: Here, root: Path) -> None:
    """Received is accepted, quarantined and refused; the worst sensor stands first, and not all are shown."""
    given = ["feed", "certificate", FEED, "--day", "2026-09-02", "--sensors", "2", "--home", str(root)]
    document = said(here(*given, "--json"))
    counts = document["counts"]
    assert counts["received"] == counts["accepted"] + counts["quarantined"] + counts["refused"]
    assert document["sensors"] == 6
    worst = document["worst"]
    assert [(w["sensor"], w["property"]) for w in worst] == [
        ({"gauge": "G2"}, ""),
        ({"gauge": "G2"}, "stage"),
    ]
    assert document["batches"] == {"first": 0, "last": 3}
    text = here(*given).out
    assert "and 4 more, no worse" in text
    assert f"{counts['received']} received = {counts['accepted']} accepted" in text
    assert document["data"] in text
    assert document["rules"][0] in text


def test_certify_says_what_it_did(here: Here, root: Path) -> None:
    """Days that are over are certified once; then there is nothing left to do."""
    home = ["--home", str(root)]
    assert "every day of river that is over is certified" in here("feed", "certify", FEED, *home).out
    again = said(here("feed", "certify", FEED, "--day", "2026-09-02", *home, "--json"))
    shown = said(here("feed", "certificate", FEED, "--day", "2026-09-02", *home, "--json"))
    assert again["items"] == [{"day": "2026-09-02", "entry": shown["entry"], "counts": shown["counts"]}]
    early = here("feed", "certify", FEED, "--day", "2026-09-03", *home)
    assert (early.code, is_one_line(early)) == (3, True)
    none = here("feed", "certificate", FEED, "--day", "2026-09-03", *home)
    assert (none.code, "veracity feed certify river --day 2026-09-03" in none.err) == (1, True)


def test_silent_sensors_are_named(here: Here, root: Path) -> None:
    """The feed's page names silent sensors and the size of what is remembered; without it it says so."""
    home = ["--home", str(root)]
    document = said(here("feed", "show", FEED, *home, "--json"))
    assert [s["sensor"]["gauge"] for s in document["silent"]] == ["G0", "G1", "G2"]
    assert document["state_bytes"] > 0
    assert document["flagged"] > 0
    assert document["asked"] == document["waiting"] > 0
    assert "3 silent sensors, the longest first" in here("feed", "show", FEED, *home).out
    shutil.rmtree(root / "store" / "state")
    done = here("feed", "show", FEED, *home)
    assert done.code == 0
    assert "silent sensors: state/river/" in done.out
    assert "veracity feed remember river" in done.out
    assert "8 states made again" in here("feed", "remember", FEED, *home).out
    assert "3 silent sensors" in here("feed", "show", FEED, *home).out


def test_a_state_that_stays_lost(here: Here, root: Path) -> None:
    """Where an old state cannot be made again the command exits 1 and names the batch."""
    home = ["--home", str(root)]
    shutil.rmtree(root / "store" / "state")
    first = sorted((root / "store" / "evidence" / FEED).rglob("*"))
    for path in first:
        if path.is_file():
            path.write_bytes(b"")
    done = here("feed", "remember", FEED, *home)
    assert (done.code, is_one_line(done)) == (1, True)
    assert "batch 7 left" in done.err


def test_ingest_tells_flagged_and_asked(here: Here, root: Path) -> None:
    """An ingest says how many of the accepted are flagged and how many rows wait for a person."""
    path, show = file(root.parent, 2, 12), ["feed", "show", FEED, "--home", str(root), "--json"]
    before = said(here(*show))
    line = here("ingest", FEED, path, "--home", root).out.splitlines()[0]
    after = said(here(*show))
    flagged, asked = (after[name] - before[name] for name in ("flagged", "asked"))
    assert flagged > 0
    assert asked > 0
    assert line.endswith(
        f"; {flagged} of the accepted flagged, {asked} of the quarantined waiting for a person"
    )


def test_verdicts_to_a_file(here: Here, root: Path) -> None:
    """Each row's verdict goes to a file, or those of one rule, or of a kind; an unknown rule is refused."""
    home, to = ["--home", str(root)], root.parent / "v.parquet"
    assert said(here("feed", "verdicts", FEED, "--to", to, *home, "--json"))["rows"] == 430
    rows = pl.read_parquet(to)
    assert rows["rate:stage"].sum() == 12
    assert rows["simulated"].all()
    for rule in ("rate", "rate:stage"):
        assert said(here("feed", "verdicts", FEED, "--rule", rule, "--to", to, *home, "--json"))["rows"] == 12
    shown = said(here("feed", "verdicts", FEED, "--rule", "rate", *home, "--json"))
    assert [(i["rule"], i["accepted"], i["quarantined"]) for i in shown["items"]] == [("rate:stage", 12, 0)]
    assert shown["first"][0]["rules"] == ["rate:stage"]
    none = here("feed", "verdicts", FEED, "--rule", "spike", *home)
    assert (none.code, is_one_line(none)) == (3, True)
    assert here("feed", "verdicts", FEED, "--rule", "future", *home).code == 0  # a rule that none broke


def test_trust_is_told_by_sensor(here: Here, root: Path) -> None:
    """Each score names its sensor apart from the numbers; the least trusted comes first."""
    home = ["--home", str(root)]
    items = said(here("feed", "trust", FEED, "--property", "stage", *home, "--json"))["items"]
    assert [i["sensor"]["gauge"] for i in items] == ["G2", "G1", "G0"]
    assert all(i["low"] < i["score"] < i["high"] and i["n"] > 0 for i in items)
    assert "trust of river  [SIMULATED]" in here("feed", "trust", FEED, *home).out
