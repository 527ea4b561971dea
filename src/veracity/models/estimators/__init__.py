"""The estimators there are, by the name that ``model.json`` gives them. Each module is one."""

from veracity.models.estimator import Forecaster
from veracity.models.estimators.climatology import Climatology
from veracity.models.estimators.last_value import LastValue
from veracity.models.estimators.lightgbm import LightGbm
from veracity.models.estimators.ridge import Ridge
from veracity.models.estimators.seasonal import Seasonal

ESTIMATORS: dict[str, type[Forecaster]] = {
    one.name: one for one in (LastValue, Seasonal, Climatology, Ridge, LightGbm)
}

__all__ = ["ESTIMATORS", "Climatology", "LastValue", "LightGbm", "Ridge", "Seasonal"]
