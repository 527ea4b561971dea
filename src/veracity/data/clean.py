"""Hold a frame of received records to a contract: typed rows, or reasons.

Pure and deterministic: the same frame, contract, time of receipt and history give the same
rows in the same order, so that anyone can run it again and compare digests. A row breaks
all the rules it breaks: every reason is kept, not the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.errors import WrongFile
from veracity.data.received import alike, as_rendered
from veracity.data.render import as_text
from veracity.data.typed import MICROSECONDS, Typed, parse_dates, parse_timestamps, typed
from veracity.data.wide import check_wide, lengthen

CLOCK_TOLERANCE_S = 300  # a device's clock may run ahead by this much

DTYPES = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "timestamp": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
}

KnownKeys = Callable[[pl.DataFrame], pl.Series]


@dataclass(frozen=True)
class Cleaned:
    """What became of a batch. ``accepted.height + quarantined.height`` is the rows that came in.

    Attributes
    ----------
    accepted
        The contract's fields in order, then ``_record``; in order of arrival.
    quarantined
        ``_record``, ``reasons`` (list of text), then every field as received, as text.
    reasons
        How many rows broke each rule; a row with two reasons counts in both.
    n_late
        Accepted rows older on arrival than the contract's latency allows.
    """

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    reasons: dict[str, int]
    n_late: int
    first: datetime | None
    last: datetime | None


def table_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Return the accepted table's columns and types, without ``_batch``."""
    return {f.name: DTYPES[f.type] for f in contract.fields} | {"_record": pl.Int64()}


def no_history(keys: pl.DataFrame) -> pl.Series:
    """Answer for an empty table: no key has been seen."""
    return pl.repeat(False, keys.height, dtype=pl.Boolean, eager=True)


def clean(
    raw: pl.DataFrame, contract: Contract, received_at: datetime, known: KnownKeys = no_history
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

    Notes
    -----
    Where a required column is missing, every row breaks ``required``. That a file cannot be of the
    feed at all is for ``check_columns`` to say, of its first part, before anything of it is kept.
    """
    fields = lengthen(pick(raw, contract), contract)
    values, masks = _row_rules(fields, contract, received_at)
    broken = pl.select(pl.any_horizontal(*masks.values())).to_series() if masks else None
    if contract.key:
        repeated = _repeated(values.select(contract.key), broken, known)
        if repeated is not None:
            masks["duplicate-key"] = repeated
            broken = repeated if broken is None else broken | repeated
    reasons = {name: count for name, mask in masks.items() if (count := int(mask.sum() or 0))}
    if not reasons or broken is None:
        accepted, quarantined = values, _reasoned(fields.clear(), {}, contract)
    else:
        accepted = values.filter(~broken)
        bad = {name: masks[name].filter(broken) for name in reasons}
        quarantined = _reasoned(fields.filter(broken), bad, contract)
    first, last, n_late = _event_time(accepted, contract, received_at)
    return Cleaned(accepted, quarantined, reasons, n_late, first, last)


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


def _row_rules(
    fields: pl.DataFrame, contract: Contract, received_at: datetime
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Return the typed rows and, by reason, a mask of the rows that break a row-level rule."""
    parsers = {"timestamp": parse_timestamps, "date": parse_dates}
    times = {f.name: parsers[f.type](fields[f.name], f) for f in contract.fields if f.type in parsers}
    frame = fields.with_columns(s.alias(f"time:{n}") for n, s in times.items())
    parsed: dict[str, Typed] = {f.name: typed(f, fields.schema[f.name]) for f in contract.fields}
    exprs: list[pl.Expr] = []
    for f in contract.fields:
        exprs.append(parsed[f.name].value.alias(f.name))
        exprs.append(parsed[f.name].present.alias(f"has:{f.name}"))
    both = frame.select(*exprs, pl.col("_record"))
    horizon = received_at.timestamp() + CLOCK_TOLERANCE_S
    rules = {k: e for f in contract.fields for k, e in _field_rules(f).items()}
    if contract.time is not None:
        limit = pl.lit(datetime.fromtimestamp(horizon, UTC)).cast(MICROSECONDS)
        rules[f"future:{contract.time}"] = pl.col(contract.time) > limit
    masks = both.select(e.fill_null(value=False).alias(k) for k, e in rules.items())
    names = [f.name for f in contract.fields]
    broken = {s.name: s for s in masks.get_columns() if s.any()}
    return both.select(*names, "_record"), broken


def _field_rules(f: Field) -> dict[str, pl.Expr]:
    """Return the field's rules: reason -> expression, true where broken, null where not asked."""
    value, present = pl.col(f.name), pl.col(f"has:{f.name}")
    rules = {f"type:{f.name}": present & value.is_null()}
    if f.required:
        rules[f"required:{f.name}"] = ~present
    bounds = (
        (f.minimum, pl.Expr.lt),
        (f.maximum, pl.Expr.gt),
        (f.exclusive_minimum, pl.Expr.le),
        (f.exclusive_maximum, pl.Expr.ge),
    )
    outside = [breaks(value, bound) for bound, breaks in bounds if bound is not None]
    if outside:
        rules[f"range:{f.name}"] = pl.any_horizontal(*outside)
    if f.pattern is not None:
        rules[f"pattern:{f.name}"] = ~value.str.contains(f.pattern)
    if f.min_length is not None:
        rules[f"length:{f.name}"] = value.str.len_chars() < f.min_length
    if f.max_length is not None:
        long = value.str.len_chars() > f.max_length
        rules[f"length:{f.name}"] = rules.get(f"length:{f.name}", pl.lit(value=False)) | long
    if f.values is not None:
        rules[f"enum:{f.name}"] = ~value.cast(pl.String).is_in(list(f.values))
    return rules


def _repeated(keys: pl.DataFrame, broken: pl.Series | None, known: KnownKeys) -> pl.Series | None:
    """Mark rows whose key an earlier sound row holds, here or in the table; None if there is none.

    Rows that break another rule neither claim a key nor are judged by it. Exact: hashes only
    choose whom to compare.
    """
    sound = keys if broken is None else keys.filter(~broken)
    hashes = sound.select(pl.struct(pl.all()).hash()).to_series()
    repeated = known(sound)
    if hashes.n_unique() < sound.height:
        again = pl.repeat(False, sound.height, dtype=pl.Boolean, eager=True)
        suspects = hashes.is_duplicated() & ~repeated
        rows = suspects.arg_true()
        later = ~sound[rows].select(pl.struct(pl.all()).is_first_distinct()).to_series()
        again = again.scatter(rows.filter(later), True)
        repeated = repeated | again
    if not repeated.any():
        return None
    if broken is None:
        return repeated
    out = pl.repeat(False, keys.height, dtype=pl.Boolean, eager=True)
    return out.scatter((~broken).arg_true().filter(repeated), True)


def _reasoned(fields: pl.DataFrame, masks: dict[str, pl.Series], contract: Contract) -> pl.DataFrame:
    names = [f.name for f in contract.fields]
    text = pl.DataFrame([fields["_record"], *(as_text(fields[n]) for n in names)])
    if not masks:
        return text.with_columns(reasons=pl.lit([], pl.List(pl.String))).select("_record", "reasons", *names)
    why = pl.select(
        pl.concat_list([pl.when(m).then(pl.lit(k)) for k, m in masks.items()])
        .list.drop_nulls()
        .alias("reasons")
    )
    return text.with_columns(why).select("_record", "reasons", *names)


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
