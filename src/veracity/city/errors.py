"""Errors of the built-in city."""

from veracity.errors import Malformed, VeracityError


class CityError(VeracityError):
    """Root of the errors of ``city``."""

    code = "city-error"


class ImpossibleTwin(CityError, Malformed):
    """No twin can be made from this seed, start or length."""

    code = "impossible-twin"
