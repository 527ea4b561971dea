"""Deliveries: same seed, same bytes; and everything in them is simulated and says so."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import orjson
import pytest

from veracity.canonical import canonical_json
from veracity.city import AGENCIES, FEEDS, Delivery, ImpossibleTwin, Twin, stations_of

START = datetime(2026, 9, 1, tzinfo=UTC)
TWIN = Twin(1, START)
DELIVERIES = list(TWIN.deliveries())


def digest(deliveries: list[Delivery]) -> str:
    """Everything that was delivered, in order, in one number."""
    out = sha256()
    for d in deliveries:
        out.update(repr((d.feed, d.agency, d.name, d.received_at, d.signing, d.replay_of)).encode())
        out.update(d.payload)
    return out.hexdigest()


def test_same_seed_same_bytes() -> None:
    """Two twins of one seed deliver the same bytes and plant the same faults, in any order of asking."""
    other = Twin(1, START)
    assert other.truth == TWIN.truth
    assert digest(list(other.deliveries())) == digest(DELIVERIES)
    assert digest(list(TWIN.deliveries())) == digest(DELIVERIES)


def test_other_seed_other_bytes() -> None:
    """Another seed gives another city."""
    assert digest(list(Twin(2, START).deliveries())) != digest(DELIVERIES)


def test_one_batch_an_hour_a_feed() -> None:
    """There are 48 hourly batches of each feed, one forgery and one replay, in order of arrival."""
    assert len(DELIVERIES) == 3 * 48 + 2
    assert all(a.received_at <= b.received_at for a, b in pairwise(DELIVERIES))
    plain = [d for d in DELIVERIES if d.signing == "valid" and d.replay_of is None]
    assert {f: sum(d.feed == f for d in plain) for f in FEEDS} == dict.fromkeys(FEEDS, 48)
    assert len({d.name for d in plain}) == len(plain)
    assert all(d.agency == next(a.name for a in AGENCIES if a.feed == d.feed) for d in DELIVERIES)
    for d in plain:
        begins = datetime.strptime(d.name.removeprefix(f"{d.feed}-"), "%Y%m%dT%HZ.ndjson").replace(tzinfo=UTC)
        delay = d.received_at - begins - timedelta(hours=1)
        assert timedelta(minutes=1) <= delay < timedelta(minutes=5)


def test_every_line_is_canonical_and_simulated() -> None:
    """Every line but the broken one is RFC 8785 JSON whose field ``simulated`` is true."""
    broken = 0
    for d in DELIVERIES:
        assert d.payload.endswith(b"\n")
        for line in d.payload.splitlines():
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                broken += 1
                continue
            assert record["simulated"] is True
            assert canonical_json(record) == line
    assert broken == sum(f.n_records for f in TWIN.truth if f.kind == "broken-line") == 1


def test_counts_add_up() -> None:
    """Lines = what faultless sensors would send, less gaps, plus duplicates, forgery and replay."""
    n_lines = sum(d.payload.count(b"\n") for d in DELIVERIES)
    planted = {k: sum(f.n_records for f in TWIN.truth if f.kind == k) for k in {f.kind for f in TWIN.truth}}
    extra = planted["duplicate"] + planted["forged"] + planted["replay"] - planted["gap"]
    assert n_lines == 72 * 576 + extra


def test_replay_is_the_same_bytes_under_the_same_name() -> None:
    """The replay repeats an earlier delivery, bytes and name, and nothing else is repeated."""
    (replay,) = [d for d in DELIVERIES if d.replay_of is not None]
    original = next(d for d in DELIVERIES if d.name == replay.replay_of)
    assert original.replay_of is None
    assert (original.payload, original.name) == (replay.payload, replay.name)
    assert original.received_at < replay.received_at
    assert len({sha256(d.payload).digest() for d in DELIVERIES}) == len(DELIVERIES) - 1


def test_forgery_says_the_flood_is_not_there() -> None:
    """The forged delivery comes before the true one and claims low water for the same times."""
    (forged,) = [d for d in DELIVERIES if d.signing == "forged"]
    true = next(d for d in DELIVERIES if d.name == forged.name.replace("-corrected", ""))
    assert forged.received_at < true.received_at

    def stages(d: Delivery) -> dict[tuple[str, str], float]:
        rows = [orjson.loads(line) for line in d.payload.splitlines()]
        return {(r["station_id"], r["observed_at"]): r["stage_m"] for r in rows}

    said, was = stages(forged), stages(true)
    shared = said.keys() & was.keys()
    assert len(said) == 144
    assert len(shared) > 120
    assert sum(said[k] < was[k] for k in shared) == len(shared)


def test_longer_and_other_starts() -> None:
    """A longer twin that starts elsewhere in the day still delivers every hour of it."""
    twin = Twin(5, datetime(2026, 10, 9, 17, tzinfo=UTC), days=4)
    deliveries = list(twin.deliveries())
    assert len(deliveries) == 3 * 96 + 2
    stations = {orjson.loads(d.payload.splitlines()[0])["station_id"][:2] for d in deliveries}
    assert stations == {stations_of(f)[0].id[:2] for f in FEEDS}


@pytest.mark.parametrize("seed", [-1, 2**63, True, 1.5, "1"])
def test_impossible_seeds(seed: int) -> None:
    """A seed that is no small natural number is refused as ours."""
    with pytest.raises(ImpossibleTwin, match="seed: want"):
        Twin(seed, START)
