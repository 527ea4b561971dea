"""Sources that are asked again and again."""

import threading
from collections.abc import Callable, Sequence

from veracity.errors import Malformed
from veracity.gateway.inlet import Inlet


def poll(read: Callable[[int], Sequence[bytes]], every_s: float, inlet: Inlet, stop: threading.Event) -> None:
    """Ask every so many seconds until told to stop; what a source cannot hold back is offered.

    ``read`` is given the time in nanoseconds and returns records; SourceFault ends the polling, what is
    malformed is counted.
    """
    while not stop.is_set():
        try:
            records = read(inlet.now_ns())
        except Malformed as exc:
            inlet.refuse([str(exc)])
        else:
            inlet.offer(records)
            inlet.well()
        stop.wait(every_s)
