"""A column of text that says few things many times: the things, and which of them each row says."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

Places = np.ndarray[tuple[int], np.dtype[np.uint32]]


@dataclass(frozen=True)
class Coded:
    """Distinct texts, null the last, and each row's place among them.

    Attributes
    ----------
    distinct
        (k + 1,) String, each once.
    place
        (n,) uint32.
    """

    distinct: pl.Series
    place: Places


Codings = Mapping[str, Coded]  #: by column


def code_text(text: pl.Series) -> Coded:
    """Return a column of text coded: one pass to find the distinct texts, one to place the rows."""
    distinct = text.drop_nulls().unique(maintain_order=True)
    place = text.cast(pl.Enum(distinct)).to_physical().cast(pl.UInt32).fill_null(distinct.len())
    return Coded(distinct.extend_constant(None, 1), place.to_numpy())
