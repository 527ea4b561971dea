"""A page that has its scripts and styles inside: what it may run, named by the digests of just those.

Such a page is made to be kept as a file. Served by us it needs a policy of its own: ours allows files alone.
"""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

_INLINE = ("script", "style")


def inline_policy(page: bytes) -> str | None:
    """Return the ``Content-Security-Policy`` of a page that is whole by itself; None for one that is not.

    Its own scripts and styles run and nothing else; it may load pictures that are inside, and ask nobody.

    Examples
    --------
    >>> inline_policy(b"<script src='a.js'></script>") is None
    True
    """
    found = _Inline()
    found.feed(page.decode("utf-8", "replace"))
    found.close()
    if not found.texts["script"]:
        return None
    allowed = {
        name: " ".join(_named(text) for text in texts) or "'none'" for name, texts in found.texts.items()
    }
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {allowed['script']}",
            f"style-src {allowed['style']}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


class _Inline(HTMLParser):
    """Collects the texts of scripts and styles that are in a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: dict[str, list[str]] = {name: [] for name in _INLINE}
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a text, unless it is a file's."""
        self._inside = tag if tag in _INLINE and "src" not in dict(attrs) else None
        if self._inside is not None:
            self.texts[self._inside].append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the signature of the library
        """End it."""
        self._inside = None

    def handle_data(self, data: str) -> None:
        """Take a piece of it, as it stands."""
        if self._inside is not None:
            self.texts[self._inside][-1] += data


def _named(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
