"""Libraries that an extra brings."""

from importlib.util import find_spec

from veracity.errors import Unavailable
from veracity.models.errors import ModelsError


class MissingLibrary(ModelsError, Unavailable):
    """An optional library is not installed; the message says which extra brings it."""

    code = "missing-library"


def need(library: str, extra: str) -> None:
    """Raise MissingLibrary, which says what to install, unless a library is there."""
    if find_spec(library) is None:
        raise MissingLibrary(f'{library}: want it installed (pip install "veracity[{extra}]"), got none')
