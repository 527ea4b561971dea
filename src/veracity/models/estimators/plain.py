"""The estimators that stand alone, by name: those that others can be made of."""

from veracity.models.estimators.climatology import Climatology
from veracity.models.estimators.jax_mlp import JaxMlp
from veracity.models.estimators.last_value import LastValue
from veracity.models.estimators.lightgbm import LightGbm
from veracity.models.estimators.nixtla import MlForecast, StatsForecast
from veracity.models.estimators.onnx_model import OnnxModel
from veracity.models.estimators.parameters import Parameters
from veracity.models.estimators.ridge import Ridge
from veracity.models.estimators.seasonal import Seasonal

PLAIN: dict[str, type[Parameters]] = {
    one.name: one
    for one in (
        LastValue,
        Seasonal,
        Climatology,
        Ridge,
        LightGbm,
        JaxMlp,
        StatsForecast,
        MlForecast,
        OnnxModel,
    )
}
