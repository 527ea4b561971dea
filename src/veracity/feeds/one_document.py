"""A source that is one document at one address, asked for again and again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from veracity.feeds.http_polling import Http
from veracity.feeds.known import Known
from veracity.feeds.polled import Polled
from veracity.feeds.rows import MAX_ROWS, as_object
from veracity.feeds.settings import Common
from veracity.feeds.source import Fetched


class OneDocument:
    """Gives the rows of a document that were not in the one before.

    Parameters
    ----------
    render
        Turns the document into rows; raises MalformedDocument alone.
    media_type
        What the document is if the server does not say.
    ignoring
        Names that do not make a row another one.
    """

    def __init__(
        self,
        common: Common,
        http: Http,
        url: str,
        headers: Mapping[str, str],
        render: Callable[[bytes], list[bytes]],
        media_type: str,
        ignoring: Collection[str] = (),
    ) -> None:
        self.name, self.feed, self.every_s = common.name, common.feed, common.every_s
        self._url, self._headers = url, headers
        self._render, self._media_type = render, media_type
        self._polled = Polled(http)
        self._known = Known(MAX_ROWS, ignoring)

    @property
    def memory(self) -> Mapping[str, Any]:
        """The document of the last time: how the server named it, and its rows."""
        return {"document": self._polled.memory, "known": self._known.memory}

    @memory.setter
    def memory(self, value: Mapping[str, Any]) -> None:
        self._polled.memory = dict(as_object(value.get("document")))
        self._known.memory = value.get("known")

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Ask once; errors as ``Source.fetch`` says."""
        answer = self._polled.ask(self._url, now, self._headers)
        if answer is None:
            return []
        rows = self._render(answer.body)
        new = self._known.new(rows)
        self._known.replace(rows)
        self._polled.keep(self._url, answer)
        return [Fetched(answer.body, answer.media_type or self._media_type, new)] if new else []
