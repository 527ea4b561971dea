"""A column's name, unit and range as a page writes them."""

from veracity.data.contract_field import Field
from veracity.pages.scale import number


def axis_words(f: Field) -> str:
    """Write a column's name with its unit."""
    unit = unit_words(f.unit).strip()
    return f"{f.name}, {unit}" if unit else f.name


def unit_words(unit: str | None) -> str:
    """Write a UCUM unit for people, with a blank before it; nothing for none."""
    known = {"Cel": "°C", "ug/m3": "µg/m³", "mg/m3": "mg/m³", "[ppb]": "ppb", "[ppm]": "ppm"}
    if unit == "deg":
        return "°"
    return "" if unit is None else " " + known.get(unit, unit.replace("{", "").replace("}", ""))


def range_words(f: Field) -> str:
    """Write a column's range."""
    if f.minimum is not None and f.maximum is not None:
        return f"{number(f.minimum)} to {number(f.maximum)}{unit_words(f.unit)}"
    bounds = (
        (f.minimum, "at least"),
        (f.exclusive_minimum, "above"),
        (f.maximum, "at most"),
        (f.exclusive_maximum, "below"),
    )
    told = [f"{words} {number(bound)}" for bound, words in bounds if bound is not None]
    return " and ".join(told) + unit_words(f.unit)
