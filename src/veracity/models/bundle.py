"""A model of several targets: one estimator each, written to files and read back."""

from collections.abc import Mapping
from typing import Any

from veracity.models.errors import MalformedModel
from veracity.models.estimator import Forecaster
from veracity.models.estimators import ESTIMATORS
from veracity.models.files import DESCRIPTION, SCHEMA, ModelFiles
from veracity.provenance.fields import Fields

Estimators = Mapping[str, Forecaster]  #: by target

MAX_TARGETS = 64


def bundle_files(estimators: Estimators) -> dict[str, bytes]:
    """Return what estimators learned as files, each named after its target: ``pm25.median.txt``."""
    return {
        f"{target}.{name}": body
        for target, one in sorted(estimators.items())
        for name, body in sorted(one.to_files().items())
    }


def describe(estimators: Estimators) -> dict[str, Any]:
    """Return what ``model.json`` says of its estimators."""
    return {
        "schema": SCHEMA,
        "estimators": {
            target: {"name": one.name, "parameters": dict(one.parameters()), "files": sorted(one.to_files())}
            for target, one in sorted(estimators.items())
        },
    }


def load(model: ModelFiles) -> dict[str, Forecaster]:
    """Read the estimators of a model, by target.

    Raises
    ------
    MalformedModel
        If a file is missing, belongs to none of them, or is not what its estimator wrote.
    """
    described = Fields(model.description, DESCRIPTION, MalformedModel).take("estimators")
    if not isinstance(described, dict) or not 0 < len(described) <= MAX_TARGETS:
        raise MalformedModel(f"{DESCRIPTION}.estimators: want 1 to {MAX_TARGETS}, got {str(described)[:60]}")
    loaded: dict[str, Forecaster] = {}
    used = {DESCRIPTION}
    for target, item in described.items():
        fields = Fields(item, f"{DESCRIPTION}.estimators.{target[:64]}", MalformedModel)
        name, parameters = fields.choice("name", ESTIMATORS), fields.take("parameters")
        names = [f"{target}.{n}" for n in fields.items("files", 512)]
        fields.done()
        if missing := [n for n in names if n not in model.files]:
            raise MalformedModel(f"model: want the file {missing[0][:80]}, got none")
        used.update(names)
        own = {n.removeprefix(f"{target}."): model.files[n] for n in names}
        if not isinstance(parameters, dict):
            raise fields.fail("parameters", "an object", parameters)
        loaded[target] = ESTIMATORS[name].from_files(parameters, own)
    if unused := sorted(set(model.files) - used):
        raise MalformedModel(f"model: want no file that no estimator wrote, got {unused[0]}")
    return loaded
