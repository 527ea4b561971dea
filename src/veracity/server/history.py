"""What the log says of all batches of a city, read once for all parts of the server."""

from dataclasses import dataclass, field

from starlette.requests import Request

from veracity.server.batches import Batches
from veracity.server.healths import Healths


@dataclass(frozen=True)
class History:
    """The batches of every feed, and the health of their sensors; safe to use from many threads."""

    batches: Batches = field(default_factory=Batches)
    healths: Healths = field(default_factory=Healths)


def history_of(request: Request) -> History:
    """Return the history that the application keeps."""
    history: History = request.app.state.history
    return history
