"""An answer for a bug of ours, made where it still gets the headers of every other answer."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.problems import problem

_CLOSE = {"Connection": "close"}


class AnsweredBugs:
    """Answers 500 where no answer was begun, and raises the error again: who runs the server prints it.

    With that the server closes the connection, so the answer says so: else the next request on it is lost.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        is_begun = False

        async def sent(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as exc:
            if not is_begun and scope["type"] == "http":
                bug = problem(500, "bug", f"a bug in veracity: {type(exc).__name__}", _CLOSE)
                await bug(scope, receive, send)
            raise
