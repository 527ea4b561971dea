"""Hold a frame of received records to a contract: typed rows, or reasons.

Pure and deterministic: the same frame, contract, time of receipt and history give the same
rows in the same order, so that anyone can run it again and compare digests. A row breaks
all the rules it breaks: every reason is kept, not the first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.errors import WrongFile
from veracity.data.health import Judged
from veracity.data.received import alike, as_rendered
from veracity.data.render import as_text
from veracity.data.repeated import SLOTS, KnownKeys, Slots, repeated_keys, repeated_rows
from veracity.data.row_rules import row_rules
from veracity.data.rules.coded import Codings
from veracity.data.rules.judge import judge
from veracity.data.rules.memory import Memory
from veracity.data.verdicts import count_asked, count_flagged, outcomes, refusals, verdict_rows
from veracity.data.wide import check_wide, lengthen

DTYPES = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "timestamp": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
}


@dataclass(frozen=True)
class Cleaned:
    """What became of a batch. ``accepted + quarantined + refused`` is the rows that came in.

    Attributes
    ----------
    accepted
        The contract's fields in order, then ``_record``; in order of arrival.
    quarantined
        ``_record``, ``reasons`` (list of text), then every field as received, as text.
    refusals
        How many rows a rule with the action ``refuse`` gave no row for, by the first such rule.
    reasons
        How many rows broke each rule; a row with two reasons counts in both.
    verdicts
        What ``verdicts.verdict_rows`` makes of the batch; None if no rule was broken.
    memory
        What the rules remember for the next batch, but for the keys in the table.
    judged
        What sensor health is counted from.
    n_late
        Accepted rows older on arrival than the contract's latency allows.
    n_flagged, n_asked
        Accepted rows that broke a rule which flags; quarantined rows that wait for a person.
    """

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    refusals: dict[str, int]
    reasons: dict[str, int]
    verdicts: pl.DataFrame | None
    memory: Memory
    judged: Judged
    n_late: int
    n_flagged: int
    n_asked: int
    first: datetime | None
    last: datetime | None

    @property
    def n_received(self) -> int:
        """Rows that came in: ``accepted + quarantined + refused``."""
        return self.accepted.height + self.quarantined.height + sum(self.refusals.values())


def table_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Return the accepted table's columns and types, without ``_batch``."""
    return {f.name: DTYPES[f.type] for f in contract.fields} | {"_record": pl.Int64()}


def no_history(keys: pl.DataFrame) -> pl.Series:
    """Answer for an empty table: no key has been seen."""
    return pl.repeat(False, keys.height, dtype=pl.Boolean, eager=True)


def empty_memory(contract: Contract) -> Memory:
    """Return what the rules remember before a feed's first batch."""
    return Memory.empty({name: DTYPES[contract.field(name).type] for name in contract.sensor})


