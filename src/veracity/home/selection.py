"""Which quarantined rows: those that a person names and that nobody decided on yet."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from veracity.data.contract import Contract
from veracity.data.released import PLACE, not_asked_again, read_values
from veracity.data.where import parse_condition
from veracity.home.decisions import Decisions, judged_by, read_aside, read_decisions
from veracity.home.errors import NoRowsWaiting, TooManyRows
from veracity.home.home import Feed, Home
from veracity.provenance.statements.checks import MAX_BATCHES

ROWS_AT_ONCE = 500_000


@dataclass(frozen=True)
class Selection:
    """Which quarantined rows: those that all of the conditions given name.

    ``reason`` is a whole reason (``range:pm25``) or its rule (``range``); ``where`` a condition on the
    values, as far as they can be read. With ``every`` no condition is needed. Rows that a release set
    aside again must be named by its batch.
    """

    batch: int | None = None
    records: tuple[int, ...] = ()
    reason: str | None = None
    where: str | None = None
    every: bool = False

    def __post_init__(self) -> None:
        conditions = (self.batch, self.reason, self.where)
        if self.every == any(c is not None for c in conditions):
            raise NoRowsWaiting(
                "rows: want a batch, a reason or a condition, or all rows, got neither or both"
            )
        if self.records and self.batch is None:
            raise NoRowsWaiting("rows: want the batch of these records, got none")


@dataclass(frozen=True)
class Chosen:
    """The rows to decide about, and how many of those asked for cannot be: decided before, or held.

    ``held`` rows broke a rule that looks back, which cannot be asked again and was not waived.
    """

    feed: Feed
    rows: pl.DataFrame
    n_decided: int
    n_held: int = 0
    held_by: tuple[str, ...] = ()

    @property
    def batches(self) -> tuple[int, ...]:
        """The batches they were set aside from."""
        return tuple(self.rows["_batch"].unique().sort().to_list())


def choose(home: Home, feed: str, selection: Selection, waive: Collection[str] | None = None) -> Chosen:
    """Find the rows to decide about: those selected that nobody decided on, in order of arrival.

    ``waive`` is what a release waives; a rejection (None) takes rows whatever they broke.
    """
    found = home.feed(feed)
    held_by = [] if waive is None else sorted(not_asked_again(found.contract, waive))
    decisions = read_decisions(home, feed)
    frames, n_asked, n_free, n_rows = [], 0, 0, 0
    for predicate in _batches(home, feed, selection):
        rows = _selected(read_aside(home, predicate), found.contract, selection)
        free = _undecided(rows, decisions)
        ready = free.filter(~_has_any(held_by))
        n_asked, n_free, n_rows = n_asked + rows.height, n_free + free.height, n_rows + ready.height
        if n_rows > ROWS_AT_ONCE:
            raise TooManyRows(f"rows: want at most {ROWS_AT_ONCE:,} at once, got more: name fewer")
        if ready.height:
            frames.append(ready)
    n_decided, n_held = n_asked - n_free, n_free - n_rows
    if not frames or (selection.records and n_decided):
        raise NoRowsWaiting(_why_none(feed, decisions, selection, n_decided, n_held, held_by))
    if len(frames) > MAX_BATCHES:
        raise TooManyRows(
            f"rows: want them of at most {MAX_BATCHES:,} batches, got {len(frames):,}: name fewer"
        )
    return Chosen(found, pl.concat(frames), n_decided, n_held, tuple(held_by) if n_held else ())


def waiting(home: Home, feed: str) -> pl.DataFrame:
    """Return the rows that wait for a person: a rule that asks was broken, and nobody has decided.

    Columns ``_batch``, ``_record``, ``reasons``, then the contract's fields as received.
    """
    decisions = read_decisions(home, feed)
    text = dict.fromkeys((f.name for f in home.feed(feed).contract.fields), pl.String())
    frames = [pl.DataFrame(schema={**PLACE, "reasons": pl.List(pl.String), **text})]
    for _, predicate in home.index.predicates("ingest", feed):
        checks = predicate.get("checks")
        if checks is None or not checks["asked"] or predicate["quarantine"] is None:
            continue
        contract = judged_by(home, predicate)
        asks = [r for r in contract.reasons if contract.action(r) == "ask"]
        rows = read_aside(home, predicate)
        frames.append(_undecided(rows.filter(_has_any(asks)), decisions))
    return pl.concat(frames)


def _batches(home: Home, feed: str, selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield the statements of the batches that set rows aside, and may hold what is selected."""
    for _, predicate in home.index.predicates("ingest", feed):
        if predicate["quarantine"] is None or selection.batch not in (None, predicate["batch"]):
            continue
        if selection.batch is None and predicate.get("released") is not None:
            continue  # else a release said again would take what it set aside itself
        if selection.reason is None or any(_is_reason(r, selection.reason) for r in predicate["reasons"]):
            yield predicate


def _selected(rows: pl.DataFrame, contract: Contract, selection: Selection) -> pl.DataFrame:
    if selection.records:
        rows = rows.filter(pl.col("_record").is_in(list(selection.records)))
    if selection.reason is not None:
        found = rows["reasons"].explode(empty_as_null=False, keep_nulls=False).unique().to_list()
        rows = rows.filter(_has_any([r for r in found if _is_reason(r, selection.reason)]))
    if selection.where is not None:
        condition = parse_condition(selection.where, contract)
        rows = rows.filter(read_values(rows, contract).select(condition.fill_null(value=False)).to_series())
    return rows


def _is_reason(reason: str, wanted: str) -> bool:
    return reason == wanted or (":" not in wanted and reason.startswith(wanted + ":"))


def _has_any(reasons: Sequence[str]) -> pl.Expr:
    """Return whether a row has one of the reasons."""
    return pl.col("reasons").list.eval(pl.element().is_in(list(reasons))).list.any()


def _undecided(rows: pl.DataFrame, decisions: Decisions) -> pl.DataFrame:
    return rows.join(
        decisions.rows, on=list(decisions.key), how="anti", nulls_equal=True, maintain_order="left"
    )


def _why_none(
    feed: str,
    decisions: Decisions,
    selection: Selection,
    n_decided: int,
    n_held: int,
    held_by: Sequence[str],
) -> str:
    want = f"rows of {feed}: want some in quarantine that nobody decided on"
    if n_held:
        return f"{want}, got {n_held} that broke {', '.join(held_by)[:200]}: waive what cannot be asked again"
    if not n_decided:
        return f"{want}, got none"
    mine = decisions.first
    if selection.batch is not None:
        mine = mine.filter(pl.col("_batch") == selection.batch)
    if selection.records:
        mine = mine.filter(pl.col("_record").is_in(list(selection.records)))
    last = decisions.said[int(mine["_idx"][-1])]
    return f"{want}, got {n_decided} {last.kind} by {last.by} (log entry {last.idx}): {last.why}"[:500]
