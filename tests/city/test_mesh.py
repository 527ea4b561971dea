"""A mesh of cells covers its plane once, and outlines of any groups of its cells are good polygons."""

import math

import numpy as np
import pytest

from plane import crossings
from veracity.city.ground.mesh import Mesh, Polygon, area, is_inside, make_mesh

SEEDS = range(20)


def some_mesh(seed: int, n: int = 150) -> tuple[Mesh, np.ndarray]:
    """Cells of points at random, in kilometres."""
    sites = np.random.default_rng(seed).uniform(0, 30, (n, 2))
    return make_mesh(sites), sites


def test_a_crossing_is_seen() -> None:
    """The test's own eyes: a bow tie, rings that overlap, rings that touch; and none where there is none."""
    square = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)]
    assert crossings([square, [(1, 1), (2, 1), (2, 2), (1, 1)]]) == 0
    assert crossings([[(0, 0), (4, 4), (4, 0), (0, 4), (0, 0)]]) == 1
    assert crossings([square, [(3, 3), (5, 3), (5, 5), (3, 5), (3, 3)]]) == 2
    assert crossings([square, [(4, 2), (6, 1), (6, 3), (4, 2)]]) == 2


def covered(polygons: list[Polygon]) -> float:
    return sum(area(ring) for polygon in polygons for ring in polygon)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_cell_has_what_is_nearest_to_its_site(seed: int) -> None:
    """Asked at random, by the distances alone; and each side is also that of the cell beyond."""
    mesh, sites = some_mesh(seed)
    for at in np.random.default_rng(seed + 1).uniform(2, 28, (40, 2)):
        nearest = int(np.hypot(*(sites - at).T).argmin())
        ring = [mesh.corners[side.start] for side in mesh.sides[nearest]]
        assert is_inside([*ring, ring[0]], (at[0], at[1]))
    for cell, sides in enumerate(mesh.sides):
        for side in sides:
            if side.beyond < len(sites):
                back = [other for other in mesh.sides[side.beyond] if other.beyond == cell]
                assert [(other.end, other.start) for other in back] == [(side.start, side.end)]


@pytest.mark.parametrize("seed", SEEDS)
def test_outlines_of_any_groups_are_good_polygons(seed: int) -> None:
    """Groups thrown at random: closed rings that cross nothing, holes in what they are holes of."""
    mesh, sites = some_mesh(seed)
    groups = [*np.random.default_rng(seed).integers(0, 3, len(sites)).tolist()]
    groups += [9] * (mesh.n_cells - len(sites))
    for group in range(3):
        polygons = mesh.polygons(groups, group)
        rings = [ring for polygon in polygons for ring in polygon]
        assert all(ring[0] == ring[-1] and len(ring) > 3 for ring in rings)
        assert crossings(rings) == 0
        for outer, *holes in polygons:
            assert area(outer) > 0
            assert all(area(hole) < 0 and is_inside(outer, hole[0]) for hole in holes)


@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_leave_no_gap(seed: int) -> None:
    """What two groups cover together is what their union covers, to the last digits."""
    mesh, sites = some_mesh(seed)
    x, y = sites.T
    inner = (np.hypot(x - 15, y - 15) < 9).tolist()
    around = [2] * (mesh.n_cells - len(sites))
    halves = [int(px < 15) if within else 2 for px, within in zip(x, inner, strict=True)] + around
    whole = [0 if group < 2 else 2 for group in halves]
    together = covered(mesh.polygons(halves, 0)) + covered(mesh.polygons(halves, 1))
    # Where the halves meet at the rim a corner stays sharp that the whole has rounded: nothing else differs.
    assert math.isclose(together, covered(mesh.polygons(whole, 0)), rel_tol=0.02)
    shared = {p for polygon in mesh.polygons(halves, 0) for ring in polygon for p in ring}
    other = {p for polygon in mesh.polygons(halves, 1) for ring in polygon for p in ring}
    assert len(shared & other) > 10
