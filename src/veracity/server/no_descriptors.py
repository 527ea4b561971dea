"""No descriptor is left to take a connection with: said once in a while, not thousands of times a second.

asyncio tells of it for each connection that may wait, all 2,048 of them, with a traceback, every second; and
for each of those it tries once more a second later, which a server that has stopped meanwhile cannot.
"""

import asyncio
import logging
import math
from typing import Any

EVERY_S = 60.0
_ACCEPT = "socket.accept() out of system resource"  # as ``asyncio.selector_events`` says it
_AGAIN = "._start_serving("  # in what it says of that callback

_LOGGER = logging.getLogger(__name__)


def tell_seldom(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop say once in ``EVERY_S`` that it can take no connection; all else it says as before."""
    before, said_at = loop.get_exception_handler(), -math.inf

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said_at
        message = str(context.get("message"))
        if message == _ACCEPT:
            if loop.time() - said_at >= EVERY_S:
                said_at = loop.time()
                _LOGGER.warning("connections: want one more taken, got: %s", context.get("exception"))
        elif _AGAIN in message and isinstance(context.get("exception"), ValueError):
            return  # its socket is closed
        elif before is None:
            loop.default_exception_handler(context)
        else:
            before(loop, context)

    loop.set_exception_handler(handle)
