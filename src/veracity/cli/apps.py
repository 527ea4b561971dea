"""Apps as a home has them: found by name, at the places that the city gave them."""

from veracity.apps import find, names
from veracity.home.home import Home
from veracity.home.models.places import placed
from veracity.home.models.registry import ModelRow, load_model
from veracity.models.app import App
from veracity.models.description import Description


def app_in(home: Home, name: str) -> App:
    """Return an app by its name; UnknownApp if there is none."""
    return placed(home, find(name))


def all_apps(home: Home) -> list[App]:
    """Return all apps, by name."""
    return [app_in(home, name) for name in names()]


def app_of(home: Home, system: str | None) -> App | None:
    """Return the app of a system; None where it is not installed, or there is no system."""
    return app_in(home, system) if system in names() else None


def app_of_model(home: Home, row: ModelRow) -> App | None:
    """Return the app that a model was made for; None for a model of none.

    Raises
    ------
    UnknownApp
        If it is not installed.
    ModelAltered
        If the model's files are not those that were signed.
    """
    system = Description.of(load_model(home, row.sha256)).system
    return None if system is None else app_in(home, system)
