"""Publishing what is to be durable: acknowledged when the broker has it, refused when it is full."""

import asyncio

import nats.errors
import nats.js.errors
from nats.aio.client import Client

from veracity.live.errors import BrokerFull, BrokerUnavailable
from veracity.live.subjects import DOCUMENT_HEADER, subject_of

ACK_S = 10.0
MAX_IN_FLIGHT = 1_024
_FULL = {10_077, 10_047, 10_023}  # of the stream, of the account's storage, of the server's


class Publisher:
    """Publishes to the stream ``FEEDS``. Many may publish at once; each waits for its own acknowledgement."""

    def __init__(self, client: Client, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self._js = client.jetstream(timeout=ACK_S)
        self._places = asyncio.Semaphore(max_in_flight)

    async def publish(
        self,
        feed: str,
        device: str,
        payload: bytes,
        document: str | None = None,
        *,
        wants_receipt: bool = False,
    ) -> None:
        """Publish one message and return when it is durable.

        Parameters
        ----------
        document
            SHA-256 of the document that a source made the records from.
        wants_receipt
            Whether to say on ``receipt/<feed>/<device>`` what became of it.

        Raises
        ------
        BrokerFull
            If the broker has no room. Nothing was kept; the message may be published again.
        BrokerUnavailable
            If it did not answer in time. It may have kept the message: again is safe, too, since what comes
            twice is recognised by its content.
        """
        subject = subject_of(feed, device) + (".receipt" if wants_receipt else "")
        headers = None if document is None else {DOCUMENT_HEADER: document}
        async with self._places:
            try:
                await self._js.publish(subject, payload, headers=headers)
            except nats.js.errors.APIError as exc:
                if exc.err_code in _FULL:
                    raise BrokerFull(
                        f"broker: want room for a message of {feed}, got: {exc.description}"
                    ) from exc
                raise BrokerUnavailable(
                    f"broker: want a message of {feed} kept, got: {exc.description}"
                ) from exc
            except (nats.errors.Error, OSError) as exc:
                raise BrokerUnavailable(f"broker: want a message of {feed} acknowledged, got: {exc}") from exc
