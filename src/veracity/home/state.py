"""What the rules remember between batches, kept under its digest; the log says which one counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from veracity.data.clean import empty_memory
from veracity.data.contract import Contract
from veracity.data.errors import EvidenceMismatch
from veracity.data.lake import collect_rows
from veracity.data.rules.memory import KEYS, Memory
from veracity.home.errors import StateBehind
from veracity.home.home import Home, Writer
from veracity.log.doors import ObjectMissing
from veracity.provenance.statements import Ingest, RegistryUsed


def state_path(feed: str, sha256: str) -> str:
    """Return where a feed's memory of a digest is kept."""
    return f"state/{feed}/{sha256}.parquet"


def state_after(home: Home, feed: str, batch: int) -> str | None:
    """Return the digest of what the rules remember after a batch, as it says; None for nothing."""
    row = home.index.batch(feed, batch)
    checks = None if row is None else home.index.predicate(row.idx).get("checks")
    return None if checks is None else checks["state"]["after"]


def read_memory(home: Home, contract: Contract, sha256: str | None) -> Memory:
    """Read what the rules remember, by the digest that a statement gives.

    Raises
    ------
    StateBehind
        If it is not there, or is another.
    """
    empty = empty_memory(contract)
    if sha256 is None:
        return empty
    path = state_path(contract.feed, sha256)
    try:
        return empty.read(home.objects.get(path), sha256)
    except ObjectMissing as exc:
        raise StateBehind(f"{path}: want what the rules remember, got no file{_remedy(contract)}") from exc
    except EvidenceMismatch as exc:
        raise StateBehind(f"{path}: {exc}{_remedy(contract)}") from exc


def _remedy(contract: Contract) -> str:
    return f": make it again from the evidence with `veracity feed remember {contract.feed}`"


def write_memory(home: Writer, feed: str, memory: Memory) -> str | None:
    """Keep what the rules remember; return its digest."""
    digest = memory.digest
    if digest is not None and not home.objects.exists(state_path(feed, digest)):
        home.objects.put(state_path(feed, digest), memory.write())
    return digest


def with_keys(memory: Memory, newest: pl.DataFrame | None) -> Memory:
    """Return the memory with the newest event time of each sensor in the table."""
    if newest is None:
        return memory
    return memory.replaced({KEYS: newest.rename({"_newest": "_time"}).drop_nulls("_time")})


@dataclass(frozen=True)
class Registries:
    """The rows of the feeds that a contract's rows are looked up in, and up to which batch."""

    rows: Mapping[str, pl.DataFrame]
    used: tuple[RegistryUsed, ...]


def read_registries(
    home: Home, contract: Contract, used: tuple[RegistryUsed, ...] | None = None
) -> Registries:
    """Read the registries as they are now, or as a statement says they were used.

    A registry that the contract needs and the statement leaves out is read as if it had no batch.
    """
    feeds = _registry_feeds(contract)
    if used is None:
        used = tuple(RegistryUsed(feed, home.index.up_to(feed, None)) for feed in feeds)
    last = dict.fromkeys(feeds, -1) | {u.feed: u.up_to_batch for u in used}
    rows = {feed: collect_rows(home.table(feed).scan(up_to_batch=last[feed])) for feed in feeds}
    return Registries(rows, used)


def check_chain(home: Home, ingest: Ingest, contract: Contract, idx: int) -> Iterator[str]:
    """Yield what is wrong with what a batch, log entry ``idx``, began from.

    That is the state, which the batch before must have left, and the registries that its contract
    names, which must be as they were known before the entry.
    """
    if ingest.checks is None:
        before = home.index.predicates("ingest", ingest.feed)
        if any(i < idx and p.get("checks") for i, p in before):
            yield "checks: want how the batch was judged, as batches before it say, got none"
        return
    want = state_after(home, ingest.feed, ingest.batch - 1)
    got = ingest.checks.state_before
    if want != got:
        yield f"state before: want {want}, as batch {ingest.batch - 1} left it, got {got}"
    known = [(feed, known_before(home, feed, idx)) for feed in _registry_feeds(contract)]
    used = [(u.feed, u.up_to_batch) for u in ingest.checks.registries]
    if known != used:
        yield f"registries: want feeds and batches {known}, as known before the entry, got {used}"


def known_before(home: Home, feed: str, idx: int) -> int:
    """Return the last batch of a feed in the log before entry ``idx``; -1 if there is none."""
    return max((row.batch for row in home.index.batches(feed) if row.idx < idx), default=-1)


def _registry_feeds(contract: Contract) -> list[str]:
    return sorted({rule.feed for rule in contract.registry_rules})
