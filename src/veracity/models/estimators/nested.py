"""Estimators made of others: how they name them, and how their files lie side by side."""

from collections.abc import Mapping
from typing import Any

from veracity.models.errors import BadParameter
from veracity.models.estimators.parameters import Parameters

SHARED = ("target", "horizons", "levels", "seed")  #: said once, by the outer one


def make(
    kinds: Mapping[str, type[Parameters]], outer: Parameters, name: str, own: Mapping[str, Any]
) -> Parameters:
    """Return an estimator of the outer one's target, horizons, levels and seed.

    Raises
    ------
    BadParameter
        If there is none of that name here, or it takes no such parameters.
    """
    if name not in kinds:
        raise BadParameter(f"{outer.name}: want one of {', '.join(sorted(kinds))}, got {str(name)[:60]!r}")
    shared = {one: getattr(outer, one) for one in SHARED}
    if said_twice := sorted(set(own) & set(shared)):
        raise BadParameter(f"{name}: want no {said_twice[0]} of its own, got one")
    try:
        return kinds[name](**shared, **own)
    except TypeError as exc:
        raise BadParameter(f"{name}: want parameters of its constructor, got {exc}") from exc


def with_prefix(prefix: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files with ``prefix.`` before their names."""
    return {f"{prefix}.{name}": body for name, body in files.items()}


def of_prefix(prefix: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files whose names begin with ``prefix.``, without it."""
    return {n.removeprefix(f"{prefix}."): body for n, body in files.items() if n.startswith(f"{prefix}.")}
