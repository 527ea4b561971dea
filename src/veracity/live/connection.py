"""The city's own connections to the broker: they come back by themselves, and say when they are gone."""

import asyncio
import logging
import time
from pathlib import Path
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client

from veracity.live.errors import BrokerUnavailable

logger = logging.getLogger(__name__)

CONNECT_S = 30.0
AGAIN_S = 1  #: between two tries
PENDING_BYTES = 64 * 1024 * 1024  #: what may wait to be sent while the connection is made again


class _GivenUp(Exception):
    """It was tried long enough."""


async def connect(
    url: str, name: str, within_s: float = CONNECT_S, credentials: Path | None = None
) -> Client:
    """Connect as ``name``; a connection that is lost later is made again, however long that takes.

    Parameters
    ----------
    url
        Of one server, or of several of a cluster with commas between: any of them will do. A name and a
        password in the first hold for all, also for those that the cluster tells of by itself.
    credentials
        A file of NATS credentials, where the broker asks for them.

    Raises
    ------
    BrokerUnavailable
        If there is none within the time.
    """
    servers = urls(url)
    if not servers:  # the library would look for one without end
        raise BrokerUnavailable(f"broker: want nats://HOST:PORT for {name}, got {url[:80]!r}")
    client, deadline = Client(), time.monotonic() + within_s
    is_made = asyncio.Event()

    async def lost() -> None:
        if not client.is_closed:
            logger.warning("%s: the broker is gone", name)

    async def back() -> None:
        logger.warning("%s: the broker is back", name)

    async def failed(error: Exception) -> None:
        # The library's loop of tries can miss that it was cancelled (Python 3.11's wait_for); end it here.
        if client.is_closed:
            raise asyncio.CancelledError
        # Raised later it would end the library's reading, and with it every try to connect again.
        if not is_made.is_set() and time.monotonic() > deadline:
            raise _GivenUp from error
        logger.debug("%s: %s", name, error)

    try:
        first = urlsplit(servers[0])
        await client.connect(
            servers,
            name=name,
            user=first.username if first.password is not None else None,
            password=first.password,
            user_credentials=None if credentials is None else str(credentials),
            max_reconnect_attempts=-1,
            reconnect_time_wait=AGAIN_S,
            pending_size=PENDING_BYTES,
            disconnected_cb=lost,
            reconnected_cb=back,
            error_cb=failed,
        )
    except (_GivenUp, nats.errors.Error, OSError, ValueError) as exc:
        why = exc.__cause__ if isinstance(exc, _GivenUp) else exc
        raise BrokerUnavailable(f"broker: want a connection of {name}, got: {why}") from exc
    is_made.set()
    return client


def urls(text: str) -> list[str]:
    """Return the addresses of servers, given with commas between.

    Examples
    --------
    >>> urls("nats://a:4222, nats://b:4222")
    ['nats://a:4222', 'nats://b:4222']
    """
    return [url for part in text.split(",") if (url := part.strip())]
