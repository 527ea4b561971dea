"""What a server of a city is told when it starts."""

from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import ASGIApp

from veracity.home.clock import Clock


@dataclass(frozen=True)
class ServerSettings:
    """How a city is served.

    Attributes
    ----------
    home
        The city's home.
    public_url
        Where readers find it, ``https://data.example.org``, without a slash at its end: in links and
        identifiers. None: where each request came to.
    clock
        The city's time, where it is not ours.
    max_body_bytes
        Of a request; more is answered 413.
    is_open
        Whether anyone may read. If not, readers need an account with the role ``viewer``.
    origins
        Of other sites whose pages may write with a reader's token; reading is allowed to all.
    witness
        The application of a witness to serve beside the city, below ``/witness``; None for none.
    max_listeners
        Readers of events at once.
    """

    home: Path
    public_url: str | None = None
    clock: Clock | None = None
    max_body_bytes: int = 4 * 1024 * 1024
    is_open: bool = True
    origins: tuple[str, ...] = field(default_factory=tuple)
    witness: ASGIApp | None = None
    max_listeners: int = 256
