"""A mesh of small convex cells, and smooth outlines of groups of them.

The cells are those of Voronoi. Three of them meet at each corner, so the outlines of a group of cells are
rings that touch neither themselves nor one another. What rounding cuts off at a corner lies in the one
cell whose corner it is: so they still do not when they are rounded.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from veracity.city.clock import Floats

Point = tuple[float, float]
Corner = tuple[int, int, int]  #: the three cells that meet there, in order
Ring = list[Point]  #: closed; counter-clockwise, a hole clockwise
Polygon = list[Ring]  #: the ring around it, then its holes

_N_GHOSTS = 24  # cells without an end, all around
_FLAT = 0.15  # what a corner may be off the curve that is drawn straight
_FAR = 3  # so many times the extent of the sites: where those are


@dataclass(frozen=True)
class Side:
    """A side of a cell, which is to its left: from corner to corner, and the cell beyond."""

    start: Corner
    end: Corner
    beyond: int


@dataclass(frozen=True)
class Mesh:
    """``sides[i]`` are those of the cell of site i, counter-clockwise.

    The last cells of ``n_cells``, those from ``len(sides)``, are all that is around, and have no sides.
    """

    n_cells: int
    sides: Sequence[Sequence[Side]]
    corners: dict[Corner, Point]

    def polygons(self, groups: Sequence[int], group: int) -> list[Polygon]:
        """Return what the cells of a group cover, largest first; ``groups[i]`` is that of cell i.

        Where three groups meet the corner stays sharp, so that neighbours share their border to the bit.
        """
        rings = sorted((self._rounded(ring, groups) for ring in self._rings(groups, group)), key=area)
        outer: list[Polygon] = [[ring] for ring in rings if area(ring) > 0]
        for hole in rings:
            if area(hole) < 0:  # the smallest that it is in
                next(polygon for polygon in outer if is_inside(polygon[0], hole[0])).append(hole)
        return outer[::-1]

    def _rings(self, groups: Sequence[int], group: int) -> list[list[Corner]]:
        follows = {
            side.start: side.end
            for cell, sides in enumerate(self.sides)
            if groups[cell] == group
            for side in sides
            if groups[side.beyond] != group
        }
        rings = []
        while follows:
            ring = [next(iter(follows))]
            while (after := follows.pop(ring[-1])) != ring[0]:
                ring.append(after)
            rings.append(ring)
        return rings

    def _rounded(self, ring: list[Corner], groups: Sequence[int]) -> Ring:
        made: Ring = []
        for before, corner, after in zip([ring[-1], *ring[:-1]], ring, [*ring[1:], ring[0]], strict=True):
            is_sharp = len({groups[cell] for cell in corner}) == 3
            at = self.corners[corner]
            start, end = _middle(self.corners[before], at), _middle(at, self.corners[after])
            made += [start, *([at] if is_sharp else _bend(start, at, end))]
        return [*made, made[0]]


def make_mesh(sites: Floats) -> Mesh:
    """Return the Voronoi cells of sites: (n, 2) float64, no two the same. Takes some 0.2 ms a site."""
    turn = 0.1 + np.arange(_N_GHOSTS) * 2 * np.pi / _N_GHOSTS
    extent = _FAR * float(np.ptp(sites, axis=0).max())
    ghosts = sites.mean(axis=0) + extent * np.column_stack([np.cos(turn), np.sin(turn)])
    every = np.vstack([sites, ghosts])
    corners: dict[Corner, Point] = {}
    sides = []
    for cell in range(len(sites)):
        points, beyond = _cell(every, cell, 4 * extent)
        ring: list[Corner] = []
        for at, last, own in zip(points, [beyond[-1], *beyond[:-1]], beyond, strict=True):
            a, b, c = sorted((cell, last, own))
            corners.setdefault((a, b, c), at)
            ring.append((a, b, c))
        sides.append([Side(*side) for side in zip(ring, [*ring[1:], ring[0]], beyond, strict=True)])
    return Mesh(len(every), sides, corners)


def _cell(sites: Floats, cell: int, most: float) -> tuple[list[Point], list[int]]:
    """Return a cell's corners, and for the side that begins at each the cell beyond it; within ±most."""
    x, y = sites[cell].tolist()
    points = [(x - most, y - most), (x + most, y - most), (x + most, y + most), (x - most, y + most)]
    beyond = [-1] * 4
    apart = np.hypot(*(sites - sites[cell]).T)
    reach = 3 * most
    for other in np.argsort(apart, kind="stable")[1:].tolist():
        if apart[other] > 2 * reach:
            break
        ox, oy = sites[other].tolist()
        nx, ny, mx, my = ox - x, oy - y, (ox + x) / 2, (oy + y) / 2
        past = [(px - mx) * nx + (py - my) * ny for px, py in points]
        if max(past) > 0:
            points, beyond = _cut(points, beyond, past, other)
            reach = max(math.hypot(px - x, py - y) for px, py in points)
    return points, beyond


def _cut(
    points: list[Point], beyond: list[int], past: list[float], other: int
) -> tuple[list[Point], list[int]]:
    """Cut off what is past the line to another cell: where ``past`` of a corner is above zero."""
    kept: list[tuple[Point, int]] = []
    for i, (at, side) in enumerate(zip(points, beyond, strict=True)):
        after, now, then = points[(i + 1) % len(points)], past[i], past[(i + 1) % len(points)]
        if now <= 0:
            kept.append((at, side))
        if (now <= 0) != (then <= 0):
            part = now / (now - then)
            crossing = at[0] + part * (after[0] - at[0]), at[1] + part * (after[1] - at[1])
            kept.append((crossing, other if now <= 0 else side))
    return [at for at, _ in kept], [side for _, side in kept]


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _bend(start: Point, corner: Point, end: Point) -> list[Point]:
    """Return what is between the ends of a curve (a quadratic Bézier), as much as the eye needs.

    The other way around it is the same to the bit.
    """
    if end < start:
        return _bend(end, corner, start)[::-1]
    off = math.dist(corner, _middle(start, end))
    parts: tuple[float, ...] = () if off < _FLAT else (0.5,) if off < 6 * _FLAT else (0.25, 0.5, 0.75)
    return [
        (
            (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * corner[0] + t**2 * end[0],
            (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * corner[1] + t**2 * end[1],
        )
        for t in parts
    ]


def area(ring: Ring) -> float:
    """Return the area within a closed ring; below zero where it goes clockwise."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2


def is_inside(ring: Ring, at: Point) -> bool:
    """Tell whether a point is within a closed ring."""
    x, y = at
    crossings = (
        (a[1] > y) != (b[1] > y) and x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        for a, b in pairwise(ring)
    )
    return sum(crossings) % 2 == 1
