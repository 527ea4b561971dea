"""What the server remembers of all batches says the same as reading all of them again, at any time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from accounts_city import Time
from small_city import contract, ndjson, new_city
from veracity.data.contract import parse_contract
from veracity.data.trust import trust_scores
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.trust import batch_health, read_health
from veracity.server import healths
from veracity.server.batches import Batches
from veracity.server.healths import Healths

RULES = ("{rule: rate, maximum: 2, per: 10 min}, severity: warning",)
N = 9


@pytest.fixture
def city(tmp_path: Path) -> tuple[Path, Time]:
    """Nine batches that came at odd hours of three days."""
    root, time = new_city(tmp_path / "city", rules=RULES), Time()
    for n in range(N):
        with open_writer(root, time) as home:
            ingest(home, "rain", [ndjson(tmp_path / f"{n}.ndjson", 40 * n, 40)])
        time.pass_by(hours=7.5)
    return root, time


@pytest.fixture
def home(city: tuple[Path, Time]) -> Iterator[Home]:
    """It opened."""
    opened = Home.open(*city)
    yield opened
    opened.close()


@pytest.mark.parametrize("at_once", [1, 3, 5_000])
def test_trust_is_that_of_every_batch_read_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Now, and as known just before, at, and after each batch, and long before and after all."""
    monkeypatch.setattr(healths, "_AT_ONCE", at_once)
    contract, kept = home.feed("rain").contract, Healths()
    rows = Batches().of(home, "rain")
    assert len({row.received_at[:10] for row in rows}) >= 3
    received = [datetime.fromisoformat(row.received_at) for row in rows]
    step = timedelta(microseconds=1)
    times = [at + by for at in received for by in (-step, timedelta(0), step)]
    for as_of in (None, received[0] - timedelta(days=9), *times, received[-1] + timedelta(days=9)):
        again = batch_health(home, "rain", home.index.up_to("rain", as_of))
        assert_frame_equal(trust_scores(kept.of(home, contract, as_of)), trust_scores(again))


def test_the_health_of_a_batch_is_read_once(
    city: tuple[Path, Time], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came since is read alone; a row stands for a day, however many batches it had."""
    root, time = city
    n_read = 0

    def counted(objects: Any, feed: str, sensor: tuple[str, ...], said: Any) -> Any:
        nonlocal n_read
        found = list(said)
        n_read += len(found)
        return read_health(objects, feed, sensor, found)

    monkeypatch.setattr(healths, "read_health", counted)
    kept = Healths()
    with open_writer(root, time) as home:
        contract = home.feed("rain").contract
        n_rows = kept.of(home, contract).height
        assert n_read == len(home.index.batches("rain"))
        assert kept.of(home, contract).height == n_rows < batch_health(home, "rain", 99).height
        n_before = n_read
        ingest(home, "rain", [ndjson(tmp_path / "more.ndjson", 2_000, 40)])
        kept.of(home, contract)
        assert n_read == n_before + 1


def test_the_contracts_of_many_feeds_are_read_once(tmp_path: Path) -> None:
    """Who goes through all feeds of a city again, as the catalogue does, parses none of them again."""
    texts = [contract(tmp_path, f"rain{n:03}").read_bytes() for n in range(150)]
    for text in texts:
        parse_contract(text)
    n_parsed = parse_contract.cache_info().misses
    for text in texts:
        parse_contract(text)
    assert parse_contract.cache_info().misses == n_parsed
