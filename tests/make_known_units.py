"""Write ``known_units.json`` from what the libraries say: ``python tests/make_known_units.py``."""

import json
from pathlib import Path

import veracity
from veracity.units import computed_conversion

PATH = Path(veracity.__file__).with_name("known_units.json")

# A line a quantity: each is converted into each. No annotations: they do not change a unit.
_QUANTITIES = """
mm cm m km [in_i] [ft_i] [mi_i]
ms s min h d
mm/h mm/d cm/h cm/s m/s km/h [mi_i]/h [kn_i]
Cel K [degF]
Pa hPa kPa mbar bar mm[Hg] [in_i'Hg] [psi]
ng/m3 ug/m3 mg/m3 g/m3 kg/m3 ug/L mg/L g/L
1 % [ppm] [ppb] deg rad
1/s 1/min 1/h 1/d Hz kHz
mL L m3
L/s L/min m3/h m3/s [ft_i]3/s
mg g kg t
mV V kV
mA A
W kW MW
W.h kW.h MW.h J kJ MJ
W/m2 kW/m2
uS/cm mS/cm S/m
dB
lx
"""


def render() -> str:
    """Return the file: a line a source, its targets with scale and offset."""
    lines = []
    for codes in map(str.split, _QUANTITIES.strip().splitlines()):
        for source in codes:
            targets = {target: computed_conversion(source, target) for target in codes}
            lines.append(f"{json.dumps(source)}: {json.dumps(targets)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
