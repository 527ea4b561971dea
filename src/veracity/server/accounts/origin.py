"""Where a request comes from, as browsers say it: our own pages, or another site's."""

from starlette.requests import Request

from veracity.server.settings import ServerSettings

_PORTS = {"http": ":80", "https": ":443"}


def own_origin(request: Request, settings: ServerSettings) -> str:
    """Return the origin of our own pages: scheme, host and port."""
    if settings.public_url is not None:
        scheme, _, rest = settings.public_url.partition("://")
        return plain_origin(f"{scheme}://{rest.partition('/')[0]}")
    return plain_origin(f"{request.scope['scheme']}://{request.headers.get('host', '')}")


def plain_origin(origin: str) -> str:
    """Return an origin as browsers write it: in small letters, without the usual port.

    Examples
    --------
    >>> plain_origin("HTTPS://City.example:443")
    'https://city.example'
    """
    origin = origin.lower()
    return origin.removesuffix(_PORTS.get(origin.partition("://")[0], "\0"))


def is_https(request: Request, settings: ServerSettings) -> bool:
    """Say whether readers come over TLS, here or at the front before us."""
    return own_origin(request, settings).startswith("https://")


def is_ours(request: Request, settings: ServerSettings) -> bool:
    """Say whether a browser swears that a page of ours sent this: no other can make it say so."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    return (
        origin is not None
        and plain_origin(origin) == own_origin(request, settings)
        and site in (None, "same-origin")
    )
