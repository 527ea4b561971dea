"""A map as SVG: regions and spots on a flat projection true to scale at its middle. Nothing is loaded.

A class says how a region or a spot is filled; a mark in words or digits stands on each spot, so that
nothing hangs on colour alone. What is not sure is hatched.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from veracity.models.panel_array import Floats
from veracity.pages.html import Html, tag
from veracity.pages.plot import path

WIDTH = 1000
RADIUS = 15
MAX_HEIGHT = 1400
MAP_STYLE = """
.map{width:100%;min-width:30rem;height:auto;display:block;background:var(--card)}
.map path{stroke-linejoin:round}
.map .region{stroke:var(--gap);stroke-width:.8;fill-rule:evenodd}
.map .bare{fill:var(--rule)}
.map .hatch{stroke:none}
.map circle{stroke:#1a1d21;stroke-width:1.6}.map circle.unsure{stroke-dasharray:4 3;stroke-width:2.4}
.map text{font:700 17px system-ui,sans-serif;text-anchor:middle;fill:#1a1d21}
.map text.dark{fill:#fff}
.map .frame{fill:none;stroke:var(--rule)}
.map .scale{stroke:var(--fg);stroke-width:2.5}.map text.scale-text{fill:var(--fg);font-weight:400;stroke:none}
.sideways{display:none}
@media (max-width:34rem){.sideways{display:block}}
.hatch-line{stroke:#1a1d21;stroke-width:1.2;stroke-opacity:.5}
@media (prefers-color-scheme:dark){.hatch-line{stroke-opacity:.75}}
"""


@dataclass(frozen=True)
class Spot:
    """A place with a mark: one or two characters. ``words`` are what a pointer or a reader is told."""

    lon: float
    lat: float
    mark: str
    class_: str
    words: str
    is_sure: bool = True
    is_dark: bool = False


@dataclass(frozen=True)
class Region:
    """Polygons: rings of (n, 2) lon and lat, degrees; holes by the even-odd rule."""

    rings: Sequence[Floats]
    class_: str
    words: str
    is_sure: bool = True


@dataclass(frozen=True)
class _Frame:
    """Lon and lat to places in the picture."""

    west: float
    north: float
    across: float  # degrees
    height: float

    @property
    def scale(self) -> tuple[float, float]:
        middle = self.north - self.height * self.across / WIDTH / 2
        return WIDTH / self.across, WIDTH / self.across / math.cos(math.radians(middle))

    def x(self, lon: float) -> float:
        return (lon - self.west) * self.scale[0]

    def y(self, lat: float) -> float:
        return (self.north - lat) * self.scale[1]


def map_drawing(title: str, spots: Sequence[Spot], regions: Iterable[Region] = ()) -> Html | None:
    """Return the map around the spots; None without any."""
    if not spots:
        return None
    frame, hatch = _frame(spots), f"hatch-{hashlib.sha256(title.encode()).hexdigest()[:8]}"
    areas = [part for region in regions for part in _region(region, frame, hatch)]
    height = f"{frame.height:.0f}"
    drawn = tag(
        "svg",
        tag("title", title),
        _hatch(hatch),
        *areas,
        *(_spot(s, frame, hatch) for s in sorted(spots, key=lambda s: -s.lat)),
        _scale_bar(frame),
        tag("rect", class_="frame", x="0", y="0", width=WIDTH, height=height),
        class_="map",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=title,
    )
    window = tag("div", drawn, class_="wide", tabindex="0", role="region", aria_label=title)
    return tag("div", window, tag("p", "Move the map sideways to see all of it.", class_="sideways soft"))


def _frame(spots: Sequence[Spot]) -> _Frame:
    lon, lat = np.array([s.lon for s in spots]), np.array([s.lat for s in spots])
    stretch = math.cos(math.radians(float(lat.mean())))
    across = max(float(np.ptp(lon)), float(np.ptp(lat)) / stretch / 1.2, 0.02) * 1.16
    tall = max(float(np.ptp(lat)) * 1.2, across * stretch * 0.45)
    height = min(tall / (across * stretch) * WIDTH, MAX_HEIGHT)
    west, middle = float(lon.max() + lon.min() - across) / 2, float(lat.max() + lat.min()) / 2
    return _Frame(west, middle + height * across * stretch / WIDTH / 2, across, height)


def _region(region: Region, frame: _Frame, hatch: str) -> list[Html]:
    data = "".join(_ring(ring, frame) for ring in region.rings)
    if not data:
        return []
    filled = tag("path", tag("title", region.words), d=data, class_=f"region {region.class_ or 'bare'}")
    return (
        [filled]
        if region.is_sure
        else [filled, tag("path", d=data, class_="hatch", style=f"fill:url(#{hatch})")]
    )


def _ring(ring: Floats, frame: _Frame) -> str:
    """Return a ring as path data; nothing where it lies outside of the picture."""
    x = (ring[:, 0] - frame.west) * frame.scale[0]
    y = (frame.north - ring[:, 1]) * frame.scale[1]
    if x.max() < 0 or x.min() > WIDTH or y.max() < 0 or y.min() > frame.height:
        return ""
    points = dict.fromkeys(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True))
    return f"M{'L'.join(points)}z" if len(points) > 2 else ""


def _spot(spot: Spot, frame: _Frame, hatch: str) -> Html:
    x, y = f"{frame.x(spot.lon):.0f}", f"{frame.y(spot.lat):.0f}"
    unsure = "" if spot.is_sure else " unsure"
    circle = tag("circle", cx=x, cy=y, r=RADIUS, class_=f"{spot.class_}{unsure}")
    fill = f"fill:url(#{hatch})"
    over = None if spot.is_sure else tag("circle", cx=x, cy=y, r=RADIUS, class_="hatch", style=fill)
    text = tag(
        "text", spot.mark, x=x, y=f"{frame.y(spot.lat) + 6:.0f}", class_="dark" if spot.is_dark else None
    )
    return tag("g", tag("title", spot.words), circle, over, text)


def _hatch(name: str) -> Html:
    line = tag("path", d="M0 0V8", class_="hatch-line")
    pattern = {"id": name, "width": "7", "height": "7", "patternUnits": "userSpaceOnUse"}
    return tag("defs", tag("pattern", line, **pattern, patternTransform="rotate(45)"))


def _scale_bar(frame: _Frame) -> Html:
    """Return a bar of a round number of kilometres in the lower left."""
    per_km = frame.scale[1] / 111.195
    wanted = WIDTH / 5 / per_km
    step = 10.0 ** math.floor(math.log10(wanted))
    km = max(step * m for m in (1, 2, 5) if step * m <= wanted)
    y = frame.height - 20
    bar = path(f"M20 {y:.0f}h{km * per_km:.0f}", "scale")
    text = tag("text", f"{km:g} km", x=f"{20 + km * per_km / 2:.0f}", y=f"{y - 8:.0f}", class_="scale-text")
    return tag("g", bar, text)
