"""What a client of HTTP asks for besides a path: a page, a language, a coding, only what it has not yet."""

from collections.abc import Collection
from hashlib import sha256


def strong_etag(body: bytes) -> str:
    """Return the entity tag of exactly these bytes."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Say whether the client has the body of ``etag`` already (RFC 9110, section 13.1.2).

    Examples
    --------
    >>> is_known('"a", W/"b"', '"b"')
    True
    """
    if if_none_match is None:
        return False
    tags = [tag.strip() for tag in if_none_match.split(",")]
    return "*" in tags or etag in {tag.removeprefix("W/") for tag in tags}


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Say whether the client takes gzip (RFC 9110, section 12.5.3).

    Examples
    --------
    >>> [accepts_gzip(x) for x in ("gzip, identity", "gzip;q=0, *", "br", "*")]
    [True, False, False, True]
    """
    weights = {}
    for part in (accept_encoding or "").split(","):
        coding, _, parameter = part.partition(";")
        weights[coding.strip().lower()] = _weight(parameter)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def asks_for_page(accept: str | None) -> bool:
    """Say whether it is a person's browser that asks: one that names HTML (RFC 9110, section 12.5.1).

    Examples
    --------
    >>> [asks_for_page(x) for x in ("text/html, */*;q=0.8", "*/*", "text/html;q=0", None)]
    [True, False, False, False]
    """
    parts = (part.partition(";") for part in (accept or "")[:1_000].split(","))
    return any(kind.strip().lower() == "text/html" and _weight(more) > 0 for kind, _, more in parts)


def asked_language(accept_language: str | None, known: Collection[str]) -> str:
    """Return the language that a person would rather read, of those known; English without one of them.

    Examples
    --------
    >>> asked_language("fr, vi-VN;q=0.9, en;q=0.1", ("en", "vi"))
    'vi'
    """
    found = [(0.0, "en")]
    for part in (accept_language or "")[:1_000].split(","):
        name, _, more = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in known:
            found.append((_weight(more), language))
    return max(found, key=lambda one: one[0])[1]


def _weight(parameter: str) -> float:
    name, _, value = parameter.replace(" ", "").partition("=")
    if name.lower() != "q":
        return 1.0
    try:
        return float(value[:8])
    except ValueError:
        return 0.0
