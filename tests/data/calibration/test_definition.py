"""The definition of a calibration, read strictly."""

import pytest

from calibrated_post import DAY_US, definition
from veracity.data.calibration import MalformedCalibration, parse_definition


def test_defaults_are_named() -> None:
    """Three lines are enough; the rest has the defaults that the page gives."""
    d = parse_definition(b"name: co\nsensor: s1\nreference: co\n")
    assert (d.window_us, d.every_us, d.valid_for_us) == (56 * DAY_US, 28 * DAY_US, 84 * DAY_US)
    assert (d.output, d.within_us, d.min_pairs) == ("s1_corrected", 0, 100)
    assert (d.memories, d.shapes) == (("recent", "all", "trend"), ("line", "curved"))
    assert definition().shapes == ("line", "adjusted", "curved")
    assert definition(memory="all", shape="line").memories == ("all",)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "No Name"}, "name: want"),
        ({"sensor": "[x]"}, "sensor: want a column's name"),
        ({"covariates": "[t, t]"}, "covariates: want each once"),
        ({"covariates": "[x]"}, "covariates: want each once"),
        ({"covariates": "t"}, "covariates: want a list"),
        ({"window": "soon"}, "window: want a duration"),
        ({"valid_for": "15d"}, "valid_for: want a multiple of every"),
        ({"memory": "long"}, "memory: want auto, recent, all, trend"),
        ({"shape": "round"}, "shape: want auto, line, adjusted, curved"),
        ({"min_pairs": "3"}, "min_pairs: want a whole number from 10"),
        ({"device": "{station: 3}"}, "device.station: want text"),
        ({"speed": "3"}, "got 'speed'"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, str], message: str) -> None:
    """Each setting that is wrong, unknown or missing is named with what is wanted."""
    with pytest.raises(MalformedCalibration, match=message):
        definition(**changed)
