"""What sort of numbers a column holds: readings, codes, counts."""

import re

import polars as pl

from veracity.data.infer import sensor_rules
from veracity.data.infer.names import words
from veracity.data.infer.quantities import POLLUTANTS, quantity_of
from veracity.data.infer.ranges import sentinels
from veracity.data.infer.readings import Column
from veracity.data.infer.units_guess import UnitGuess


def fullest(columns: list[Column]) -> str | None:
    """Return the column with the most readings: its gaps are the sensor's."""
    counted = [
        (c.numbers.count() - int(c.numbers.is_in(list(sentinels(c.numbers))).sum()), -i, c.header)
        for i, c in enumerate(columns)
        if c.numbers is not None and _has_series(c, c.numbers)
    ]
    return max(counted)[2] if counted else None


def _has_series(column: Column, numbers: pl.Series) -> bool:
    quantity = quantity_of(words(column.header))
    if quantity is None:
        return column.type == "number" and numbers.n_unique() > 20
    return quantity.name not in sensor_rules.NO_SERIES


def is_code(column: Column, guess: UnitGuess) -> bool:
    """Tell whether numbers stand for something else, as in ``temp_qual``."""
    return (
        guess.quantity is None
        and column.type == "integer"
        and bool(
            re.search(
                r"(^|_)(qual|quality|flag|flags|status|code|qc|type|class|level)(_|$)", words(column.header)
            )
        )
    )


def number_type(column: Column, guess: UnitGuess) -> str:
    """Return ``integer`` for counts and codes only: what is measured may have decimals tomorrow."""
    assert column.numbers is not None, "a number"
    many = column.numbers.n_unique() > 20 and not column.native.is_integer()
    return "number" if column.type == "number" or guess.quantity is not None or many else "integer"


def is_measurement(guess: UnitGuess, column: Column) -> bool:
    """Tell whether sensor rules make sense of a column: it is measured, and takes many values."""
    if guess.quantity is not None:
        return True
    return (
        column.numbers is not None
        and column.numbers.n_unique() > 20
        and number_type(column, guess) == "number"
    )


def may_be_index(guess: UnitGuess, column: Column) -> bool:
    """Tell whether what should be a concentration holds only whole numbers of an index's scale."""
    if guess.quantity is None or guess.quantity.name not in POLLUTANTS or column.numbers is None:
        return False
    present = column.numbers.drop_nulls()
    return column.type == "integer" and bool(((present >= 0) & (present <= 500)).all())
