"""Errors of the air-quality app."""

from veracity.errors import Malformed, VeracityError


class EnvironmentAppError(VeracityError):
    """Root of the errors of ``apps.environment``."""

    code = "environment-error"


class BadReadings(EnvironmentAppError, Malformed):
    """Readings are not such that an index can be computed of them."""

    code = "bad-readings"
