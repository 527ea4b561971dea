"""Health read back from the store: what the log names, checked, and nothing else."""

import io
from datetime import date

import polars as pl
import pytest

from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.data.trust import trust_scores
from veracity.home.batch import kept_path
from veracity.home.trust import next_day, read_health
from veracity.log.doors import ObjectMissing


class Memory:
    """Objects in memory."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def get(self, path: str) -> bytes:
        if path not in self.held:
            raise ObjectMissing(path)
        return self.held[path]


def batch(objects: Memory, number: int, broken: int) -> dict[str, object]:
    """Keep a simulated batch's health and return what its statement says."""
    counts = {"_readings": 24, "_broken": broken, "_set_aside": 0, "_compared": 0, "_disagreed": 0}
    row = {"gauge": "G01", "_day": date(2026, 1, 1 + number), "_property": "rain", **counts, "_batch": number}
    frame = pl.DataFrame([row])
    body = io.BytesIO()
    frame.write_parquet(body)
    digest = frame_digest(frame)
    objects.held[kept_path("health", "rain", number, digest)] = body.getvalue()
    received = f"2026-01-{2 + number:02d}T00:00:00.000000Z"
    return {"batch": number, "received_at": received, "checks": {"health": {"rows": 1, "sha256": digest}}}


def test_health_is_read_in_order_and_scored() -> None:
    """Batches with health come one under the other; those without any are passed over."""
    objects = Memory()
    said = [
        batch(objects, 0, 0),
        {"batch": 1, "received_at": "x", "checks": {"health": None}},
        {"batch": 2, "received_at": "x"},
        batch(objects, 3, 24),
    ]
    frame = read_health(objects, "rain", ("gauge",), said)
    assert frame.select("gauge", "_broken").rows() == [("G01", 0), ("G01", 24)]
    assert trust_scores(frame)["_score"].to_list()[:2] == [0.5, round(10 / 12, 4)]
    empty = read_health(objects, "rain", ("gauge",), [])
    assert empty.schema == frame.schema
    assert trust_scores(empty).height == 0
    assert (next_day(frame), next_day(empty)) == (date(2026, 1, 5), None)
    ahead = frame.with_columns(_day=pl.lit(date(9999, 12, 31)))
    assert next_day(ahead) == date(2026, 1, 7)


@pytest.mark.parametrize("fault", ["lost", "changed", "cut"])
def test_damaged_health_is_noticed(fault: str) -> None:
    """A lost, changed or unreadable object is an error with the batch's name, never a better score."""
    objects = Memory()
    said = [batch(objects, 0, 24)]
    (path,) = objects.held
    if fault == "lost":
        objects.held.clear()
    elif fault == "cut":
        objects.held[path] = objects.held[path][:20]
    else:
        other = Memory()
        batch(other, 0, 0)
        objects.held[path] = next(iter(other.held.values()))
    with pytest.raises(TableMismatch, match="rain"):
        read_health(objects, "rain", ("gauge",), said)


def test_health_of_an_older_key_is_passed_over() -> None:
    """A contract that now tells sensors apart by other columns starts their records anew."""
    objects = Memory()
    assert read_health(objects, "rain", ("gauge", "depth"), [batch(objects, 0, 0)]).height == 0
