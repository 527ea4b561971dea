"""What a person sees whose signing in came to nothing: a page that says why in plain words, and what to do.

Programs that ask the same addresses get the one error body (RFC 9457) as everywhere.
"""

import logging
from collections.abc import Callable, Coroutine
from html import escape
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.accounts.errors import (
    AccountError,
    NoSignIn,
    ProviderUnreachable,
    SignInLost,
    SignInRefused,
)
from veracity.server.answers import PRIVATE
from veracity.server.negotiation import asked_language, asks_for_page
from veracity.server.problems import status_of

_LOGGER = logging.getLogger(__name__)

#: by language: title, what each kind of error means, the two links. The last two await a native reader.
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "You are not signed in",
        NoSignIn.code: "This city has no provider to sign in with. Ask the city for a token.",
        SignInLost.code: "This sign-in did not begin in this browser, took too long, or was used already.",
        SignInRefused.code: "The provider did not say who you are, or you have no role in this city."
        " Ask the city's administrators if you should have one.",
        ProviderUnreachable.code: "The provider that you sign in with does not answer now."
        " Try again in a minute.",
        "other": "Signing in came to nothing.",
        "again": "Sign in again",
        "home": "Go on without signing in",
    },
    "vi": {
        "title": "Bạn chưa đăng nhập",
        NoSignIn.code: "Thành phố này không có nhà cung cấp đăng nhập. Hãy xin thành phố một mã truy cập.",
        SignInLost.code: "Lần đăng nhập này không bắt đầu trong trình duyệt này, đã quá lâu"
        " hoặc đã được dùng.",
        SignInRefused.code: "Nhà cung cấp không cho biết bạn là ai, hoặc bạn không có vai trò"
        " trong thành phố này. Hãy hỏi quản trị viên của thành phố nếu bạn cần có.",
        ProviderUnreachable.code: "Nhà cung cấp đăng nhập hiện không trả lời. Hãy thử lại sau một phút.",
        "other": "Đăng nhập không thành công.",
        "again": "Đăng nhập lại",
        "home": "Tiếp tục mà không đăng nhập",
    },
    "id": {
        "title": "Anda belum masuk",
        NoSignIn.code: "Kota ini tidak memiliki penyedia untuk masuk. Mintalah token kepada kota.",
        SignInLost.code: "Proses masuk ini tidak dimulai di peramban ini, terlalu lama, atau sudah dipakai.",
        SignInRefused.code: "Penyedia tidak menyatakan siapa Anda, atau Anda tidak memiliki peran"
        " di kota ini. Tanyakan kepada administrator kota bila seharusnya ada.",
        ProviderUnreachable.code: "Penyedia untuk masuk sedang tidak menjawab. Coba lagi sebentar lagi.",
        "other": "Proses masuk tidak berhasil.",
        "again": "Masuk lagi",
        "home": "Lanjutkan tanpa masuk",
    },
}

PAGE: dict[str, Any] = {"schema": {"type": "string"}}  #: as OpenAPI tells it


class SignInRoute(APIRoute):
    """A route of signing in: what fails is a page to who asks for one, and else left to the application."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler whose errors people can read."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except AccountError as exc:
                if not asks_for_page(request.headers.get("accept")):
                    raise
                _LOGGER.info("%s: %s", exc.code, exc)
                return refused_page(exc, asked_language(request.headers.get("accept-language"), _WORDS))

        return handler


def refused_page(error: AccountError, language: str) -> Response:
    """Return the page; nothing that a client sent is in it, and nothing of the error but its code."""
    words = _WORDS[language]
    why = words.get(error.code, words["other"])
    again = "" if isinstance(error, NoSignIn) else f'<p><a href="/api/v1/sign-in">{words["again"]}</a></p>\n'
    page = f"""<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(words["title"])}</title>
<h1>{escape(words["title"])}</h1>
<p>{escape(why)}</p>
{again}<p><a href="/">{escape(words["home"])}</a></p>
<p><small><code>{escape(error.code)}</code></small></p>
</html>
"""
    headers = {"Cache-Control": PRIVATE, "Vary": "Accept, Accept-Language", "Content-Language": language}
    return Response(page, status_of(error), headers, media_type="text/html")
