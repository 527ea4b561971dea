"""How much the ``any`` of one request may look at: each within another multiplies."""

from veracity.server.sensorthings.errors import TooMuchAsked

MAX_LOOKS = 500_000  #: entities that the conditions within ``any`` are tried on, in one request; seconds


class Budget:
    """What is left of the entities that a request may try a condition within ``any`` on."""

    def __init__(self, n_looks: int = MAX_LOOKS) -> None:
        self._n_looks = self._left = n_looks

    def spend(self, n: int) -> None:
        """Take so many away; TooMuchAsked if there are not as many left."""
        self._left -= n
        if self._left < 0:
            raise TooMuchAsked(
                f"filter: any: want at most {self._n_looks} entities tried, got more: ask for less within any"
            )
