"""What a model is made by: an app's own training, or one built-in estimator over a panel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from veracity.models.app import App, Train
from veracity.models.bundle import Estimators
from veracity.models.errors import BadParameter
from veracity.models.estimators import ESTIMATORS
from veracity.models.panel_array import PanelArray
from veracity.provenance.statements.words import MODEL_NAME, NAME

MAX_HORIZON = 10_000


@dataclass(frozen=True)
class Recipe:
    """How to make a model, whatever the data.

    Attributes
    ----------
    name
        Of the model.
    system
        The app it is for; None for an engineer's own.
    panel
        YAML of the panel that it learns from.
    attributes
        Per key what is known of it.
    targets, horizons
        Columns that are forecast, and steps ahead.
    train
        Makes the estimators. Pure.
    code
        Gives the digest of the source of ``train`` beyond that of ``models``; empty for none.
    document
        What ``model.json`` says of the recipe.
    """

    name: str
    system: str | None
    panel: bytes
    attributes: Mapping[str, Mapping[str, float]]
    targets: tuple[str, ...]
    horizons: tuple[int, ...]
    train: Train
    code: Callable[[], str]
    document: Mapping[str, Any]

    @classmethod
    def of_app(cls, app: App) -> "Recipe":
        """Return an app's."""
        return cls(
            app.name,
            app.name,
            app.panel,
            app.attributes,
            tuple(app.targets),
            app.horizons,
            app.train,
            app.code,
            {"app": app.name},
        )

    @classmethod
    def of_estimator(
        cls,
        name: str,
        panel: bytes,
        estimator: str,
        targets: tuple[str, ...],
        horizons: tuple[int, ...],
        parameters: Mapping[str, Any] | None = None,
    ) -> "Recipe":
        """Return that of one built-in estimator a target, with its own parameters where they are given.

        Raises
        ------
        BadParameter
            If there is no such estimator, or what is asked of it is no forecast.
        """
        if not NAME.fullmatch(name):
            raise BadParameter(f"name: want {MODEL_NAME}, got {name[:80]!r}")
        if estimator not in ESTIMATORS:
            raise BadParameter(f"estimator: want one of {', '.join(ESTIMATORS)}, got {estimator[:80]!r}")
        if not targets or not horizons or not all(0 <= h <= MAX_HORIZON for h in horizons):
            raise BadParameter(
                f"targets and horizons: want at least one of each, 0 to {MAX_HORIZON} steps ahead,"
                f" got {list(targets)} and {list(horizons)}"
            )
        steps, given = tuple(sorted(set(horizons))), dict(parameters or {})

        def train(panel: PanelArray, *, seed: int) -> Estimators:
            made = {t: _construct(estimator, t, steps, seed, given) for t in targets}
            return {target: one.fit(panel) for target, one in made.items()}

        document = {
            "estimator": estimator,
            "targets": list(targets),
            "horizons": list(steps),
            "parameters": given,
        }
        return cls(name, None, panel, {}, targets, steps, train, str, document)

    @classmethod
    def of_document(cls, name: str, panel: bytes, document: Mapping[str, Any]) -> "Recipe":
        """Return the recipe that ``model.json`` speaks of, if it is a built-in estimator's.

        Raises
        ------
        BadParameter
            If it is an app's: that must be given.
        """
        if "estimator" not in document:
            raise BadParameter(f"recipe: want that of an estimator, got {str(dict(document))[:80]}")
        return cls.of_estimator(
            name,
            panel,
            str(document["estimator"]),
            tuple(map(str, document.get("targets", ()))),
            tuple(h for h in document.get("horizons", ()) if isinstance(h, int)),
            document.get("parameters"),
        )


def _construct(
    estimator: str, target: str, horizons: tuple[int, ...], seed: int, given: dict[str, Any]
) -> Any:
    make: Callable[..., Any] = ESTIMATORS[estimator]
    more = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    try:
        return make(target=target, horizons=horizons, seed=seed, **more)
    except TypeError as exc:
        raise BadParameter(
            f"{estimator}: want parameters that it knows, got {', '.join(given)}: {exc}"
        ) from exc
