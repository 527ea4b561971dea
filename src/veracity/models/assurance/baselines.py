"""The simplest forecasts, fitted on what a model learned from: it is held against them."""

from collections.abc import Mapping

from veracity.errors import VeracityError
from veracity.models.bundle import Estimators
from veracity.models.estimator import Forecaster
from veracity.models.estimators import ESTIMATORS
from veracity.models.panel_array import PanelArray

NAMES = ("climatology", "last-value", "seasonal")  #: as reports have them; ``ESTIMATORS`` may write ``_``


def fit_baselines(estimators: Estimators, training: PanelArray) -> dict[str, dict[str, Forecaster]]:
    """Return by name and target what each baseline learned; one that the rows are too few for is left out."""
    found: dict[str, dict[str, Forecaster]] = {}
    for name in NAMES:
        for target, own in sorted(estimators.items()):
            one = _fit(name, own, training)
            if one is not None:
                found.setdefault(name, {})[target] = one
    return found


def _fit(name: str, own: Forecaster, training: PanelArray) -> Forecaster | None:
    kind = ESTIMATORS.get(name) or ESTIMATORS.get(name.replace("-", "_"))
    if kind is None:
        return None
    make: Mapping[str, object] = {"target": own.target, "horizons": own.horizons}
    try:
        return kind(**make).fit(training)
    except VeracityError:  # too few rows, or a nowcast, of which a baseline cannot say anything
        return None
