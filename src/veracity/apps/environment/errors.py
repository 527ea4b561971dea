"""Errors of the air-quality app."""

from veracity.errors import Malformed, VeracityError


class EnvironmentAppError(VeracityError):
    """Root of the errors of ``apps.environment``."""

    code = "environment-error"


class BadReadings(EnvironmentAppError, Malformed):
    """Readings are not such that an index can be computed of them."""

    code = "bad-readings"


class BadWards(EnvironmentAppError, Malformed):
    """A file of wards is not GeoJSON with a point or a polygon each."""

    code = "bad-wards"
