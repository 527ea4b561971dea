"""Write what the portal knows of units: ``python web/portal/make_conversions.py``.

A contract names the unit of a source and that of its table; the factors between them are what
``veracity.units.conversion`` says. The page holds those of units that cities' feeds use.
"""

from pathlib import Path

from veracity.units import conversion

PATH = Path(__file__).parent / "src" / "views" / "verify" / "conversions.ts"
KINDS = (
    ("ng/m3", "ug/m3", "mg/m3", "g/m3", "kg/m3"),
    ("Cel", "K", "[degF]"),
    ("mm", "cm", "m", "km", "[in_i]", "[ft_i]", "[mi_i]"),
    ("m/s", "km/h", "[mi_i]/h", "[kn_i]", "cm/s"),
    ("Pa", "hPa", "kPa", "bar", "mbar", "mm[Hg]"),
    ("m3/s", "L/s", "m3/h", "L/min"),
    ("mm/h", "mm/min", "mm/s", "m/h", "[in_i]/h"),
    ("ms", "s", "min", "h", "d"),
    ("%", "1", "[ppm]", "[ppb]"),
    ("W", "kW", "MW"),
    ("J", "kJ", "MJ", "W.h", "kW.h", "MW.h"),
    ("mL", "L", "m3"),
    ("g", "kg", "t"),
    ("mg/L", "g/L", "ug/L"),
    ("uS/cm", "mS/cm", "S/m"),
    ("mV", "V"),
    ("W/m2", "kW/m2"),
)
HEAD = """\
// What makes one unit of another, as `veracity.units.conversion` says. Written by `make_conversions.py`.

export interface Factors {
  readonly scale: number;
  readonly offset: number;
}

const TABLE: Readonly<Record<string, readonly [scale: number, offset: number]>> = {
"""
TAIL = """\
};

/** How a value of one unit is written in another; null where this page does not know. */
export function conversionOf(source: string, unit: string): Factors | null {
  if (source === unit) return { scale: 1, offset: 0 };
  const both = `${source} ${unit}`;
  const [scale, offset] = (Object.hasOwn(TABLE, both) ? TABLE[both] : null) ?? [];
  return scale === undefined || offset === undefined ? null : { scale, offset };
}
"""


def text() -> str:
    """Return the module."""
    lines = []
    for kind in KINDS:
        for source in kind:
            for unit in kind:
                if source != unit:
                    scale, offset = conversion(source, unit)
                    lines.append(f'  "{source} {unit}": [{_number(scale)}, {_number(offset)}],\n')
    return HEAD + "".join(lines) + TAIL


def _number(value: float) -> str:
    """Return the shortest decimal, which JavaScript reads as the same float."""
    return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
