"""Wide files: one column a sensor. ``wl_{station}`` takes the column's name apart.

A wide row with 516 sensor columns is 516 observations that share one record of evidence.
An empty cell is no observation.
"""

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.errors import WrongFile
from veracity.data.received import alike, as_rendered

WIDE_COLUMNS = 20_000


def lengthen(picked: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Turn the ``wide:`` columns of ``picked`` into rows, by record, then by the carried name.

    Returns the contract's fields in order, as received, after ``_record``; ``picked`` itself
    where the contract is not wide; no rows where no column matches any template.
    """
    order = ["_record", *(f.name for f in contract.fields)]
    if contract.carried is None:
        return picked.select(order)
    wide = [c.removeprefix("wide:") for c in picked.columns if c.startswith("wide:")]
    found: dict[str, dict[str, str]] = {}  # carried name -> field -> column
    templated = [f for f in contract.fields if f.template]
    for name in wide:
        for f in templated:
            carried = _carried(f, name)
            if carried is not None:
                found.setdefault(carried, {})[f.name] = f"wide:{name}"
                break
    if not found:
        missing = [pl.lit(None, pl.String).alias(n) for n in order if n not in picked.columns]
        return picked.clear().with_columns(missing).select(order)
    cells = _cells(picked, templated, found)
    narrow = [n for n in order if n != contract.carried and n not in {f.name for f in templated}]
    pieces = [
        picked.select(
            *narrow,
            pl.lit(carried).alias(contract.carried),
            *(_or_null(cells.get((carried, f.name))).alias(f.name) for f in templated),
        )
        for carried in sorted(found)
    ]
    rows = pl.concat(pieces, how="vertical_relaxed").cast({pl.Null: pl.String})
    present = pl.any_horizontal(*(_is_present(f.name, rows.schema[f.name]) for f in templated))
    return rows.filter(present).sort("_record", maintain_order=True).select(order)


def check_wide(names: list[str], contract: Contract) -> None:
    """Raise ``WrongFile`` if a contract is wide and no column among ``names``, or too many, match it."""
    if contract.carried is None:
        return
    templated = [f for f in contract.fields if f.template]
    if len(names) > WIDE_COLUMNS or not any(_carried(f, n) is not None for n in names for f in templated):
        wanted = " or ".join(repr(f.template) for f in templated)
        raise WrongFile(
            f"columns: want 1 to {WIDE_COLUMNS} like {wanted}, got {len(names)}, e.g. {names[:3]}"
        )


def _cells(
    picked: pl.DataFrame, templated: list[Field], found: dict[str, dict[str, str]]
) -> dict[tuple[str, str], pl.Series]:
    """Return the column of each carried name and field; a field's columns are all of one type."""
    cells: dict[tuple[str, str], pl.Series] = {}
    for f in templated:
        names = [carried for carried, columns in found.items() if f.name in columns]
        columns = alike([as_rendered(picked[found[carried][f.name]], f) for carried in names])
        cells |= {(carried, f.name): column for carried, column in zip(names, columns, strict=True)}
    return cells


def _or_null(cell: pl.Series | None) -> pl.Expr:
    return pl.lit(None) if cell is None else pl.lit(cell)


def _is_present(name: str, dtype: pl.DataType) -> pl.Expr:
    cell = pl.col(name)
    return cell.str.strip_chars() != "" if dtype == pl.String else cell.is_not_null()


def _carried(f: Field, column: str) -> str | None:
    prefix, rest = (f.template or "").split("{")
    suffix = rest.split("}")[1]
    middle = column[len(prefix) : len(column) - len(suffix)]
    return middle if column.startswith(prefix) and column.endswith(suffix) and middle else None
