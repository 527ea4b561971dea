"""Errors of calibrating."""

from veracity.data.errors import DataError
from veracity.errors import Malformed, Rejected


class MalformedCalibration(DataError, Malformed):
    """The text is not a calibration, or not the definition of one."""

    code = "malformed-calibration"


class CannotCalibrate(DataError, Rejected):
    """The readings do not carry a calibration: too few, a sensor that stands still, columns that agree."""

    code = "cannot-calibrate"
