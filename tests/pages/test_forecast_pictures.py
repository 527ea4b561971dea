"""Pictures of forecasts: what is measured, estimated and forecast is drawn apart, and nothing breaks them."""

import re

import numpy as np
import pytest

from veracity.pages.document import document, rows_table
from veracity.pages.errors_by_horizon import Curve, errors_plot
from veracity.pages.fan import Fan, fan_legend, fan_plot
from veracity.pages.html import tag
from veracity.pages.map import Region, Spot, map_drawing
from veracity.pages.reliability import reliability_plot, shares_below

HOUR_US = 3.6e9
AHEAD = np.sort(np.random.default_rng(0).gamma(9, 3, (6, 7)), axis=1)


def fan(past: list[float], quantiles: "np.typing.NDArray[np.float64]" = AHEAD, guesses: int = 0) -> Fan:
    n = len(past)
    return Fan(
        (np.arange(1 - n, 1) * HOUR_US).astype(np.float64),
        np.array(past),
        np.zeros(guesses),
        np.repeat(quantiles[:1], guesses, axis=0),
        (np.arange(1, len(quantiles) + 1) * HOUR_US).astype(np.float64),
        quantiles,
        0,
        [(20.0, "a limit"), (1e9, "far above")],
    )


def drawn(html: str, class_: str) -> list[str]:
    """The data of the paths of a class."""
    return [d for d, c in re.findall(r'<path d="([^"]*)" class="([^"]*)"', html) if c == class_ and d]


def test_the_three_kinds_of_value_are_drawn_apart() -> None:
    """A measured line, hollow marks for estimates, three nested bands and a dashed middle."""
    html = str(fan_plot(fan([10.0, 11.0, 12.0], guesses=1), "PM2.5", "µg/m³"))
    for class_ in (
        "fan-past",
        "fan-guess",
        "fan-guess-in",
        "fan-guess-range",
        "fan-mid",
        "fan-now",
        "fan-limit",
    ):
        assert drawn(html, class_), class_
    assert [len(drawn(html, f"fan-{level}")) for level in (95, 80, 50)] == [1, 1, 1]
    assert "20 a limit" in html
    assert "far above" not in html
    assert all(words in str(fan_legend()) for words in ("measured", "estimated, not measured", "95 % range"))


def test_gaps_are_not_bridged() -> None:
    """A missing hour breaks the line; one between two missing ones is a point; an unknown one no band."""
    html = str(fan_plot(fan([10.0, 11.0, np.nan, 12.0, np.nan, 13.0, 14.0]), "x", "u"))
    assert drawn(html, "fan-past")[0].count("M") == 3
    assert len(drawn(html, "fan-point")) == 1
    holed = AHEAD.copy()
    holed[2] = np.nan
    assert drawn(str(fan_plot(fan([1.0], holed), "x", "u")), "fan-80")[0].count("M") == 2


@pytest.mark.parametrize("past", [[], [np.nan], [0.0]])
def test_a_fan_of_nothing_is_still_a_picture(past: list[float]) -> None:
    """With nothing known there is an empty plot, and no number that is none."""
    html = str(fan_plot(fan(past, np.full((3, 7), np.nan)), "x", "u"))
    assert "<svg" in html
    assert "nan" not in html.lower()


def test_a_map_marks_what_is_not_sure() -> None:
    """Spots have a mark and words; unsure ones are dashed and hatched; text is escaped."""
    ring = np.array([[108.0, 16.0], [108.2, 16.0], [108.2, 16.2], [108.0, 16.0]])
    far = ring + 50.0
    spots = [Spot(108.1, 16.1, "2", "c1", "A <b>"), Spot(108.15, 16.12, "?", "cu", "B", is_sure=False)]
    html = str(
        map_drawing("a map", spots, [Region([ring], "c0", "in", is_sure=False), Region([far], "", "out")])
    )
    assert "A &lt;b&gt;" in html
    assert html.count('class="cu unsure"') == 1
    assert html.count('class="hatch"') == 2
    assert "<title>in</title>" in html
    assert "<title>out</title>" not in html
    assert " km</text>" in html
    assert map_drawing("none", []) is None


def test_a_map_of_one_place() -> None:
    """One place, or two at one spot, still make a map of finite numbers."""
    html = str(map_drawing("one", [Spot(0.0, 0.0, "1", "c0", "x"), Spot(0.0, 0.0, "1", "c0", "y")]))
    assert "nan" not in html
    assert "inf" not in html


def test_shares_below_are_counted() -> None:
    """Each level's share is of the outcomes at or below its quantile; unknown rows do not count."""
    quantiles = np.tile(np.array([1.0, 2, 3, 4, 5, 6, 7]), (5, 1))
    quantiles[4] = np.nan
    shares = shares_below(quantiles, np.array([1.0, 3.5, np.nan, 9.0, 1.0]))
    assert shares.tolist() == [1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3]
    assert np.isnan(shares_below(quantiles[:0], np.empty(0))).all()


def test_few_outcomes_are_not_drawn() -> None:
    """Below thirty outcomes the diagram says so instead of showing a share."""
    few = str(reliability_plot(np.linspace(0.1, 0.9, 7), 29, "x"))
    many = str(reliability_plot(np.linspace(0.1, 0.9, 7), 30, "x"))
    assert "Too few outcomes" in few
    assert not drawn(few, "rel-mark")
    assert drawn(many, "rel-mark")


def test_errors_tell_models_apart_without_colour() -> None:
    """Each model has a dash and a word of its own; without any there is a sentence."""
    hours, errors = np.array([1.0, 6.0, 48.0]), np.array([2.0, 3.0, 4.0])
    curves = [Curve("ours", hours, errors, is_own=True), *(Curve(n, hours, errors) for n in "abc")]
    html = str(errors_plot(curves, "errors", "u"))
    assert all(drawn(html, f"err-{i}") for i in range(4))
    assert all(f" {name}" in html for name in ("ours", "a", "b", "c"))
    assert "Nothing is scored yet" in str(errors_plot([], "errors", "u"))


def test_a_page_holds_only_what_is_given() -> None:
    """Text from outside stays text, nothing may be loaded, and words and numbers have their columns."""
    page = document("<t>", rows_table("c", ("a", "b"), [("<x>", "1")]), tag("p", "&")).decode()
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>&lt;t&gt;</title>" in page
    assert "default-src &#x27;none&#x27;" in page
    assert '<th scope="row">&lt;x&gt;</th><td class="num">1</td>' in page
