"""Workers share the partitions: all are somebody's, and one that ends is taken over from."""

import asyncio
from pathlib import Path

import nats
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers import broker, in_loop, until
from veracity.live import membership, streams
from veracity.live.membership import Membership, share
from veracity.live.subjects import PARTITIONS

NAMES = st.sets(st.text("abcxyz0-", min_size=1, max_size=8), min_size=1, max_size=12)


@given(NAMES)
def test_every_partition_is_one_workers(workers: set[str]) -> None:
    shares = [p for w in workers for p in share(w, workers)]
    assert sorted(shares) == list(range(PARTITIONS))


@given(NAMES, st.text("uvw", min_size=1, max_size=4))
def test_who_comes_takes_from_others_and_moves_nothing_between_them(workers: set[str], new: str) -> None:
    for worker in workers - {new}:
        assert set(share(worker, workers | {new})) <= set(share(worker, workers))


@in_loop
async def test_one_that_dies_is_taken_over_from(tmp_path: Path) -> None:
    """Two share; one is gone without a word: after its last heartbeat runs out, the other has all."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(membership, "HEARTBEAT_S", 0.2)
        patched.setattr(streams, "GONE_S", 1.5)
        async with broker(tmp_path) as (it, _):
            mine: dict[str, tuple[int, ...]] = {}
            stops, tasks, clients = {}, {}, []
            for name in ("a", "b"):
                client = await nats.connect(it.url)
                clients.append(client)
                stops[name] = asyncio.Event()
                note = lambda partitions, name=name: mine.update({name: tuple(partitions)})  # noqa: E731
                tasks[name] = asyncio.create_task(Membership(client, name, note).run(stops[name]))
            await until(lambda: mine == {n: share(n, "ab") for n in "ab"})
            tasks["a"].cancel()
            await until(lambda: mine["b"] == tuple(range(PARTITIONS)))
            stops["b"].set()
            await tasks["b"]
            for client in clients:
                await client.close()
