"""HTML built so that text from outside can only ever be text.

``tag`` escapes every child that is not ``Html`` already, and every attribute. What would be
obeyed rather than shown (control characters, marks that turn text around, halves of surrogate
pairs) is written as its code.
"""

import html
import re
from collections.abc import Iterable, Sequence

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_VOID = {"meta", "br", "hr"}


class Html(str):
    """Text that is HTML. Only this module makes it out of other text."""

    __slots__ = ()


Child = Html | str | None


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Html:
    """Return an element. ``class_`` stands for ``class``, ``aria_label`` for ``aria-label``.

    Examples
    --------
    >>> print(tag("p", "1 < 2", tag("br"), class_="x"))
    <p class="x">1 &lt; 2<br></p>
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Html:
    """Return children one after the other, each escaped unless it is HTML."""
    return Html("".join(c if isinstance(c, Html) else _escaped(c) for c in children if c is not None))


def trusted(text: str) -> Html:
    """Take text that this package wrote, such as its style sheet, as HTML."""
    return Html(text)


def shown(text: str, most: int = 80) -> str:
    r"""Return outside text as a person should see it: no unseen characters, at most ``most`` long.

    Examples
    --------
    >>> shown("a\x1bb" + "c" * 9, 9)
    'a\\u001bb…'
    """
    cut = text[: most + 1]
    clear = _UNSEEN.sub(lambda m: f"\\u{ord(m.group()):04x}", cut)
    if len(clear) <= most and len(cut) == len(text):
        return clear
    whole = clear[: most - 1]
    return re.sub(r"\\(u[0-9a-f]{0,3})?$", "", whole) + "…"


def fitting(parts: Sequence[Html], most_bytes: int) -> list[Html]:
    """Return the first parts, as many as take no more than ``most_bytes`` in UTF-8."""
    kept: list[Html] = []
    left = most_bytes
    for part in parts:
        left -= len(part.encode())
        if left < 0:
            break
        kept.append(part)
    return kept


def _escaped(text: str) -> str:
    clear = _UNSEEN.sub(lambda m: m.group() if m.group() == "\n" else f"\\u{ord(m.group()):04x}", text)
    return html.escape(clear, quote=True)
