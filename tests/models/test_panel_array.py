"""A panel as arrays: what a row holds was known at its time."""

import numpy as np
import polars as pl

from veracity.models.panel_array import PanelArray


def test_a_value_on_a_line_to_a_later_one_is_not_known() -> None:
    """A linear fill looks ahead and is left out; one that repeats the value before stays, as filled."""
    hours = pl.datetime_range(pl.datetime(2026, 6, 1), pl.datetime(2026, 6, 1, 3), "1h", eager=True)
    frame = pl.DataFrame(
        {
            "time": hours.dt.replace_time_zone("UTC"),
            "a": [1.0, 2.0, 3.0, 4.0],
            "a_state": ["measured", "linear", "previous", None],
        }
    )
    panel = PanelArray.from_frame(frame, None)
    assert np.array_equal(panel.column("a")[:, 0], [1.0, np.nan, 3.0, 4.0], equal_nan=True)
    assert np.array_equal(panel.measured_column("a")[:, 0], [1.0, np.nan, np.nan, np.nan], equal_nan=True)
