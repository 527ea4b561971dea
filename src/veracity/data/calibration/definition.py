"""What is to be calibrated against what, read from YAML into a frozen dataclass."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from veracity.data.calibration.errors import MalformedCalibration
from veracity.data.plain_yaml import parse_yaml

DEFINITION_BYTES = 65_536
COVARIATES = 8
DAY_US = 86_400_000_000

Memory = Literal["recent", "all", "trend"]
Shape = Literal["line", "adjusted", "curved"]

MEMORIES: tuple[Memory, ...] = get_args(Memory)  # in order of how much they suppose
SHAPES: tuple[Shape, ...] = get_args(Shape)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_DURATION = re.compile(r"([1-9][0-9]{0,4})(s|m|h|d)")
_MICROSECONDS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": DAY_US}
_KNOWN = {
    "name",
    "description",
    "sensor",
    "device",
    "reference",
    "reference_device",
    "covariates",
    "output",
    "within",
    "window",
    "every",
    "valid_for",
    "min_pairs",
    "memory",
    "shape",
}


@dataclass(frozen=True)
class Definition:
    """A calibration to be made. Durations are in microseconds.

    Attributes
    ----------
    sensor, covariates
        Columns of the sensor's feed: its response, and what else may explain it.
    device, reference_device
        Values of key columns that pick out one sensor, and one reference, of their feeds.
    reference
        The column of the reference's feed.
    output
        The corrected column's name.
    within_us
        How far apart in time two readings of a pair may be.
    window_us
        How far back a fit with ``recent`` memory looks, and the length of the first window of any.
    every_us
        How often it is fitted again.
    valid_for_us
        How long a fit counts where no newer one follows: after that there is no correction.
    min_pairs
        The fewest pairs that a fit may rest on.
    memory, shape
        None: chosen by validation.
    """

    name: str
    sensor: str
    reference: str
    covariates: tuple[str, ...]
    device: Mapping[str, str]
    reference_device: Mapping[str, str]
    output: str
    within_us: int
    window_us: int
    every_us: int
    valid_for_us: int
    min_pairs: int
    memory: Memory | None
    shape: Shape | None
    sha256: str
    text: bytes = field(repr=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that a corrected value is made from: the sensor's first."""
        return (self.sensor, *self.covariates)

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The memories to choose from."""
        return MEMORIES if self.memory is None else (self.memory,)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes to choose from."""
        if self.shape is not None:
            return (self.shape,)
        return SHAPES if self.covariates else ("line", "curved")


def parse_definition(text: bytes) -> Definition:
    """Read a definition from YAML bytes; ``MalformedCalibration`` names the part at fault."""
    top = parse_yaml(text, "calibration", DEFINITION_BYTES, MalformedCalibration)
    unknown = sorted(set(map(str, top)) - _KNOWN)
    if unknown:
        raise MalformedCalibration(f"calibration: want {', '.join(sorted(_KNOWN))}, got {unknown[0]!r}")
    name = top.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MalformedCalibration(f"name: want [a-z0-9-], at most 64 characters, got {str(name)[:80]!r}")
    sensor, reference = _column("sensor", top.get("sensor")), _column("reference", top.get("reference"))
    covariates = _covariates(top.get("covariates", []), sensor)
    output = _column("output", top.get("output", f"{sensor[:53]}_corrected"))
    window, every = _duration("window", top.get("window", "56d")), _duration("every", top.get("every", "28d"))
    valid_for = _duration("valid_for", top["valid_for"]) if "valid_for" in top else 3 * every
    if valid_for % every:
        raise MalformedCalibration(f"valid_for: want a multiple of every, got {top['valid_for']}")
    return Definition(
        name=name,
        sensor=sensor,
        reference=reference,
        covariates=covariates,
        device=_device("device", top.get("device", {})),
        reference_device=_device("reference_device", top.get("reference_device", {})),
        output=output,
        within_us=_duration("within", top["within"]) if "within" in top else 0,
        window_us=window,
        every_us=every,
        valid_for_us=valid_for,
        min_pairs=_min_pairs(top.get("min_pairs", 100)),
        memory=cast(Memory | None, _choice("memory", top.get("memory", "auto"), MEMORIES)),
        shape=cast(Shape | None, _choice("shape", top.get("shape", "auto"), SHAPES)),
        sha256=hashlib.sha256(text).hexdigest(),
        text=text,
    )


def _column(where: str, value: Any) -> str:
    if not isinstance(value, str) or not _COLUMN.fullmatch(value):
        raise MalformedCalibration(f"{where}: want a column's name, got {str(value)[:80]!r}")
    return value


def _covariates(value: Any, sensor: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > COVARIATES:
        raise MalformedCalibration(
            f"covariates: want a list of at most {COVARIATES} columns, got {str(value)[:60]!r}"
        )
    names = tuple(_column("covariates", v) for v in value)
    if len({sensor, *names}) <= len(names):
        raise MalformedCalibration(f"covariates: want each once and not the sensor, got {', '.join(names)}")
    return names


def _device(where: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > COVARIATES:
        raise MalformedCalibration(f"{where}: want key columns and their values, got {str(value)[:60]!r}")
    for name, said in value.items():
        _column(where, name)
        if not isinstance(said, str) or not 0 < len(said) <= 256:
            raise MalformedCalibration(f"{where}.{name}: want text (in quotes), got {str(said)[:80]!r}")
    return dict(sorted(value.items()))


def _duration(where: str, value: Any) -> int:
    match = _DURATION.fullmatch(str(value))
    if match is None:
        raise MalformedCalibration(f"{where}: want a duration such as 5m, 1h or 28d, got {str(value)[:40]!r}")
    return int(match.group(1)) * _MICROSECONDS[match.group(2)]


def _min_pairs(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 10 <= value <= 10**9:
        raise MalformedCalibration(f"min_pairs: want a whole number from 10, got {str(value)[:40]!r}")
    return value


def _choice(where: str, value: Any, choices: tuple[str, ...]) -> str | None:
    if value == "auto":
        return None
    if value not in choices:
        raise MalformedCalibration(f"{where}: want auto, {', '.join(choices)}, got {str(value)[:40]!r}")
    return str(value)
