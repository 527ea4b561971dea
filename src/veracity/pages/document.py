"""A whole page of HTML: no script, nothing to load, style inside, readable in light and dark."""

from collections.abc import Collection

from veracity.pages.html import Html, joined, tag, trusted
from veracity.pages.style import STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def document(title: str, *body: Html | None, style: str = "", lang: str = "en") -> bytes:
    """Return a page in UTF-8; ``style`` is added to that of all pages."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", title),
        tag("style", trusted(STYLE + style)),
    )
    page = tag("html", head, tag("body", tag("main", *body)), lang=lang)
    return joined([trusted("<!DOCTYPE html>\n"), page, "\n"]).encode()


def rows_table(
    caption: str, heads: tuple[str, ...], rows: list[tuple[Html | str, ...]], words: Collection[int] = (0,)
) -> Html:
    """Return a table; the columns ``words`` are text, the others numbers, set to the right."""
    side = [None if i in words else "num" for i in range(len(heads))]
    top = tag("tr", *(tag("th", h, scope="col", class_=c) for h, c in zip(heads, side, strict=True)))
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell, class_=c) for cell, c in zip(row[1:], side[1:], strict=True)),
        )
        for row in rows
    ]
    table = tag("table", tag("caption", caption), tag("thead", top), tag("tbody", *body))
    return tag("div", table, class_="wide", tabindex="0", role="region", aria_label=caption)
