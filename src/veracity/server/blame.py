"""Whose an error is: of the client, who can send another request, or of the city's own files.

Errors of the cores say what a file, a statement or a proof of the city is not. A reader has done nothing
wrong then, and the words may name places. What clients get wrong is an error of ``server`` or of ``home``.
"""

from veracity.errors import VeracityError
from veracity.home.errors import StateBehind
from veracity.server.accounts.pace import SAFE

_CORES = frozenset({"canonical", "data", "feeds", "log", "models", "provenance", "stores"})
_UNDER_ALL = frozenset({"log", "stores"})  # no body that a client sends makes an error of these


def is_of_city(error: VeracityError, method: str) -> bool:
    """Say whether a request of this method failed by what is wrong with the city, not with the request."""
    area = type(error).__module__.split(".")[1]
    return isinstance(error, StateBehind) or area in (_CORES if method in SAFE else _UNDER_ALL)
