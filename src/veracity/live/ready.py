"""What is ready for the next turn: messages that were read and verified, in the order in which they came."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from nats.aio.msg import Msg

from veracity.home.live.arrivals import Arrival
from veracity.home.live.door import Ahead
from veracity.live.pulling import Delivered

TURN_MESSAGES = 10_000  #: in one turn; as many may be ready for the next
TURN_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Ready:
    """Messages as the broker gave them, and those of them that are for a feed.

    ``since`` is when the first of them came, of the monotonic clock.
    """

    messages: Sequence[Msg]
    delivered_as: Sequence[Delivered]
    arrivals: Sequence[Arrival]
    ahead: Ahead
    since: float

    @property
    def n_bytes(self) -> int:
        """How many bytes they have."""
        return sum(len(message.data) for message in self.messages)


class ReadyLine:
    """A line of what is ready, a turn long. Those who bring more wait until a turn has taken some."""

    def __init__(self) -> None:
        self._waiting: list[Ready] = []
        self._n_messages = self._n_bytes = 0
        self.some = asyncio.Event()  #: is set while there is some
        self._room = asyncio.Event()
        self._room.set()

    @property
    def is_full(self) -> bool:
        """Whether a turn could take no more."""
        return not self._room.is_set()

    @property
    def since(self) -> float:
        """When the first message came, of the monotonic clock."""
        return self._waiting[0].since

    async def put(self, ready: Ready) -> None:
        """Bring some, once there is room."""
        await self._room.wait()
        self._waiting.append(ready)
        self._count()

    def take(self) -> Ready:
        """Take what one turn takes of them: the first, and all those after it for which there is room."""
        n = n_messages = n_bytes = 0
        for ready in self._waiting:
            n_messages += len(ready.messages)
            n_bytes += ready.n_bytes
            if n and (n_messages > TURN_MESSAGES or n_bytes > TURN_BYTES):
                break
            n += 1
        taken, self._waiting = self._waiting[:n], self._waiting[n:]
        self._count()
        return Ready(
            [m for ready in taken for m in ready.messages],
            [d for ready in taken for d in ready.delivered_as],
            [a for ready in taken for a in ready.arrivals],
            Ahead(
                {origin: read for ready in taken for origin, read in ready.ahead.read.items()},
                {claim: holds for ready in taken for claim, holds in ready.ahead.holds.items()},
            ),
            taken[0].since,
        )

    def _count(self) -> None:
        n_messages = sum(len(ready.messages) for ready in self._waiting)
        is_full = n_messages >= TURN_MESSAGES or sum(ready.n_bytes for ready in self._waiting) >= TURN_BYTES
        (self._room.clear if is_full else self._room.set)()
        (self.some.set if self._waiting else self.some.clear)()
