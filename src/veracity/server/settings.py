"""What a server of a city is told when it starts."""

from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import ASGIApp

from veracity.home.clock import Clock
from veracity.server.accounts.pace import Limits
from veracity.server.base_map import BaseMap


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
    spool_bytes
        How much room the files that readers download may take in the system's temporary directory.
    limits
        How often one network and one account may ask.
    seal_after_s
        How long writes wait in the journal before the log has them in a list. None: until somebody seals
        them, as ``veracity account seal`` does.
    page_origins
        From which our own pages may load pictures and maps besides our own: an online base map.
    witness
        The application of a witness to serve beside the city, below ``/witness``; None for none.
    max_listeners
        Readers of events at once.
    base_map
        An online base map that the portal offers; its origin is one of the pages'.
    fronts
        Addresses and networks of proxies before the server that say whose request they pass on.
    """

    home: Path
    public_url: str | None = None
    clock: Clock | None = None
    max_body_bytes: int = 4 * 1024 * 1024
    is_open: bool = True
    origins: tuple[str, ...] = field(default_factory=tuple)
    spool_bytes: int = 4 * 1024**3
    limits: Limits = field(default_factory=Limits)
    seal_after_s: float | None = 30.0
    page_origins: tuple[str, ...] = field(default_factory=tuple)
    witness: ASGIApp | None = None
    max_listeners: int = 256
    fronts: tuple[str, ...] = field(default_factory=tuple)
    base_map: BaseMap | None = None
