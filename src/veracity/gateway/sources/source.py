"""What every kind of source is."""

import threading
from typing import Protocol

from veracity.gateway.inlet import Inlet


class Source(Protocol):
    """A source as configured, frozen."""

    @property
    def name(self) -> str:
        """Its own name, in status and losses."""

    @property
    def feed(self) -> str:
        """Whose records it gives."""

    def run(self, inlet: Inlet, stop: threading.Event) -> None:
        """Read until told to stop.

        Raises
        ------
        Unavailable
            If it does not answer, or there is no room for what must not be lost. It is run again later.
        """