def clean(
    raw: pl.DataFrame,
    contract: Contract,
    received_at: datetime,
    known: KnownKeys = no_history,
    memory: Memory | None = None,
    same: KnownKeys = no_history,
    registries: Mapping[str, pl.DataFrame] | None = None,
    *,
    by_itself: bool = False,
) -> Cleaned:
    """Type, check and split a frame of received records.

    Parameters
    ----------
    raw
        ``_record`` (Int64, position of the record in its batch) and the source's columns, as
        text or as the native types of a columnar file.
    contract
        What the rows must keep.
    received_at
        When the city received them (UTC): bounds the future, measures lateness.
    known
        Given the key columns of candidate rows, tells which keys the table already holds.
    memory
        What the rules remembered after the batch before; None if nobody knows: then the table is
        asked for every key, and the rules begin anew.
    same
        Given rows, tells which of them the table holds just as they are. Asked by ``repeated-row``.
    registries
        The rows of the feeds that ``registry`` rules look up, by feed; None not to ask those rules.
    by_itself
        Ask each row only what it can answer alone: no registry, no neighbour, no reading before.

    Notes
    -----
    Where a required column is missing, every row breaks ``required``. That a file cannot be of the
    feed at all is for ``check_columns`` to say, of its first part, before anything of it is kept.
    """
    fields = lengthen(pick(raw, contract), contract)
    is_remembered = memory is not None
    memory = empty_memory(contract) if memory is None else memory
    values, masks, codings = row_rules(fields, contract, received_at)
    compared: dict[str, pl.Series] = {}
    advancing: pl.Series | None = None
    slots: Slots | None = None
    if not by_itself:
        masks |= _registry_rules(values, contract, registries, codings)
        if contract.time is not None and contract.time in contract.key:
            sound = ~_any(masks, contract.sets_aside, values.height)
            back = judge(values, sound, contract.time, contract.rules, memory, codings)
            masks |= back.broken
            if is_remembered:
                advancing, slots = back.advancing, back.arrived.slots(SLOTS)
            compared, memory = back.compared, back.memory
    if contract.key:
        aside = _any(masks, contract.sets_aside, values.height) if masks else None
        repeated = repeated_keys(values.select(contract.key), aside, advancing, known, slots)
        if repeated is not None:
            masks["duplicate-key"] = repeated
            masks |= repeated_rows(values, aside, repeated, contract, same)
    masks = {reason: masks[reason] for reason in contract.reasons if reason in masks}
    outcome = outcomes(masks, contract, values.height)
    accepted = values if outcome is None else values.filter(outcome == "accepted")
    first, last, n_late = _event_time(accepted, contract, received_at)
    return Cleaned(
        accepted=accepted,
        quarantined=_quarantined(fields, masks, outcome, contract),
        refusals=refusals(masks, outcome, contract),
        reasons={reason: int(mask.sum() or 0) for reason, mask in masks.items()},
        verdicts=verdict_rows(fields, masks, outcome, contract),
        memory=memory,
        judged=Judged(values, masks, compared, outcome),
        n_late=n_late,
        n_flagged=count_flagged(masks, outcome),
        n_asked=count_asked(masks, outcome, contract),
        first=first,
        last=last,
    )


def _any(masks: Mapping[str, pl.Series], wanted: Callable[[str], bool], n_rows: int) -> pl.Series:
    """Return (n,) which rows break a rule whose reason is ``wanted``."""
    chosen = [mask for reason, mask in masks.items() if wanted(reason)]
    if not chosen:
        return pl.repeat(False, n_rows, dtype=pl.Boolean, eager=True)
    return pl.select(pl.any_horizontal(*chosen)).to_series()


def _registry_rules(
    values: pl.DataFrame,
    contract: Contract,
    registries: Mapping[str, pl.DataFrame] | None,
    codings: Codings,
) -> dict[str, pl.Series]:
    """Return, by reason, a mask of the rows that are not in a registry as of their time."""
    if registries is None:
        return {}
    masks = {r.reason: r.broken(values, registries[r.feed], codings) for r in contract.registry_rules}
    return {reason: mask for reason, mask in masks.items() if mask.any()}


def check_columns(raw: pl.DataFrame, contract: Contract) -> None:
    """Judge by a file's first part whether it can be of this feed.

    A column that a later header leaves out is no wrong file, wherever the file happens to be cut.

    Raises
    ------
    WrongFile
        If a required column is in the frame under none of its names, or no column of a wide file is.
    """
    have = set(raw.columns)
    for f in contract.fields:
        if f.required and not f.template and f.name != contract.carried and not _columns_of(f, have):
            wanted = " or ".join(repr(n) for n in (f.joined or f.sources))
            got = ", ".join(sorted(have - {"_record"})[:12])
            raise WrongFile(f"column for {f.name}: want {wanted}, got {got}")
    if not any(_columns_of(f, have) for f in contract.fields) and contract.carried is None:
        got = ", ".join(sorted(have - {"_record"})[:12])
        raise WrongFile(f"columns: want some of the contract's, such as {contract.fields[0].name}, got {got}")
    check_wide([n for n in raw.columns if n not in contract.source_names and n != "_record"], contract)


