"""What ``model.json`` says of a model beside its estimators: where it comes from, and how it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veracity.models.bundle import Estimators, describe
from veracity.models.errors import MalformedModel
from veracity.models.files import DESCRIPTION, SCHEMA, ModelFiles
from veracity.provenance.fields import Fields
from veracity.provenance.statements import Input, RowsDigest
from veracity.provenance.statements.transform import MAX_INPUTS, read_input
from veracity.provenance.statements.words import MODEL_NAME, NAME, SYSTEM_NAME

#: What differs between two makings of one model and says nothing of it.
OF_THE_MAKING = ("trained_at", "signed_by")
_OBJECTS = ("recipe", "learned", "engine", "environment", "metrics")


@dataclass(frozen=True)
class Description:
    """A model described.

    Attributes
    ----------
    name
        As its maker names it.
    system
        The app that it is made for; None for one without.
    recipe
        What it was made by: ``{"app": name}``, or ``{"estimator": name, "parameters": …, "targets": …}``.
    definition_sha256, inputs, rows, as_of
        The panel: its definition, the snapshots that it was built from, its rows, the time of knowledge.
    learned
        Which of these rows it learned from, and which were held out (``rows``: times, ``from``, ``to``).
    seed, code_sha256, engine, environment
        Of everything left to chance; of the source; versions of what decides its digits; the machine.
    metrics
        Per target, per name (``model`` and the baselines) a row per horizon, on what was held out.
    signed_by
        The publishing key that signs its files: SHA-256 of the key's PEM.
    """

    name: str
    system: str | None
    recipe: Mapping[str, Any]
    definition_sha256: str
    inputs: tuple[Input, ...]
    rows: RowsDigest
    as_of: str | None
    learned: Mapping[str, Any]
    seed: int
    code_sha256: str
    engine: Mapping[str, str]
    environment: Mapping[str, Any]
    metrics: Mapping[str, Any]
    trained_at: str
    simulated: bool
    personal: bool
    signed_by: str

    @classmethod
    def of(cls, model: ModelFiles) -> "Description":
        """Read a model's ``model.json``; MalformedModel if it does not say all this."""
        fields = Fields(model.description, DESCRIPTION, MalformedModel)
        fields.choice("schema", (SCHEMA,))
        fields.take("estimators")  # see ``bundle.load``
        panel = fields.object("panel")
        objects = {name: _object(fields, name) for name in _OBJECTS}
        described = cls(
            name=fields.matching("name", NAME, MODEL_NAME),
            system=fields.optional("system", lambda n: fields.matching(n, NAME, SYSTEM_NAME)),
            definition_sha256=panel.sha256("definition"),
            inputs=tuple(read_input(item) for item in panel.objects("inputs", MAX_INPUTS)),
            rows=RowsDigest.read(panel.object("rows")),
            as_of=fields.optional("as_of", fields.time),
            seed=fields.count("seed"),
            code_sha256=fields.sha256("code"),
            trained_at=fields.time("trained_at"),
            simulated=fields.flag("simulated"),
            personal=fields.flag("personal"),
            signed_by=fields.sha256("signed_by"),
            **objects,
        )
        panel.done()
        fields.done()
        return described

    def to_document(self, estimators: Estimators) -> dict[str, Any]:
        """Return what ``model.json`` says, the estimators included."""
        return {
            **describe(estimators),
            "name": self.name,
            "system": self.system,
            "recipe": dict(self.recipe),
            "panel": {
                "definition": self.definition_sha256,
                "inputs": [i.to_object() for i in self.inputs],
                "rows": self.rows.to_object(),
            },
            "as_of": self.as_of,
            "learned": dict(self.learned),
            "seed": self.seed,
            "code": self.code_sha256,
            "engine": dict(self.engine),
            "environment": dict(self.environment),
            "metrics": dict(self.metrics),
            "trained_at": self.trained_at,
            "simulated": self.simulated,
            "personal": self.personal,
            "signed_by": self.signed_by,
        }


def without_making(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ``model.json`` without what only its making decides: when, and whose key signs.

    Examples
    --------
    >>> without_making({"seed": 1, "trained_at": "2026-09-01T00:00:00Z", "signed_by": "ab"})
    {'seed': 1}
    """
    return {name: value for name, value in document.items() if name not in OF_THE_MAKING}


def _object(fields: Fields, name: str) -> dict[str, Any]:
    value = fields.take(name)
    if not isinstance(value, dict):
        raise fields.fail(name, "an object", value)
    return value
