"""Which form of a graph a reader wants: JSON-LD or Turtle, by the address's ending or by ``Accept``."""

JSONLD = "application/ld+json"
TURTLE = "text/turtle"
_FORMS = {
    JSONLD: JSONLD,
    "application/json": JSONLD,
    TURTLE: TURTLE,
    "application/x-turtle": TURTLE,
    "text/*": TURTLE,
    "application/*": JSONLD,
    "*/*": JSONLD,
}


def wanted_form(accept: str | None) -> str | None:
    """Return the media type that suits best (RFC 9110, section 12.5.1); None if neither does.

    Examples
    --------
    >>> [wanted_form(a) for a in (None, "text/turtle", "text/html", "text/turtle;q=0.5, application/ld+json")]
    ['application/ld+json', 'text/turtle', None, 'application/ld+json']
    """
    if not accept:
        return JSONLD
    best: tuple[float, int, str | None] = (0.0, 0, None)
    for part in accept[:1000].split(","):
        kind, *parameters = (p.strip().lower() for p in part.split(";"))
        form = _FORMS.get(kind)
        if form is None:
            continue
        weight = next((_weight(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
        best = max(best, (weight, 2 - kind.count("*"), form), key=lambda b: b[:2])
    return best[2]


def _weight(text: str) -> float:
    try:
        weight = float(text[:8])
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
