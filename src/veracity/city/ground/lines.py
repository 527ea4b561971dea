"""Lines of the invented ground, in kilometres: where the land ends, how rivers and main roads run.

The sea is set out by hand, by rough corners to which chance adds its bends, so that every station of the
twin stands on land; it is nobody's survey. Rivers run from gauge to gauge, roads from station to station.
"""

import numpy as np

from veracity.city.clock import Floats
from veracity.city.stations import Station

_LON, _LAT = 108.2, 15.9  # where the plane touches
_KM_PER_LAT = 110.6
_KM_PER_LON = 111.3 * float(np.cos(np.radians(_LAT)))

# The land's edge from the north to the south, then around behind the mountains. Degrees.
_COAST = (
    (107.60, 16.75), (107.80, 16.48), (107.93, 16.32), (108.06, 16.23), (108.16, 16.20), (108.17, 16.165),
    (108.125, 16.14), (108.105, 16.115), (108.125, 16.09), (108.165, 16.085), (108.205, 16.093),
    (108.221, 16.098), (108.235, 16.098), (108.228, 16.118), (108.210, 16.140), (108.235, 16.160),
    (108.285, 16.165), (108.335, 16.140), (108.330, 16.112), (108.290, 16.098), (108.262, 16.080),
    (108.262, 16.045), (108.278, 16.000), (108.315, 15.945), (108.365, 15.900), (108.395, 15.875),
    (108.430, 15.830), (108.500, 15.720), (108.570, 15.620), (108.655, 15.530), (108.700, 15.480),
    (108.745, 15.440), (108.765, 15.395), (108.850, 15.350), (108.930, 15.220), (108.960, 15.050),
    (109.100, 14.700), (109.150, 14.400), (106.600, 14.400), (106.600, 16.750),
)  # fmt: skip
# Where a river comes from and where it goes to; between are its gauges.
_COURSES = {
    "vu-gia": (
        ((107.52, 15.45), (107.62, 15.56)),
        ((108.214, 16.028), (108.226, 16.045), (108.2285, 16.065), (108.2288, 16.085), (108.228, 16.105)),
    ),
    "thu-bon": (((107.92, 15.18), (107.98, 15.36)), ((108.372, 15.876), (108.410, 15.879))),
}
_BY_ROAD = ("highway", "arterial", "bridge")  # kinds of stations that main roads lead to
_LONGEST_KM = 40.0  # of a road from one to the next


def to_km(degrees: Floats) -> Floats:
    """Return (n, 2) kilometres east and north for (n, 2) longitude and latitude."""
    return np.asarray((degrees - (_LON, _LAT)) * (_KM_PER_LON, _KM_PER_LAT))


def to_degrees(km: Floats) -> Floats:
    """Return (n, 2) longitude and latitude, as ``to_km`` takes them."""
    return np.asarray(km / (_KM_PER_LON, _KM_PER_LAT) + (_LON, _LAT))


def places_of(of: tuple[Station, ...]) -> Floats:
    """Return (n, 2) kilometres: where stations stand."""
    return to_km(np.array([(s.lon, s.lat) for s in of]))


def coast(rng: np.random.Generator) -> Floats:
    """Return the outline of the land: (n, 2), closed."""
    return rounded(winding(rng, to_km(np.array([*_COAST, _COAST[0]])), 0.12, 2))


def rivers(rng: np.random.Generator, of: tuple[Station, ...]) -> dict[str, Floats]:
    """Return the course of each river, from its source into the sea: (n, 2), through its gauges."""
    courses = {}
    for name, (above, below) in _COURSES.items():
        gauges = [(s.lon, s.lat) for s in of if s.kind == name]
        courses[name] = winding(rng, to_km(np.array([*above, *gauges, *below])), 0.16, 3)
    return courses


def roads(rng: np.random.Generator, of: tuple[Station, ...]) -> list[Floats]:
    """Return main roads, (n, 2) each: between two stations, if no third is nearer to both."""
    by_road = [s for s in of if s.kind in _BY_ROAD]
    served = {s.place for s in by_road}
    at = places_of((*by_road, *{s.place: s for s in of if s.place not in served}.values()))
    apart = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    made = []
    for a, b in zip(*np.triu_indices(len(at), 1), strict=True):
        farther = np.maximum(apart[a], apart[b])
        if apart[a, b] < _LONGEST_KM and (farther >= apart[a, b]).all():
            made.append(rounded(winding(rng, at[[a, b]], 0.08, 2)))
    return made


def winding(rng: np.random.Generator, line: Floats, bend: float, times: int) -> Floats:
    """Return a line through the same points that bends between them; ``bend`` is a part of their distance."""
    for _ in range(times):
        step = np.diff(line, axis=0)
        across = np.column_stack([-step[:, 1], step[:, 0]])
        middles = line[:-1] + step / 2 + across * rng.uniform(-bend, bend, (len(step), 1))
        line = np.insert(line, np.arange(1, len(line)), middles, axis=0)
    return line


def rounded(line: Floats) -> Floats:
    """Cut the corners of a line; its ends stay."""
    inner = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], axis=1)
    return np.vstack([line[:1], inner.reshape(-1, 2), line[-1:]])


def along(line: Floats, step: float) -> Floats:
    """Return points along a line, evenly, about so far apart."""
    passed = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, passed[-1], 2 + int(passed[-1] / step))
    return np.column_stack([np.interp(at, passed, line[:, 0]), np.interp(at, passed, line[:, 1])])
