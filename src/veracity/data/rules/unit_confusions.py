"""Units that are mistaken for one another, and which of them some readings look like.

The factors are those of UCUM; between mass and parts per thousand million they are the molar mass
(IUPAC 2021, abridged) over the molar volume of a gas at 25 °C and 1013.25 hPa, 24.465 L/mol. At 20 °C
it is 24.055: the 2 % between them is no matter to readings that differ by far more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from veracity.data.errors import MalformedContract

MOLAR_VOLUME_L = 24.465
MOLAR_MASS_G = {
    "no2": 46.006,
    "no": 30.006,
    "nox": 46.006,  # as NO2, as networks report it
    "o3": 47.997,
    "so2": 64.058,
    "co": 28.010,
    "nh3": 17.031,
    "h2s": 34.076,
    "co2": 44.009,
}
LEAST = 1.3  # units closer than this factor cannot be told from readings

# Each group: unit -> (scale, offset) with base = value * scale + offset.
_GROUPS: tuple[dict[str, tuple[float, float]], ...] = (
    {"Cel": (1.0, 0.0), "[degF]": (5.0 / 9.0, -160.0 / 9.0), "K": (1.0, -273.15)},
    {"m": (1.0, 0.0), "dm": (0.1, 0.0), "cm": (0.01, 0.0), "mm": (0.001, 0.0), "km": (1000.0, 0.0),
     "[ft_i]": (0.3048, 0.0), "[in_i]": (0.0254, 0.0)},
    {"m/s": (1.0, 0.0), "km/h": (1.0 / 3.6, 0.0), "[kn_i]": (1852.0 / 3600.0, 0.0),
     "[mi_i]/h": (0.44704, 0.0)},
    {"Pa": (1.0, 0.0), "hPa": (100.0, 0.0), "mbar": (100.0, 0.0), "kPa": (1000.0, 0.0),
     "m[Hg]": (133322.0, 0.0), "mm[Hg]": (133.322, 0.0), "[in_i'Hg]": (3386.3788, 0.0),
     "bar": (100000.0, 0.0), "atm": (101325.0, 0.0)},
    {"m3/s": (1.0, 0.0), "L/s": (0.001, 0.0), "[ft_i]3/s": (0.028316846592, 0.0)},
    {"ug/m3": (1.0, 0.0), "mg/m3": (1000.0, 0.0), "g/m3": (1_000_000.0, 0.0)},
    {"[ppb]": (1.0, 0.0), "[ppm]": (1000.0, 0.0)},
)  # fmt: skip
_SAME = ("hPa", "mbar")


@dataclass(frozen=True)
class Confusion:
    """Another unit that a value may be in: ``value * scale + offset`` is then right in the declared one."""

    unit: str
    scale: float
    offset: float


def confusions(unit: str, substance: str | None = None) -> tuple[Confusion, ...]:
    """Return the units that ``unit`` is mistaken for.

    ``substance``: a gas of ``MOLAR_MASS_G``, by which mass and parts per thousand million go together.

    Raises
    ------
    MalformedContract
        If none is known for the unit, or the gas is not known.

    Examples
    --------
    >>> [(c.unit, round(c.scale, 3), round(c.offset, 2)) for c in confusions("Cel")]
    [('[degF]', 0.556, -17.78), ('K', 1.0, -273.15)]
    >>> [(c.unit, round(c.scale, 3)) for c in confusions("ug/m3", "no2")]
    [('mg/m3', 1000.0), ('g/m3', 1000000.0), ('[ppb]', 1.88), ('[ppm]', 1880.482)]
    """
    groups = [dict(g) for g in _GROUPS]
    if substance is not None:
        if substance not in MOLAR_MASS_G:
            raise MalformedContract(f"substance: want one of {', '.join(MOLAR_MASS_G)}, got {substance!r}")
        heavy = MOLAR_MASS_G[substance] / MOLAR_VOLUME_L
        parts = groups.pop()
        groups[-1] |= {name: (scale * heavy, 0.0) for name, (scale, _) in parts.items()}
    group = next((g for g in groups if unit in g), {})
    if len(group) < 2:
        raise MalformedContract(f"unit: want one that others are mistaken for, got {unit!r}")
    scale, offset = group[unit]
    found = (
        Confusion(name, s / scale, (o - offset) / scale)
        for name, (s, o) in group.items()
        if name != unit and {name, unit} != set(_SAME)
    )
    return tuple(c for c in found if c.offset != 0.0 or not 1 / LEAST < c.scale < LEAST)


def looks_like(usual: float, now: float, among: Sequence[Confusion]) -> str | None:
    """Return the unit in which ``now`` would be nearest to ``usual``; None if the declared one is.

    Of two values in the declared unit, such as medians before and after a change. Nearest means
    that at most a quarter of the difference between them is left.

    Examples
    --------
    >>> looks_like(20.5, 68.4, confusions("Cel"))
    '[degF]'
    >>> looks_like(20.5, 26.0, confusions("Cel")) is None
    True
    """
    left = [(abs(now * c.scale + c.offset - usual), c.unit) for c in among]
    best, unit = min(left, default=(0.0, None))
    return unit if best <= 0.25 * abs(now - usual) and now != usual else None
