"""Panels that a city follows: up to date after every batch, said now and then, audited from nothing."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from run_cli import run
from small_city import NOW, PANEL, START, ndjson, new_city
from veracity.data.digest import frame_digest
from veracity.data.errors import MalformedPanel
from veracity.home.audit import audit
from veracity.home.errors import UnknownFeed
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.panel_updates import FollowedPanels, UpdatedPanel, follow, panel_files
from veracity.home.panels import build

TRUSTED = """\
name: rain-trusted
grid: {every: 1h}
key: gauge
columns:
  - {name: rain, feed: rain, value: rain, window: 1h, weight: trust, trust_column: true}
"""


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A city that follows two panels, one weighted by trust; nothing is taken in yet."""
    root = new_city(tmp_path / "city")
    (root / "panels").mkdir()
    (root / "panels" / "hourly.yaml").write_text(PANEL, encoding="utf-8")
    (root / "panels" / "trusted.yaml").write_text(TRUSTED, encoding="utf-8")
    return root


def take_in(root: Path, time: Time, followed: FollowedPanels, first: int, n: int) -> list[UpdatedPanel]:
    """Take in readings and bring the panels up to date, in a home opened for this alone."""
    time.now += timedelta(minutes=10)
    with open_writer(root, time) as home:
        ingest(home, "rain", [ndjson(root.parent / f"{first}.ndjson", first, n)])
        return followed.update(home)


def test_after_each_batch_they_are_what_a_build_gives(root: Path, time: Time) -> None:
    """Late batches, new days, changed trust: the digest of a build, also as known then; audits are clean."""
    followed = FollowedPanels(say_every_s=0)
    then: list[tuple[datetime, str]] = []
    for first, n in ((300, 40), (340, 5), (0, 60), (500, 400), (100, 20), (900, 30)):
        updates = take_in(root, time, followed, first, n)
        assert [u.error for u in updates] == [None, None]
        with open_writer(root, time) as home:
            for file, update in zip(("hourly.yaml", "trusted.yaml"), updates, strict=True):
                want = build(home, root / "panels" / file)
                assert update.built is not None
                assert update.built.statement == want.statement
                assert frame_digest(followed.frame(file)) == want.statement.output.sha256
        then.append((time.now, want.statement.output.sha256))
    with open_writer(root, time) as home:
        report = audit(home)
        for known, digest in then:
            as_known = build(home, root / "panels" / "trusted.yaml", known)
            assert as_known.statement.output.sha256 == digest
    assert (report.findings, report.panels) == ([], 12)


def test_they_are_said_at_the_cadence(root: Path, time: Time) -> None:
    """At most once an hour, and not at all where nothing came since."""
    followed = FollowedPanels(say_every_s=3_600)
    said = [all(u.built for u in take_in(root, time, followed, 100 * i, 10)) for i in range(8)]
    assert said == [True, False, False, False, False, False, True, False]
    time.now += timedelta(hours=2)
    with open_writer(root, time) as home:
        assert all(u.built for u in followed.update(home))
        size = home.log.size
        time.now += timedelta(hours=2)
        assert not any(u.built for u in followed.update(home))
        FollowedPanels(say_every_s=0).update(home)
        assert home.log.size == size, "a process that starts anew says nothing that was said"


def test_late_rows_are_counted_as_revised(root: Path, time: Time) -> None:
    """What changes after the watermark passed is said by the update that changed it."""
    followed = FollowedPanels()
    take_in(root, time, followed, 0, 30)
    (hourly, _) = take_in(root, time, followed, 1000, 30)
    assert hourly.changed.n_cells > 0
    assert hourly.changed.n_revised == 0
    assert hourly.closed_us is not None
    assert hourly.closed_us > START.timestamp() * 1e6
    (hourly, _) = take_in(root, time, followed, 120, 12)
    assert hourly.changed.n_revised > 0


def test_one_that_fails_stops_no_other(root: Path, time: Time) -> None:
    """A definition that is none, or of a feed that is not there, is named; the others go on."""
    (root / "panels" / "a.yaml").write_text("name: x", encoding="utf-8")
    (root / "panels" / "b.yaml").write_text(PANEL.replace("feed: rain", "feed: snow"), encoding="utf-8")
    followed = FollowedPanels()
    updates = take_in(root, time, followed, 0, 30)
    assert [u.error is None for u in updates] == [False, False, True, True]
    assert isinstance(updates[1].error, UnknownFeed)
    (root / "panels" / "a.yaml").unlink()
    (root / "panels" / "b.yaml").write_text(PANEL.replace("hourly", "again"), encoding="utf-8")
    updates = take_in(root, time, followed, 30, 30)
    assert [u.error for u in updates] == [None] * 3
    (root / "panels" / "b.yaml").unlink()
    take_in(root, time, followed, 60, 30)
    with pytest.raises(KeyError):
        followed.frame("b.yaml")


def test_a_changed_definition_is_built_anew(root: Path, time: Time) -> None:
    """The file decides: what is followed is what it says now."""
    followed = FollowedPanels()
    take_in(root, time, followed, 0, 60)
    (root / "panels" / "hourly.yaml").write_text(PANEL.replace("window: 1h", "window: 3h"), encoding="utf-8")
    take_in(root, time, followed, 60, 60)
    with open_writer(root, time) as home:
        want = build(home, root / "panels" / "hourly.yaml")
    assert frame_digest(followed.frame("hourly.yaml")) == frame_digest(want.frame)


def test_a_definition_is_looked_at_before_it_is_followed(root: Path, time: Time) -> None:
    """One that could never be built is refused; a good one replaces that of its name, and can be ended."""
    path = root.parent / "mine.yaml"
    with open_writer(root, time) as home:
        had = panel_files(home)
        for text, refused in (
            ("name: x", MalformedPanel),
            (PANEL.replace("feed: rain", "feed: snow"), UnknownFeed),
            (PANEL.replace("value: rain", "value: snow"), MalformedPanel),
            (PANEL.replace("value: rain", "value: gauge"), MalformedPanel),
        ):
            path.write_text(text, encoding="utf-8")
            with pytest.raises(refused):
                follow(home, path)
        assert panel_files(home) == had
        for text in (PANEL, PANEL.replace("window: 1h", "window: 2h")):
            path.write_text(text, encoding="utf-8")
            name, where = follow(home, path)
            assert (name, where.read_text(encoding="utf-8")) == ("rain-hourly", text)
        assert panel_files(home) == sorted([*had, where])
        follow(home, path, stop=True)
        assert panel_files(home) == had


def test_the_command_follows_and_ends(root: Path) -> None:
    """``panel follow`` says where the definition is, ``panel update`` what it made; a bad one is refused."""
    path = root.parent / "mine.yaml"
    path.write_text(PANEL, encoding="utf-8")
    assert run("panel", "follow", path, "--home", root).code == 0
    assert (root / "panels" / "rain-hourly.yaml").exists()
    assert run("panel", "follow", path, "--stop", "--home", root).code == 0
    assert not (root / "panels" / "rain-hourly.yaml").exists()
    told = run("panel", "update", "--home", root, "--json")
    assert [i["panel"] for i in json.loads(told.out)["items"]] == ["rain-hourly", "rain-trusted"]
    (root / "panels" / "trusted.yaml").write_text("name: x", encoding="utf-8")
    assert run("panel", "update", "--home", root).code == 3
    path.write_text("name: x", encoding="utf-8")
    refused = run("panel", "follow", path, "--home", root)
    assert (refused.code, "grid" in refused.err) == (3, True)
