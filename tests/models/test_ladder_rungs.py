"""The ladder of fallbacks: what serves a place when feeds are cut, one after the other."""

import numpy as np
import pytest

from rain_app import LADDER
from veracity.models.app import Rung
from veracity.models.errors import BadLadder, BadPanel
from veracity.models.ladder import ages_s, serving
from veracity.models.panel_array import PanelArray

HOUR_US = 3_600_000_000


def panel(*silent: int, n: int = 12) -> PanelArray:
    """A panel of one gauge for each number of hours that it has been silent."""
    measured = np.ones((n, len(silent), 1), np.bool_)
    for k, hours in enumerate(silent):
        measured[n - hours :, k] = False
    values = np.ones(measured.shape)  # what is not measured is filled: that must not count
    keys = tuple(f"G{k:02}" for k in range(len(silent)))
    return PanelArray(np.arange(n) * HOUR_US, HOUR_US, keys, ("rain",), values, measured)


def test_each_place_walks_down_as_its_feed_is_cut() -> None:
    """Hour by hour after a cut: the model, then the last value, then nothing but a guess."""
    cut = panel(0, 1, 2, 3, 4, 5, 12)
    now_us = 11 * HOUR_US
    assert ages_s(cut, "rain", now_us).tolist() == [0, 3600, 7200, 10_800, 14_400, 18_000, np.inf]
    assert serving(LADDER, cut, now_us) == ("model", "model", "model", "last", "last", "guess", "guess")
    assert serving(LADDER, cut, now_us, {"model"}) == ("last",) * 5 + ("guess",) * 2


def test_time_alone_cuts_a_feed() -> None:
    """Where nothing comes any more, the age counts from now, not from the panel's last time."""
    fresh = panel(0)
    assert serving(LADDER, fresh, 11 * HOUR_US) == ("model",)
    assert serving(LADDER, fresh, 14 * HOUR_US) == ("last",)
    assert serving(LADDER, fresh, 30 * HOUR_US) == ("guess",)


def test_filled_values_do_not_count() -> None:
    """A panel that is filled to its end, and measured nowhere, serves nobody but the last rung."""
    assert serving(LADDER, panel(12), 11 * HOUR_US) == ("guess",)


def test_a_ladder_without_a_last_rung_is_refused() -> None:
    """A ladder whose every rung needs something would leave people without a word."""
    short = (Rung("model", ("rain",), 7_200, {"en": "The model."}),)
    with pytest.raises(BadLadder, match="last rung that needs nothing"):
        serving(short, panel(0, 12), 11 * HOUR_US)
    with pytest.raises(BadPanel, match="want column 'snow'"):
        serving((Rung("model", ("snow",), 7_200, {"en": "Snow."}),), panel(0), 11 * HOUR_US)
