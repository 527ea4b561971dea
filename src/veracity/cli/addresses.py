"""Where servers listen and where readers find them, as options give them."""

import click


def host_and_port(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, int] | None:
    """Return ``HOST:PORT`` in its two parts; an IPv6 host may be in brackets."""
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    is_whole = host.startswith("[") == host.endswith("]") and host not in ("", "[]")
    if not colon or not is_whole or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise click.BadParameter(f"want HOST:PORT, such as 0.0.0.0:1883, got {text[:80]!r}")
    return host.strip("[]"), int(port)


def public_url(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Return the URL that readers write, if it is one."""
    if text is None:
        return None
    from veracity.server.settings_file import PUBLIC_URL  # with all that serves: few commands need it

    if not PUBLIC_URL.fullmatch(text):
        raise click.BadParameter(f"want https://HOST without a slash at its end, got {text[:80]!r}")
    return text
