"""UCUM units as UN/CEFACT Recommendation 20 writes them, which NGSI-LD asks for in ``unitCode``. Pure."""

_CODES = {
    "%": "P1",
    "1": "C62",
    "A": "AMP",
    "Cel": "CEL",
    "Hz": "HTZ",
    "J": "JOU",
    "K": "KEL",
    "L": "LTR",
    "L/s": "G51",
    "Pa": "PAL",
    "V": "VLT",
    "W": "WTT",
    "W/m2": "D54",
    "[degF]": "FAH",
    "[ppb]": "61",
    "[ppm]": "59",
    "cm": "CMT",
    "d": "DAY",
    "dB": "2N",
    "deg": "DD",
    "g": "GRM",
    "h": "HUR",
    "hPa": "A97",
    "kPa": "KPA",
    "kW": "KWT",
    "kW.h": "KWH",
    "kg": "KGM",
    "km": "KMT",
    "km/h": "KMH",
    "lx": "LUX",
    "m": "MTR",
    "m/s": "MTS",
    "m2": "MTK",
    "m3": "MTQ",
    "m3/h": "MQH",
    "m3/s": "MQS",
    "mbar": "MBR",
    "mg/L": "M1",
    "mg/m3": "GP",
    "min": "MIN",
    "mm": "MMT",
    "mm/h": "H67",
    "ms": "C26",
    "s": "SEC",
    "t": "TNE",
    "ug/m3": "GQ",
}


def unit_code(ucum: str | None) -> str | None:
    """Return the code for a UCUM unit; None where there is none, or none is known.

    A count of things, an annotation in UCUM, is ``C62``: one.

    >>> [unit_code(u) for u in ("ug/m3", "{vehicles}", "furlong", None)]
    ['GQ', 'C62', None, None]
    """
    if ucum is None:
        return None
    if ucum.startswith("{") and ucum.endswith("}") and ucum.count("{") == 1:
        return "C62"
    return _CODES.get(ucum)
