"""A person's word in place of a decision's: which columns it may change, and the rows scored of it."""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from veracity.canonical import canonical_json
from veracity.models.decision_rows import OVERRIDDEN, OVERRIDE
from veracity.models.decisions import QUANTILES, SCHEMA
from veracity.models.errors import BadDecisions
from veracity.provenance.strictjson import parse_json

MAX_VALUE_BYTES = 4_096
MAY_CHANGE = (*QUANTILES, "probability", "action")


def value_text(changes: Mapping[str, Any]) -> str:
    """Return the columns that a person changes as the statement carries them.

    ``value`` stands for all quantiles at once: a single number, said without doubt.

    Raises
    ------
    BadDecisions
        If it changes nothing, or what cannot be changed.
    """
    wide = dict.fromkeys(QUANTILES, changes["value"]) if "value" in changes else {}
    columns = wide | {name: value for name, value in changes.items() if name != "value"}
    return canonical_json(_checked(columns)).decode()


def read_value(text: str) -> dict[str, Any]:
    """Read such a text; BadDecisions if it is none."""
    document = parse_json(text.encode(), "override.value", MAX_VALUE_BYTES, BadDecisions)
    if not isinstance(document, dict):
        raise BadDecisions(f"override.value: want an object, got {text[:60]}")
    return _checked(document)


def overridden_row(row: pl.DataFrame, text: str) -> pl.DataFrame:
    """Return one decision with a person's columns in place of its own; other columns stay."""
    changed = read_value(text)
    return row.with_columns(pl.lit(v, SCHEMA[n]).alias(n) for n, v in changed.items())


def scored_twice(rows: pl.DataFrame, said: Mapping[int, str]) -> list[pl.DataFrame]:
    """Return the rows to score of overridden decisions: each as the person has it and as the system had it.

    Parameters
    ----------
    rows
        Settled decisions of one run: columns of ``decisions.SCHEMA``, ``record`` and ``value``.
    said
        What persons said, by record.

    Returns
    -------
    list
        Frames of ``SCHEMA`` and ``value``, of models ``override`` and ``overridden``.
    """
    out = []
    for record, text in sorted(said.items()):
        row = rows.filter(pl.col("record") == record).select(*SCHEMA, "value")
        if row.height:
            for name, one in ((OVERRIDE, overridden_row(row, text)), (OVERRIDDEN, row)):
                out.append(one.with_columns(model=pl.lit(name)).select(row.columns))
    return out


def _checked(columns: Mapping[str, Any]) -> dict[str, Any]:
    if not columns:
        raise BadDecisions(f"override: want some of {', '.join(MAY_CHANGE)}, got none")
    for name, value in columns.items():
        if name not in MAY_CHANGE:
            raise BadDecisions(f"override: want some of {', '.join(MAY_CHANGE)}, got {name[:40]!r}")
        is_text = isinstance(value, str) and 0 < len(value) <= 64
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not (is_text if name == "action" else is_number):
            raise BadDecisions(
                f"override.{name}: want {'a code' if name == 'action' else 'a number'}, got {value!r}"
            )
    return {n: v if n == "action" else float(v) for n, v in columns.items()}
