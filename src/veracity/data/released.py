"""Rows let in from quarantine: the lines that they come in as, and the contract that judges them.

A release is a file of NDJSON that Veracity writes from the quarantine, one line a row, as it was
received::

    {"_batch":3,"_record":17,"gauge":"G04","observed_at":"2026-09-01T00:50:00+00:00","rain":"900"}

So a released row is a record like any other, with evidence, a receipt and a number of its own, and
its line names the batch and the record it first came as. The *released view* of the contract in force
reads that line and judges it again, but for the rules that a person waived.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.data.clean import clean
from veracity.data.contract import Contract
from veracity.data.errors import DataError, EvidenceMismatch
from veracity.data.render import render_rows
from veracity.data.rules.order import Order
from veracity.data.rules.repeated_row import RepeatedRow
from veracity.data.rules.rule import Action, Rule
from veracity.errors import Malformed

PLACE = {"_batch": pl.Int64(), "_record": pl.Int64()}
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class NotWaivable(DataError, Malformed):
    """A rule to be waived is none of the contract's, or one that no row of a table may break."""

    code = "not-waivable"


def looks_back(rule: Rule) -> bool:
    """Tell whether a rule looks at readings that came before, which cannot be asked of a released row."""
    return hasattr(rule, "series") or isinstance(rule, Order)


def waivable(contract: Contract) -> frozenset[str]:
    """Return the reasons that a person may waive.

    Never the key: a row with a gap in it, or with one that the table has, could not stand there.
    """
    columns = {f"{rule}:{f.name}" for f in contract.fields for rule in f.rules}
    columns -= {f"{rule}:{name}" for name in contract.key for rule in ("type", "required")}
    future = {f"future:{contract.time}"} if contract.time else set[str]()
    rules = {r.reason for r in contract.rules if not isinstance(r, RepeatedRow) and not hasattr(r, "silent")}
    return frozenset(columns | future | rules)


def released_contract(contract: Contract, waived: Iterable[str]) -> Contract:
    """Return the contract as it judges released rows.

    Each column is read from the name that it has in the table; formats, units, zones and missing
    tokens stay. Rules that are waived flag. Rules that look back are not asked. What would be
    refused is set aside again: a row that the city once kept is never dropped. No agency signs.

    Raises
    ------
    NotWaivable
        If one of ``waived`` is none of the contract's rules, or is about the key.
    """
    waived = frozenset(waived)
    _check_waived(contract, waived)
    given = dict(contract.actions)
    reasons = {*given, *waived} - {r.reason for r in contract.rules}
    actions = {reason: _action(reason, given.get(reason, "quarantine"), waived) for reason in reasons}
    return replace(
        contract,
        agency=None,
        signature="optional",
        kind="ndjson",
        encoding="utf-8",
        fallback_encoding=None,
        fields=tuple(replace(f, sources=(f.name,), joined=(), template=None) for f in contract.fields),
        carried=None,
        rules=tuple(
            replace(r, action=_action(r.reason, r.action, waived))
            for r in contract.rules
            if not looks_back(r)
        ),
        actions=tuple(sorted((reason, a) for reason, a in actions.items() if a != "quarantine")),
    )


def not_asked_again(contract: Contract, waived: Collection[str]) -> frozenset[str]:
    """Return the reasons that keep a row in quarantine: rules that look back, in force and not waived.

    They cannot be asked again, so that what they found stands until a person waives it.
    """
    held = {r.reason for r in contract.rules if looks_back(r) and contract.sets_aside(r.reason)}
    return frozenset(held - set(waived))


def render_lines(rows: pl.DataFrame, contract: Contract) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Render quarantined rows (``_batch``, ``_record``, the contract's columns as text) as lines.

    Returns
    -------
    data, ends
        Canonical JSON, one line a row; (n,) int64 offset of the end of each.
    """
    return render_rows(rows.select(*PLACE, *(f.name for f in contract.fields)))


def read_lines(data: bytes, columns: Iterable[str] = ()) -> pl.DataFrame:
    """Read from lines where each row was, and some of its columns, as text.

    Raises
    ------
    EvidenceMismatch
        If they are no such lines.
    """
    schema = {**PLACE, **dict.fromkeys(columns, pl.String())}
    try:
        rows = pl.read_ndjson(data, schema=schema)
    except pl.exceptions.PolarsError as exc:
        got = (str(exc).splitlines() or ["another"])[0][:120]
        raise EvidenceMismatch(f"released rows: want lines with _batch and _record, got: {got}") from exc
    if any(rows[name].null_count() for name in PLACE):
        raise EvidenceMismatch("released rows: want _batch and _record in each line, got a line without")
    return rows


def read_values(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the typed values of quarantined rows, null where there is none to be read; as many rows."""
    view = replace(released_contract(contract, ()), key=(), rules=(), latency_s=None)
    flags: tuple[tuple[str, Action], ...] = tuple((reason, "flag") for reason in view.reasons)
    raw = rows.select(f.name for f in contract.fields).with_row_index("_record").cast({"_record": pl.Int64})
    values = clean(raw, replace(view, actions=flags), _ANY_TIME, by_itself=True).accepted
    return values.drop("_record")


def _action(reason: str, action: Action, waived: frozenset[str]) -> Action:
    if reason in waived:
        return "flag"
    return "quarantine" if action == "refuse" else action


def _check_waived(contract: Contract, waived: frozenset[str]) -> None:
    wrong = sorted(waived - waivable(contract))
    if not wrong:
        return
    key = {f"{rule}:{name}" for name in contract.key for rule in ("type", "required")} | {"duplicate-key"}
    key |= {r.reason for r in contract.rules if isinstance(r, RepeatedRow)}
    if wrong[0] in key:
        raise NotWaivable(
            f"waive: want no rule about the key ({', '.join(contract.key)}), got {wrong[0]!r}:"
            " the table holds each key once, whole"
        )
    known = ", ".join(sorted(waivable(contract)))
    raise NotWaivable(f"waive: want rules of {contract.feed} ({known[:400]}), got {wrong[0][:80]!r}")
