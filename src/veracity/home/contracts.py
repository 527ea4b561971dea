"""Feeds are added, and their contracts changed, by a statement in the log."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from veracity.data.breaking import compare, needs_new_feed
from veracity.data.contract import CONTRACT_BYTES, Contract, check_units, parse_contract
from veracity.data.errors import MalformedContract
from veracity.data.lake import collect_rows
from veracity.data.references import check_references
from veracity.feeds.file_info import read_file
from veracity.home.batch import silent_sensors
from veracity.home.errors import ContractBreaks, UnknownAgency
from veracity.home.home import Feed, Home, Writer, contract_path, sealed_contract
from veracity.home.state import read_memory, state_after, state_path
from veracity.log.doors import ObjectMissing


@dataclass(frozen=True)
class FeedStatus:
    """A feed in numbers, all counted from its statements.

    ``age_s`` is the age of the newest accepted reading at ``asked_at``; ``is_fresh`` compares
    it with the contract's latency (None where the contract asks for none, or nothing came).
    ``late`` counts the accepted rows that were older on arrival than the contract of their batch
    allows (None where no contract asks). ``flagged`` of the accepted broke a rule that only flags;
    ``asked`` of the quarantined were put to a person. ``state_bytes`` is the size of what the rules
    remember (None where they remember nothing, or it is gone).
    """

    feed: str
    title: str
    version: str
    contract_sha256: str
    agency: str | None
    simulated: bool
    batches: int
    received: int
    accepted: int
    quarantined: int
    refused: int
    flagged: int
    asked: int
    late: int | None
    newest: str | None
    age_s: float | None
    is_fresh: bool | None
    state_bytes: int | None


def load_contract(path: Path) -> Contract:
    """Read a contract file and check its units; errors name the file."""
    text = read_file(path, CONTRACT_BYTES)
    try:
        contract = parse_contract(text)
        check_units(contract)
    except MalformedContract as exc:
        raise MalformedContract(f"{path}: {exc}") from exc
    return contract


def add_feed(home: Writer, path: Path) -> Feed:
    """Put a contract in force: a new feed, or a new version of one.

    Raises
    ------
    MalformedContract, UnknownAgency
        Before anything is written.
    ContractBreaks
        If the table of the feed would change under its readers.
    NotShared
        If it has personal fields and machines share the home.
    """
    contract = load_contract(path)
    if contract.personal:
        home.check_own(f"feed {contract.feed}")
    try:
        check_references(contract, lambda name: home.feed(name).contract)
    except MalformedContract as exc:
        raise MalformedContract(f"{path}: {exc}") from exc
    if contract.agency is not None and not any(
        a.role != "device" for a in home.agencies().enrolled(contract.agency)
    ):
        raise UnknownAgency(
            f"feed {contract.feed}: want its agency {contract.agency!r} enrolled first, got none"
        )
    found = [str(p["sha256"]) for _, p in home.index.predicates("contract", contract.feed)]
    if contract.sha256 in found[:-1]:
        raise ContractBreaks(
            f"feed {contract.feed}: want a contract never replaced, got {contract.version} again;"
            " give it a new version"
        )
    if found:
        _check_compatible(home.contract(found[-1]), contract)
    home.objects.put(contract_path(contract.sha256), contract.text)
    home.table(contract.feed).create(contract)
    return Feed(contract, home.say(sealed_contract(contract).to_statement()))


def _check_compatible(old: Contract, new: Contract) -> None:
    """Names, types, units, order and key stay, as ``veracity feed breaking`` says; rules may change."""
    changed = sorted({change.what for change in needs_new_feed(compare(old, new))})
    if changed:
        raise ContractBreaks(
            f"feed {new.feed}: want the columns, types, units and key of version {old.version},"
            f" got a change in {', '.join(changed)}; give the feed a new id"
        )


def status(home: Home, name: str) -> FeedStatus:
    """Count a feed."""
    contract = home.feed(name).contract
    rows = home.index.batches(name)
    said = [p for _, p in home.index.predicates("ingest", name)]
    checks = [p["checks"] for p in said if p.get("checks")]
    times = [p["event_time"]["last"] for p in said if p["event_time"]]
    newest = max(times, default=None)
    age = None if newest is None else (home.clock() - datetime.fromisoformat(newest)).total_seconds()
    return FeedStatus(
        feed=name,
        title=contract.title,
        version=contract.version,
        contract_sha256=contract.sha256,
        agency=contract.agency,
        simulated=contract.simulated,
        batches=len(rows),
        received=sum(r.received for r in rows),
        accepted=sum(r.accepted for r in rows),
        quarantined=sum(r.quarantined for r in rows),
        refused=sum(r.refused for r in rows),
        flagged=sum(c["flagged"] for c in checks),
        asked=sum(c["asked"] for c in checks),
        late=count_late(home, name),
        newest=newest,
        age_s=age,
        is_fresh=None if age is None or contract.latency_s is None else age <= contract.latency_s,
        state_bytes=_state_bytes(home, name, checks[-1]["state"]["after"] if checks else None),
    )


def _state_bytes(home: Home, name: str, sha256: str | None) -> int | None:
    try:
        return None if sha256 is None else home.objects.size(state_path(name, sha256))
    except ObjectMissing:
        return None


def silent_now(home: Home, name: str) -> pl.DataFrame | None:
    """Return the sensors that are silent by the home's clock: their columns, and ``_newest``.

    None where no ``freshness`` rule asks.

    Raises
    ------
    StateBehind
        If what the rules remember is gone, or another.
    """
    contract = home.feed(name).contract
    if not contract.silence_rules:
        return None
    last, _ = home.index.next_batch(name)
    memory = read_memory(home, contract, state_after(home, name, last - 1))
    return silent_sensors(contract, memory, home.clock())


def count_late(home: Home, name: str) -> int | None:
    """Count the accepted rows that came late; None if no batch came under a contract with a latency.

    The first and last times in a batch's statement mostly answer for all of its rows; only the
    rows of the others are looked at.
    """
    time = home.feed(name).contract.time
    total: int | None = None
    mixed: list[tuple[int, datetime]] = []
    for _, predicate in home.index.predicates("ingest", name):
        latency_s = home.contract(str(predicate["contract"])).latency_s
        if latency_s is None:
            continue
        total = total or 0
        if predicate["event_time"] is None:
            continue
        received_at = datetime.fromisoformat(predicate["received_at"])
        oldest = datetime.fromtimestamp(received_at.timestamp() - latency_s, UTC)  # as clean does
        first, last = (datetime.fromisoformat(predicate["event_time"][end]) for end in ("first", "last"))
        if last < oldest:
            total += int(predicate["counts"]["accepted"])
        elif first < oldest:
            mixed.append((int(predicate["batch"]), oldest))
    if total is None or not mixed or time is None:
        return total
    schema = {"_batch": pl.Int64(), "_oldest": pl.Datetime("us", "UTC")}
    limits = pl.LazyFrame(mixed, schema=schema, orient="row")
    rows = home.table(name).scan(up_to_batch=mixed[-1][0]).filter(pl.col("_batch") >= mixed[0][0])
    late = rows.select("_batch", time).join(limits, on="_batch").filter(pl.col(time) < pl.col("_oldest"))
    return total + int(collect_rows(late.select(pl.len()), streaming=True).item())


def reasons(home: Home, name: str) -> dict[str, int]:
    """Count a feed's quarantine reasons and refusals over all batches, most frequent first."""
    counts: dict[str, int] = {}
    for _, predicate in home.index.predicates("ingest", name):
        for group, prefix in (("reasons", ""), ("refusals", "refused:")):
            for code, n in predicate[group].items():
                counts[prefix + code] = counts.get(prefix + code, 0) + int(n)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sensors(home: Home, name: str, limit: int = 1_000) -> pl.DataFrame:
    """Return per sensor its rows, first and newest time: the key's columns apart from time."""
    contract = home.feed(name).contract
    keys = [k for k in contract.key if k != contract.time]
    rows = home.table(name).scan()
    if contract.time is None:
        return collect_rows(rows.select(pl.len().alias("rows")))
    measures = [
        pl.len().alias("rows"),
        pl.col(contract.time).min().alias("first"),
        pl.col(contract.time).max().alias("newest"),
    ]
    if not keys:
        return collect_rows(rows.select(measures))
    return collect_rows(rows.group_by(keys).agg(measures).sort(keys).head(limit), streaming=True)
