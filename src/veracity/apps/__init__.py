"""City applications, one folder each, all of one shape: see ``models.app``.

An app is found by its folder: a package in here with a module ``app`` that holds ``APP``. Nothing else
names one. To add an app is to add a folder.
"""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

from veracity.apps.errors import BrokenApp, UnknownApp
from veracity.models.app import App

_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")


def names() -> tuple[str, ...]:
    """Return the names of all apps, sorted; a folder ``city_air`` holds the app ``city-air``."""
    folders = {found.parent.name for path in __path__ for found in Path(path).glob("*/app.py")}
    return tuple(sorted(folder.replace("_", "-") for folder in folders))


def find(name: str) -> App:
    """Return an app by its name.

    Raises
    ------
    UnknownApp
        If there is none of that name.
    BrokenApp
        If its module cannot be loaded, or holds no ``APP`` of that name.
    """
    if not _NAME.fullmatch(name) or name not in names():
        raise UnknownApp(f"app: want one of {', '.join(names()) or 'none'}, got {name[:64]!r}")
    declared = getattr(_load(name), "APP", None)
    if not isinstance(declared, App) or declared.name != name:
        got = declared.name if isinstance(declared, App) else type(declared).__name__
        raise BrokenApp(f"app {name}: want its module to hold an APP of that name, got {got}")
    return declared


def _load(name: str) -> ModuleType:
    try:
        return import_module(f"{__name__}.{name.replace('-', '_')}.app")
    except Exception as exc:  # whatever a partner's module does when it is loaded
        raise BrokenApp(f"app {name}: want a module that loads, got {type(exc).__name__}: {exc}") from exc