def _columns_of(f: Field, have: set[str]) -> list[str]:
    """Return the columns at hand that a field reads; none if it needs several and one is missing."""
    names = [n for n in (f.joined or f.sources) if n in have]
    return [] if f.joined and len(names) < len(f.joined) else names


def pick(raw: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Name the source's columns as the contract does, as received (`as_rendered`).

    A field reads the first of its header names that is present; where a file changed its
    header half-way, both are there and the first that is not null counts.
    """
    have = set(raw.columns)
    columns = [raw["_record"]]
    for f in contract.fields:
        if f.template or f.name == contract.carried:
            continue
        names = _columns_of(f, have)
        if not names:
            columns.append(pl.repeat(None, raw.height, dtype=pl.String, eager=True).alias(f.name))
        elif f.joined:
            cells = pl.DataFrame([as_text(raw[n]).alias(str(i)) for i, n in enumerate(names)])
            columns.append(cells.select(pl.concat_str(pl.all(), separator=" ").alias(f.name)).to_series())
        elif len(names) == 1:
            columns.append(as_rendered(raw[names[0]], f).alias(f.name))
        else:
            cells = pl.DataFrame(
                [c.alias(str(i)) for i, c in enumerate(alike([as_rendered(raw[n], f) for n in names]))]
            )
            columns.append(cells.select(pl.coalesce(pl.all()).alias(f.name)).to_series())
    picked = pl.DataFrame(columns)
    if not contract.carried:
        return picked
    wide = [n for n in raw.columns if n not in contract.source_names and n != "_record"]
    return picked.hstack([raw[n].alias(f"wide:{n}") for n in wide])


def _quarantined(
    fields: pl.DataFrame, masks: Mapping[str, pl.Series], outcome: pl.Series | None, contract: Contract
) -> pl.DataFrame:
    """Return the rows set aside with all their reasons, as received."""
    names = [f.name for f in contract.fields]
    here = None if outcome is None else outcome == "quarantined"
    rows = fields.clear() if here is None else fields.filter(here)
    text = pl.DataFrame([rows["_record"], *(as_text(rows[n]) for n in names)])
    if here is None or rows.is_empty():
        return text.with_columns(reasons=pl.lit([], pl.List(pl.String))).select("_record", "reasons", *names)
    bad = {reason: mask.filter(here) for reason, mask in masks.items()}
    return text.with_columns(_reasons(bad).alias("reasons")).select("_record", "reasons", *names)


def _reasons(masks: Mapping[str, pl.Series]) -> pl.Series:
    """Return (n,) lists of the reasons of each row: put together once for each combination that occurs."""
    broken = pl.DataFrame(masks)
    combinations = broken.unique(maintain_order=True)
    told = [[r for r, b in zip(broken.columns, row, strict=True) if b] for row in combinations.rows()]
    lists = combinations.with_columns(reasons=pl.Series(told, dtype=pl.List(pl.String)))
    return broken.join(lists, on=broken.columns, how="left", maintain_order="left")["reasons"]


def _event_time(
    accepted: pl.DataFrame, contract: Contract, received_at: datetime
) -> tuple[datetime | None, datetime | None, int]:
    if contract.time is None or accepted.is_empty():
        return None, None, 0
    stamps = accepted[contract.time]
    n_late = 0
    if contract.latency_s is not None:
        oldest = datetime.fromtimestamp(received_at.timestamp() - contract.latency_s, UTC)
        n_late = int((stamps < oldest).sum() or 0)
    ends: Sequence[datetime | None] = accepted.select(
        pl.col(contract.time).min().alias("a"), pl.col(contract.time).max().alias("b")
    ).row(0)
    return ends[0], ends[1], n_late
