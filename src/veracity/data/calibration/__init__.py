"""A sensor's readings corrected to those of a reference that stood beside it.

``fit`` makes a small document, the calibration, from pairs of readings; ``apply`` corrects rows by
it. Both are pure and give the same bits on every machine: they add, subtract, multiply, divide and
take square roots number by number, and leave no sum to a library whose order differs by CPU.
"""

from veracity.data.calibration.correction import apply
from veracity.data.calibration.definition import Definition, parse_definition
from veracity.data.calibration.document import Calibration, Source, parse_calibration
from veracity.data.calibration.errors import CannotCalibrate, MalformedCalibration
from veracity.data.calibration.fitting import Origin, fit
from veracity.data.calibration.pairs import Pairs, pair

__all__ = [
    "Calibration",
    "CannotCalibrate",
    "Definition",
    "MalformedCalibration",
    "Origin",
    "Pairs",
    "Source",
    "apply",
    "fit",
    "pair",
    "parse_calibration",
    "parse_definition",
]
