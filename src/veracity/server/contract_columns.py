"""Which columns of a contract say what a row is of, where it was, and what was observed. Pure."""

from veracity.data.contract import Contract
from veracity.data.contract_field import Field

_LONGITUDE, _LATITUDE = ("longitude", "lon", "lng", "long"), ("latitude", "lat")
_NUMBERS = ("number", "integer")


def key_columns(contract: Contract) -> tuple[str, ...]:
    """Return the columns that tell a feed's things apart: its key without the event time."""
    return tuple(n for n in contract.key if n != contract.time)


def point_columns(contract: Contract) -> tuple[str, str] | None:
    """Return the columns that hold longitude and latitude, in degrees; None without both."""
    names = {f.name.lower(): f.name for f in contract.fields if f.type in _NUMBERS}
    longitude = next((names[n] for n in _LONGITUDE if n in names), None)
    latitude = next((names[n] for n in _LATITUDE if n in names), None)
    return None if longitude is None or latitude is None else (longitude, latitude)


def value_fields(contract: Contract) -> tuple[Field, ...]:
    """Return the columns that are observed: numbers, truths and coded texts that are no key or place."""
    aside = {*contract.key, contract.time, "simulated", *(point_columns(contract) or ())}
    return tuple(
        f
        for f in contract.fields
        if f.name not in aside and (f.type in (*_NUMBERS, "boolean") or (f.type == "string" and f.values))
    )
