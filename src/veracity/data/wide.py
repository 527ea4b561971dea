"""Wide files: one column a sensor. ``wl_{station}`` takes the column's name apart.

A wide row with 516 sensor columns is 516 observations that share one record of evidence.
An empty cell is no observation.
"""

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.errors import WrongFile

WIDE_COLUMNS = 20_000


def lengthen(picked: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Turn the ``wide:`` columns of ``picked`` into rows, by record, then by the carried name.

    Returns the contract's fields in order, as received, after ``_record``; ``picked`` itself
    where the contract is not wide.

    Raises
    ------
    WrongFile
        If no column matches any template.
    """
    order = ["_record", *(f.name for f in contract.fields)]
    if contract.carried is None:
        return picked.select(order)
    wide = [c.removeprefix("wide:") for c in picked.columns if c.startswith("wide:")]
    found: dict[str, dict[str, str]] = {}  # carried name -> field -> column
    templated = [f for f in contract.fields if f.template]
    for name in wide[:WIDE_COLUMNS]:
        for f in templated:
            carried = _carried(f, name)
            if carried is not None:
                found.setdefault(carried, {})[f.name] = f"wide:{name}"
                break
    if not found or len(wide) > WIDE_COLUMNS:
        wanted = " or ".join(repr(f.template) for f in templated)
        raise WrongFile(f"columns: want 1 to {WIDE_COLUMNS} like {wanted}, got {len(wide)}, e.g. {wide[:3]}")
    narrow = [n for n in order if n != contract.carried and n not in {f.name for f in templated}]
    pieces = [
        picked.select(
            *narrow,
            pl.lit(carried).alias(contract.carried),
            *(_cell(columns.get(f.name)).alias(f.name) for f in templated),
        )
        for carried, columns in sorted(found.items())
    ]
    rows = pl.concat(pieces, how="vertical_relaxed")
    present = pl.any_horizontal(*(pl.col(f.name).cast(pl.String).str.strip_chars() != "" for f in templated))
    return rows.filter(present).sort("_record", maintain_order=True).select(order)


def _cell(column: str | None) -> pl.Expr:
    return pl.lit(None, pl.String) if column is None else pl.col(column)


def _carried(f: Field, column: str) -> str | None:
    prefix, rest = (f.template or "").split("{")
    suffix = rest.split("}")[1]
    middle = column[len(prefix) : len(column) - len(suffix)]
    return middle if column.startswith(prefix) and column.endswith(suffix) and middle else None
