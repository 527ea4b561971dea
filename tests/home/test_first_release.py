"""Batches of the first release, whose statements say nothing of rules and state, stay sound."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from small_city import clock, new_city
from veracity.home import batch as batches
from veracity.home.audit import audit
from veracity.home.audit_batch import BatchAudit
from veracity.home.certificates import certify
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.provenance.statements import Ingest


def rain(path: Path, *minutes: int) -> Path:
    """Write readings of one gauge at some minutes of an hour."""
    rows: list[Mapping[str, Any]] = [
        {"gauge": "G01", "observed_at": f"2026-09-01T00:{m:02}:00Z", "rain": 1} for m in minutes
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_batch_of_the_first_release_is_audited_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a state to begin from, an audit of one batch asks the table for every key."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        with monkeypatch.context() as patched:
            patched.setattr(batches, "Ingest", lambda **given: Ingest(**(given | {"checks": None})))
            ingest(home, "rain", [rain(tmp_path / "a.ndjson", 0, 10)])
            ingest(home, "rain", [rain(tmp_path / "b.ndjson", 0, 20)])  # repeats a key
        (third,) = ingest(home, "rain", [rain(tmp_path / "c.ndjson", 20, 30)])  # after the upgrade
        assert third.reasons == {"duplicate-key": 1}
        for row in home.index.batches("rain"):
            assert BatchAudit(home, home.reader(), "rain").audit(row.batch, row.idx).findings == []
        assert audit(home).is_clean


def test_checks_may_not_be_left_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a feed's batches say how they were judged, one that does not is a finding."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [rain(tmp_path / "a.ndjson", 0, 10)])
        monkeypatch.setattr(batches, "Ingest", lambda **given: Ingest(**(given | {"checks": None})))
        ingest(home, "rain", [rain(tmp_path / "b.ndjson", 20)])
        (found,) = [f for f in audit(home).findings if "checks: want" in f.detail]
        assert found.where == "rain batch 1"


def test_nothing_is_received_on_a_day_that_is_certified(tmp_path: Path) -> None:
    """A clock set back a minute after a certificate puts the next batch on the day after it."""
    now = [datetime(2026, 9, 3, 23, tzinfo=UTC)]
    root = new_city(tmp_path / "city")
    with open_writer(root, lambda: now[0]) as home:
        ingest(home, "rain", [rain(tmp_path / "a.ndjson", 0)])
        now[0] = datetime(2026, 9, 4, 0, 0, 10, tzinfo=UTC)
        certify(home, "rain", date(2026, 9, 3))
        now[0] -= timedelta(seconds=60)
        ingest(home, "rain", [rain(tmp_path / "b.ndjson", 10)])
        assert home.index.batches("rain")[-1].received_at.startswith("2026-09-04")
        assert audit(home).findings == []
