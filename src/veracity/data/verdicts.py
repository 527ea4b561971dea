"""What the broken rules make of each row: its outcome, and the bit maps kept beside the data."""

from collections.abc import Mapping

import polars as pl

from veracity.data.contract import Contract

OUTCOME = pl.Enum(["accepted", "quarantined", "refused"])
Masks = Mapping[str, pl.Series]


def outcomes(masks: Masks, contract: Contract, n_rows: int) -> pl.Series | None:
    """Return (n,) of ``OUTCOME``: the hardest action of the rules a row breaks; None if none is broken."""
    if not masks:
        return None
    refused = [mask for reason, mask in masks.items() if contract.action(reason) == "refuse"]
    aside = [mask for reason, mask in masks.items() if contract.action(reason) in ("quarantine", "ask")]
    no = pl.repeat(False, n_rows, dtype=pl.Boolean)
    return pl.select(
        pl.when(pl.any_horizontal(*refused) if refused else no)
        .then(pl.lit(2, pl.UInt8))  # places in OUTCOME: far cheaper than its names
        .when(pl.any_horizontal(*aside) if aside else no)
        .then(pl.lit(1, pl.UInt8))
        .otherwise(pl.lit(0, pl.UInt8))
        .cat.to(OUTCOME)
        .alias("outcome")
    ).to_series()


def refusals(masks: Masks, outcome: pl.Series | None, contract: Contract) -> dict[str, int]:
    """Count the refused rows by the first rule that refuses them, in the contract's order: once each."""
    counts: dict[str, int] = {}
    if outcome is None:
        return counts
    left = outcome == "refused"
    for reason, mask in masks.items():
        if contract.action(reason) == "refuse" and (n := int((mask & left).sum() or 0)):
            counts[reason] = n
            left = left & ~mask
    return counts


def count_flagged(masks: Masks, outcome: pl.Series | None) -> int:
    """Count the accepted rows that break a rule: all they can break are rules that flag."""
    if outcome is None:
        return 0
    broken = pl.select(pl.any_horizontal(*masks.values())).to_series()
    return int((broken & (outcome == "accepted")).sum() or 0)


def count_asked(masks: Masks, outcome: pl.Series | None, contract: Contract) -> int:
    """Count the quarantined rows about which a person is asked."""
    asked = [mask for reason, mask in masks.items() if contract.action(reason) == "ask"]
    if outcome is None or not asked:
        return 0
    return int((pl.select(pl.any_horizontal(*asked)).to_series() & (outcome == "quarantined")).sum() or 0)


def verdict_rows(
    fields: pl.DataFrame, masks: Masks, outcome: pl.Series | None, contract: Contract
) -> pl.DataFrame | None:
    """Return the verdict on every row of a batch; None if no rule was broken.

    Columns: ``_record``; for a wide feed the field that its column names carry, which tells a
    record's rows apart; ``outcome``; and one Boolean column, a bit map, for each rule that a row
    of the batch broke, named by its reason. A rule without a column was broken by no row.
    """
    if outcome is None:
        return None
    names = ["_record", *([contract.carried] if contract.carried else [])]
    return fields.select(names).with_columns(outcome, *(mask.alias(r) for r, mask in masks.items()))
