"""The estimators there are, by the name that ``model.json`` gives them. Each module is one."""

from veracity.models.estimator import Forecaster

ESTIMATORS: dict[str, type[Forecaster]] = {}
