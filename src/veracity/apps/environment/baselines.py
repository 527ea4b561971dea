"""The baselines, learned anew at every run from the last weeks: they need no model, and so always answer."""

from collections.abc import Callable

from veracity.models.errors import BadPanel
from veracity.models.estimator import Forecaster
from veracity.models.estimators import Climatology, LastValue, Seasonal
from veracity.models.forecast import Forecast
from veracity.models.panel_array import PanelArray

LAST, SEASONAL, CLIMATOLOGY = "last-value", "seasonal", "climatology"
FEWEST = 7  #: days of the same hour that climatology wants before it trusts them

_MAKE: dict[str, Callable[[str, tuple[int, ...]], Forecaster]] = {
    LAST: lambda target, horizons: LastValue(target, horizons),
    SEASONAL: lambda target, horizons: Seasonal(target, horizons),
    CLIMATOLOGY: lambda target, horizons: Climatology(target, horizons, fewest=FEWEST),
}


def baselines(panel: PanelArray, target: str, horizons: tuple[int, ...]) -> dict[str, Forecast]:
    """Return what each baseline says from the panel's last time; those that know too little are left out."""
    said: dict[str, Forecast] = {}
    for name, make in _MAKE.items():
        try:
            said[name] = make(target, horizons).fit(panel).predict(panel)
        except BadPanel:  # a city that has only begun to measure
            continue
    return said
