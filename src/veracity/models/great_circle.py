"""How far places are from each other on the ground."""

import numpy as np

from veracity.models.panel_array import Floats

EARTH_KM = 6371.0088  #: mean radius (IUGG)


def distances_km(lon_a: Floats, lat_a: Floats, lon_b: Floats, lat_b: Floats) -> Floats:
    """Return (a, b): great-circle distances between places in degrees, WGS 84 taken as a sphere.

    Examples
    --------
    >>> one = np.array([108.0]), np.array([16.0])
    >>> float(distances_km(*one, np.array([108.0]), np.array([17.0]))[0, 0].round(1))
    111.2
    """
    la, lb = np.radians(lat_a)[:, None], np.radians(lat_b)[None, :]
    half = np.radians(lon_a[:, None] - lon_b[None, :]) / 2
    inner = np.sin((la - lb) / 2) ** 2 + np.cos(la) * np.cos(lb) * np.sin(half) ** 2
    out: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(inner, 0.0, 1.0)))
    return out
