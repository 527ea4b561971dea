"""Errors of what clients make."""

from veracity.errors import Rejected
from veracity.server.errors import ServerError


class NameTaken(ServerError, Rejected):
    """The city has a feed of its own under a name that is needed."""

    code = "feed-name-taken"
