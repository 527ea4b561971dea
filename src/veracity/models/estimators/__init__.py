"""The estimators there are, by the name that ``model.json`` gives them. Each module is one."""

from veracity.models.estimators.climatology import Climatology
from veracity.models.estimators.conformal import BASES, Conformal
from veracity.models.estimators.ensemble import Ensemble
from veracity.models.estimators.jax_mlp import JaxMlp
from veracity.models.estimators.last_value import LastValue
from veracity.models.estimators.lightgbm import LightGbm
from veracity.models.estimators.nixtla import MlForecast, StatsForecast
from veracity.models.estimators.onnx_model import OnnxModel
from veracity.models.estimators.parameters import Parameters
from veracity.models.estimators.ridge import Ridge
from veracity.models.estimators.seasonal import Seasonal

ESTIMATORS: dict[str, type[Parameters]] = {**BASES, Conformal.name: Conformal}

__all__ = [
    "ESTIMATORS",
    "Climatology",
    "Conformal",
    "Ensemble",
    "JaxMlp",
    "LastValue",
    "LightGbm",
    "MlForecast",
    "OnnxModel",
    "Ridge",
    "Seasonal",
    "StatsForecast",
]
