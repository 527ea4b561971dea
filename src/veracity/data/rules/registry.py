"""Registry: what a row says of its sensor agrees with another feed, as of the row's event time."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from veracity.data.rules.coded import Codings, Places, code_text
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule

COLUMNS = 16
_EVER, _NEVER_ENDS = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True)
class Registry(Rule):
    """A registry knows the row: one of its rows matches, was in force then, and says the same.

    ``{rule: registry, feed: stations, match: {station: id}, from: valid_from, to: valid_to}`` with a
    name on the schema object. A row that lacks its event time or a column of ``match`` is not asked.
    Where a column of ``equal`` or ``within`` is absent, here or in the registry, it contradicts nothing.

    Attributes
    ----------
    feed
        ``feed``: the feed whose accepted rows are the registry.
    time
        ``at``: the column that says as of when; the key's event time if absent.
    match
        ``match``: pairs of this feed's column and the registry's, which name the thing.
    since, until
        ``from``, ``to``: the registry's columns that say from when a row is in force and up to when,
        that instant not included. Null there, or no such column, means always.
    equal
        ``equal``: pairs that must be the same.
    near
        ``within``: pairs of numbers that may differ by a ``tolerance``, as in
        ``within: {latitude: {column: lat, tolerance: 0.001}}``.
    """

    feed: str
    time: str
    match: tuple[tuple[str, str], ...]
    since: str | None
    until: str | None
    equal: tuple[tuple[str, str], ...]
    near: tuple[tuple[str, str, float], ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the registry that it looks at."""
        compared = [other for _, other in (*self.match, *self.equal, *self._near_pairs)]
        periods = [name for name in (self.since, self.until) if name is not None]
        return tuple(dict.fromkeys(compared + periods))

    @property
    def _near_pairs(self) -> tuple[tuple[str, str], ...]:
        return tuple((own, other) for own, other, _ in self.near)

    def broken(
        self, rows: pl.DataFrame, registry: pl.DataFrame, codings: Codings = MappingProxyType({})
    ) -> pl.Series:
        """Return (n,) Boolean: which rows the registry does not know as of their time.

        Parameters
        ----------
        rows
            Typed rows of the feed.
        registry
            Rows of the registry, as known when the batch arrived. Their order does not matter;
            several of one thing may be in force at once, and each may agree.
        codings
            Columns of the rows that are coded already.
        """
        asked = rows.select(
            pl.all_horizontal(pl.col([self.time, *(own for own, _ in self.match)]).is_not_null())
        ).to_series()
        cases, case = self._cases(rows, codings)
        agreeing = self._agreeing(cases, registry)
        if self.since is None and self.until is None:
            always = np.zeros(cases.height, dtype=np.bool_)
            always[agreeing["_case"].to_numpy()] = True
            return pl.Series(self.reason, asked.to_numpy() & ~always[case])
        periods = _merged(agreeing)
        times = rows[self.time].cast(pl.Datetime("us")).to_physical().fill_null(0)
        placed = pl.DataFrame({"_case": pl.Series(case), "_time": times}).with_row_index("_row").sort("_time")
        found = placed.join_asof(
            periods.sort("_from"),
            left_on="_time",
            right_on="_from",
            by="_case",
            strategy="backward",
            check_sortedness=False,
        ).sort("_row")
        known = found.select((pl.col("_time") < pl.col("_to")).fill_null(value=False)).to_series()
        return (asked & ~known).alias(self.reason)

    def _cases(self, rows: pl.DataFrame, codings: Codings) -> tuple[pl.DataFrame, Places]:
        """Return the distinct things that rows say with ``_case``, their number; (n,) each row's number."""
        said = self._said(rows)
        if said.width == 1 and said.dtypes[0] == pl.String:
            coded = codings.get(self.match[0][0]) or code_text(said.to_series())
            return pl.DataFrame([coded.distinct.alias(said.columns[0])]).with_row_index("_case"), coded.place
        cases = said.unique(maintain_order=True).with_row_index("_case")
        joined = said.join(cases, on=said.columns, how="left", maintain_order="left", nulls_equal=True)
        return cases, joined["_case"].to_numpy()

    def _said(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return what each row says: columns m0, m1 …, e0 …, n0 …; numbers as floats."""
        pairs = (("m", self.match), ("e", self.equal), ("n", self._near_pairs))
        return rows.select(
            _comparable(rows, pair[0]).alias(f"{kind}{i}") for kind, of in pairs for i, pair in enumerate(of)
        )

    def _agreeing(self, cases: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
        """Return ``(_case, _from, _to)``: in which periods a row of the registry agrees with a case."""
        pairs = (("m", self.match), ("E", self.equal), ("N", self._near_pairs))
        told = registry.select(
            *(
                _comparable(registry, pair[1]).alias(f"{kind}{i}")
                for kind, of in pairs
                for i, pair in enumerate(of)
            ),
            _instant(self.since, _EVER).alias("_from"),
            _instant(self.until, _NEVER_ENDS).alias("_to"),
        ).unique()
        both = cases.join(told, on=[f"m{i}" for i in range(len(self.match))], how="inner")
        agrees = [pl.lit(value=True)]
        agrees += [(pl.col(f"e{i}") == pl.col(f"E{i}")).fill_null(value=True) for i in range(len(self.equal))]
        for i, (_, _, tolerance) in enumerate(self.near):
            apart = (pl.col(f"n{i}") - pl.col(f"N{i}")).abs()
            agrees.append((apart <= tolerance).fill_null(value=True))
        return both.filter(*agrees, pl.col("_from") < pl.col("_to")).select("_case", "_from", "_to")


def _comparable(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64) if frame.schema[name].is_numeric() else pl.col(name)


def _instant(name: str | None, default: int) -> pl.Expr:
    if name is None:
        return pl.lit(default, pl.Int64)
    return pl.col(name).cast(pl.Datetime("us")).to_physical().fill_null(default)


def _merged(periods: pl.DataFrame) -> pl.DataFrame:
    """Return the periods of each case with those that overlap or touch made one."""
    before = pl.col("_to").cum_max().shift(1).over("_case")
    begins = (pl.col("_from") > before).fill_null(value=True)
    return (
        periods.sort("_case", "_from")
        .with_columns(_run=begins.cum_sum())
        .group_by("_run")
        .agg(pl.col("_case").first(), pl.col("_from").min(), pl.col("_to").max())
        .drop("_run")
    )


def read_registry(scope: Scope, p: Parameters) -> Registry:
    """Read the rule. Whether the registry has such columns, ``check_references`` says."""
    feed = p.text("feed", most=64)
    time = p.column("at", scope, ("timestamp",)) if p.has("at") else scope.time
    if time is None:
        raise p.fail("at", "a timestamp, as the key has none", None)
    match = _pairs(scope, p, "match")
    if not match:
        raise p.fail("match", "one column or more", {})
    return Registry(
        reason=f"registry:{scope.property}",
        action=p.action,
        severity=p.severity,
        feed=feed,
        time=time,
        match=match,
        since=p.text("from", most=64) if p.has("from") else None,
        until=p.text("to", most=64) if p.has("to") else None,
        equal=_pairs(scope, p, "equal"),
        near=_near(scope, p),
    )


def _pairs(scope: Scope, p: Parameters, name: str) -> tuple[tuple[str, str], ...]:
    given = p.mapping(name, {})
    if len(given) > COLUMNS or not all(
        own in scope.columns and isinstance(other, str) and other for own, other in given.items()
    ):
        raise p.fail(name, f"at most {COLUMNS} columns of the contract, each with one of the registry", given)
    return tuple(given.items())


def _near(scope: Scope, p: Parameters) -> tuple[tuple[str, str, float], ...]:
    given: Mapping[str, Any] = p.mapping("within", {})
    near = []
    for own, settings in given.items():
        is_number = scope.columns.get(own) in ("number", "integer")
        if len(given) > COLUMNS or not is_number or not isinstance(settings, dict):
            wanted = "numbers of the contract, each with {column, tolerance}"
            raise p.fail("within", f"at most {COLUMNS} {wanted}", given)
        q = Parameters(f"{p.where}.within.{own}", settings)
        near.append((own, q.text("column", most=64), q.number("tolerance", low=0)))
        q.done()
    return tuple(near)
