"""How the invented land lies: a mesh that is fine where stations are, and what each of its cells is."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from veracity.city.clock import Floats
from veracity.city.ground.lines import along, coast, places_of, to_km
from veracity.city.ground.mesh import Mesh, is_inside, make_mesh
from veracity.city.stations import Station

SEA, BEYOND = -1, -2  #: instead of a ward: no land; and land that is not the city's

Flags = npt.NDArray[np.bool_]

_N_TRIED = 8_000  # places for a cell; most are too near another
_FAR_KM = 70.0  # from a station: there the outermost cells are
_CITY_KM = 19.0  # from a station: there the city ends
_APART_KM = 12.5  # from the seat of a ward to any place of the city, at most
_PAIRS_KM = 1.8  # along shores and rivers, from one pair of cells to the next
_RIVER_KM = 6.0  # what crossing a river takes to a ward that grows
_HEADS = ((108.30, 16.14, 5.0), (108.07, 16.19, 7.0))  # hills by the sea: where, how wide in kilometres


@dataclass(frozen=True)
class Terrain:
    """Of each cell of the mesh: the number of its ward, or SEA, or BEYOND; whether it is town, or wood.

    The first wards have ``names``; those without a station have none.
    """

    mesh: Mesh
    names: tuple[str, ...]
    wards: list[int]
    is_town: list[bool]
    is_wood: list[bool]


def make_terrain(rng: np.random.Generator, of: tuple[Station, ...], rivers: Sequence[Floats]) -> Terrain:
    """Draw the cells and the land among them, and share it out to wards around the places of stations."""
    stations, shore = places_of(of), coast(rng)
    sites = _sites(rng, stations, [shore, *rivers])
    mesh = make_mesh(sites)
    ring = [(x, y) for x, y in shore.tolist()]
    is_land = np.array([is_inside(ring, (x, y)) for x, y in sites.tolist()])
    to_station = _nearest(sites, stations)
    in_city = is_land & (to_station < _CITY_KM)

    names = tuple(dict.fromkeys(s.place for s in of))
    middles = np.array([stations[[s.place == name for s in of]].mean(axis=0) for name in names])
    seats = _seats(sites, in_city, middles)
    owned = _grown(_ways(rng, mesh, sites, in_city, rivers), seats)
    wards = [owned.get(cell, BEYOND if land else SEA) for cell, land in enumerate(is_land.tolist())]

    town = is_land & _is_town(sites, stations)
    wood = in_city & ~town & (_height(rng, sites, shore, rivers) > 0.7) & (to_station > 1.6)
    around = mesh.n_cells - len(sites)
    no = [False] * around
    return Terrain(mesh, names, wards + [SEA] * around, town.tolist() + no, wood.tolist() + no)


def _nearest(points: Floats, to: Floats) -> Floats:
    """Return (n,) the distance from each of n points to the nearest of others."""
    x, y = to.T.copy()
    return np.sqrt([np.min((x - px) ** 2 + (y - py) ** 2) for px, py in points.tolist()])


def _sites(rng: np.random.Generator, stations: Floats, lines: Sequence[Floats]) -> Floats:
    """Scatter cells: some 0.9 km apart where stations are, wider the farther from them.

    Along the lines they stand in pairs, one on each side: so borders of cells run there.
    """
    away = np.exp(rng.uniform(np.log(0.3), np.log(_FAR_KM), _N_TRIED))
    turn = rng.uniform(0, 2 * np.pi, _N_TRIED)
    around = np.resize(np.arange(len(stations)), _N_TRIED)
    tried = stations[around] + away[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    pairs = np.vstack([_beside(rng, line) for line in lines])
    pairs = pairs[_nearest(pairs, stations) < _CITY_KM]
    to_station, to_pair = _nearest(tried, stations), _nearest(tried, pairs)
    room = np.minimum(0.9 + 0.25 * to_station, 1.3 + 0.7 * to_pair + 0.02 * to_station)
    kept, n = np.empty((len(pairs) + _N_TRIED, 2)), 0
    for site, km in zip(np.vstack([pairs, tried]), [0.5] * len(pairs) + room.tolist(), strict=True):
        if n == 0 or np.square(kept[:n] - site).sum(axis=1).min() > km * km:
            kept[n] = site
            n += 1
    return kept[:n]


def _beside(rng: np.random.Generator, line: Floats) -> Floats:
    """Return pairs of points on both sides of a line; shaken a little, so that no four are on one circle."""
    on = along(line, _PAIRS_KM)
    ahead = np.gradient(on, axis=0)
    across = 0.45 * _PAIRS_KM * np.column_stack([-ahead[:, 1], ahead[:, 0]]) / np.hypot(*ahead.T)[:, None]
    pairs = np.hstack([on + across, on - across]).reshape(-1, 2)
    return pairs + rng.uniform(-0.05, 0.05, pairs.shape)


def _seats(sites: Floats, in_city: Flags, middles: Floats) -> list[int]:
    """Return the cell in which each ward begins: those of the places, then those farthest from all before."""
    cells = np.flatnonzero(in_city)
    seats = [int(cells[np.hypot(*(sites[cells] - m).T).argmin()]) for m in middles]
    apart = _nearest(sites[cells], sites[seats])
    while apart.max() > _APART_KM:
        seats.append(int(cells[apart.argmax()]))
        apart = np.minimum(apart, np.hypot(*(sites[cells] - sites[seats[-1]]).T))
    return seats


def _ways(
    rng: np.random.Generator, mesh: Mesh, sites: Floats, in_city: Flags, rivers: Sequence[Floats]
) -> dict[int, list[tuple[int, float]]]:
    """Return how far it is from each cell of the city to those next to it."""
    pairs = np.array(
        [
            (cell, side.beyond)
            for cell in np.flatnonzero(in_city).tolist()
            for side in mesh.sides[cell]
            if cell < side.beyond < len(sites) and in_city[side.beyond]
        ]
    )
    a, b = sites[pairs[:, 0]], sites[pairs[:, 1]]
    km = np.hypot(*(b - a).T) * rng.uniform(0.8, 1.4, len(pairs))
    for line in rivers:
        close = np.flatnonzero(_nearest(a, along(line, 1.0)) < 3.0)
        km[close] += _RIVER_KM * _crosses(a[close], b[close], line)
    ways: dict[int, list[tuple[int, float]]] = {cell: [] for cell in np.flatnonzero(in_city).tolist()}
    for (one, other), far in zip(pairs.tolist(), km.tolist(), strict=True):
        ways[one].append((other, far))
        ways[other].append((one, far))
    return ways


def _crosses(a: Floats, b: Floats, line: Floats) -> Flags:
    """Tell of each way from a to b, (n, 2) each, whether it crosses a line."""

    def is_left(p: Floats, q: Floats, r: Floats) -> Flags:
        pq, pr = q - p, r - p
        return np.asarray(pq[..., 0] * pr[..., 1] > pq[..., 1] * pr[..., 0])

    a, b, c, d = a[:, None], b[:, None], line[None, :-1], line[None, 1:]
    apart = is_left(a, b, c) != is_left(a, b, d)
    return np.asarray((apart & (is_left(c, d, a) != is_left(c, d, b))).any(axis=1))


def _grown(ways: Mapping[int, Sequence[tuple[int, float]]], seats: Sequence[int]) -> dict[int, int]:
    """Let all wards grow from their seats at one pace until they meet: each is of one piece."""
    owned: dict[int, int] = {}
    queue = [(0.0, seat, ward) for ward, seat in enumerate(seats)]
    while queue:
        km, cell, ward = heapq.heappop(queue)
        if cell not in owned:
            owned[cell] = ward
            for other, far in ways[cell]:
                heapq.heappush(queue, (km + far, other, ward))
    return owned


def _is_town(sites: Floats, stations: Floats) -> Flags:
    n_near = np.array([(np.hypot(*(stations - site).T) < 3.0).sum() for site in sites])
    to_station = _nearest(sites, stations)
    return np.asarray((to_station < 1.0) | ((to_station < 2.2) & (n_near > 1)))


def _height(rng: np.random.Generator, sites: Floats, shore: Floats, rivers: Sequence[Floats]) -> Floats:
    """Return how high the land is, by no unit: it rises inland, in waves, and rivers have valleys."""
    height = _nearest(sites, along(shore, 1.0)) / 20
    height -= np.exp(-_nearest(sites, np.vstack([along(line, 1.0) for line in rivers])) / 4)
    for wave_km in (50, 23, 13, 8):
        turn, phase = rng.uniform(0, 2 * np.pi, 2)
        height += 0.27 * np.sin(sites @ (np.cos(turn), np.sin(turn)) * 2 * np.pi / wave_km + phase)
    for lon, lat, km in _HEADS:
        apart = np.hypot(*(sites - to_km(np.array([[lon, lat]]))).T)
        height += 1.5 * np.exp(-((apart / km) ** 2))
    return height
