"""How a city is served, as its operator has set it down: ``server.yaml`` in the home.

::

    public_url: https://data.example.org       # where readers find it
    open: false                                # reading needs an account; true if left out
    origins: [https://app.example.org]         # other sites whose pages may write with a token
    page_origins: [https://tiles.example.org]  # from which our own pages may load maps and pictures
    base_map: {tiles: "https://tiles.example.org/{z}/{x}/{y}.png", attribution: A mapper, max_zoom: 19}
    fronts: [10.0.0.7, 10.1.0.0/16]            # whose X-Forwarded-For and -Proto count
    limits:                                    # requests
      network: {per_second: 500, burst: 5000}
      account: {per_second: 200, burst: 2000}
      writes: {per_second: 20, burst: 200}
      wrong: {per_second: 0.1, burst: 50}
      sign_ins: {per_second: 0.5, burst: 60}
    connections: {all: 4096, per_address: 64, wait_s: 30}
    seal_after_s: 30                           # how long writes wait for the log

What is left out is as in ``ServerSettings``. ``veracity serve`` and ``veracity up`` read it when they start.
Who people sign in with is in ``sign-in.yaml``.
"""

import ipaddress
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from veracity.data.plain_yaml import parse_yaml
from veracity.home.live.rates import Rate
from veracity.provenance.fields import Fields
from veracity.server import running
from veracity.server.accounts.pace import Limits
from veracity.server.base_map import read_base_map
from veracity.server.errors import MalformedSettings
from veracity.server.settings import ServerSettings

FILE = "server.yaml"
MAX_BYTES = 65_536
MAX_ITEMS = 64
PUBLIC_URL = re.compile(r"https?://[^\s/]+(/[^\s]*[^\s/])?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_MOST = 1e9


@dataclass(frozen=True)
class Served:
    """What the file says: of the application, and of the connections to it."""

    settings: ServerSettings
    connections: running.Limits = field(default=running.PUBLIC)


def read_settings(home: Path, **given: Any) -> Served:
    """Read a home's settings; ``given`` are attributes of ``ServerSettings`` that count more, None for none.

    Raises
    ------
    MalformedSettings
        Naming the setting that is not what it should be.
    """
    try:
        with (home / FILE).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        text = b""
    except OSError as exc:
        raise MalformedSettings(f"{FILE}: want a file that can be read, got {exc.strerror}") from exc
    served = parse_settings(text, home)
    counts = {name: value for name, value in given.items() if value is not None}
    return replace(served, settings=replace(served.settings, **counts))


def parse_settings(text: bytes, home: Path) -> Served:
    """Parse the file's bytes; errors as ``read_settings``."""
    document = parse_yaml(text, FILE, MAX_BYTES, MalformedSettings) if text.strip() else {}
    fields = Fields(document, FILE, MalformedSettings)
    settings = ServerSettings(home)
    if "public_url" in fields:
        settings = replace(settings, public_url=fields.matching("public_url", PUBLIC_URL, _URL))
    if "open" in fields:
        settings = replace(settings, is_open=fields.flag("open"))
    if "limits" in fields:
        settings = replace(settings, limits=_limits(fields.object("limits")))
    if "seal_after_s" in fields:
        settings = replace(settings, seal_after_s=_number(fields, "seal_after_s", 0.05, 3_600))
    settings = replace(
        settings,
        origins=_origins(fields, "origins"),
        page_origins=_origins(fields, "page_origins"),
        fronts=_fronts(fields),
    )
    if "base_map" in fields:
        settings = replace(settings, base_map=read_base_map(fields.object("base_map")))
    connections = running.PUBLIC
    if "connections" in fields:
        connections = _connections(fields.object("connections"))
    fields.done()
    return Served(settings, connections)


_URL = "https://HOST without a slash at its end"


def _limits(fields: Fields) -> Limits:
    limits = Limits()
    for name in ("network", "account", "writes", "wrong", "sign_ins"):
        if name in fields:
            limits = replace(limits, **{name: _rate(fields.object(name))})
    fields.done()
    return limits


def _rate(fields: Fields) -> Rate:
    rate = Rate(_number(fields, "per_second", 0.0001, _MOST), int(_number(fields, "burst", 1, _MOST)))
    fields.done()
    return rate


def _connections(fields: Fields) -> running.Limits:
    limits = running.PUBLIC
    for name, attribute in (("all", "connections"), ("per_address", "per_address")):
        if name in fields:
            limits = replace(limits, **{attribute: int(_number(fields, name, 1, 60_000))})
    if "wait_s" in fields:
        limits = replace(limits, wait_s=_number(fields, "wait_s", 0, 50))
    fields.done()
    return limits


def _origins(fields: Fields, name: str) -> tuple[str, ...]:
    """Return origins as browsers write them: they end up in headers."""
    given = fields.items(name, MAX_ITEMS) if name in fields else []
    for origin in given:
        if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
            raise fields.fail(name, "origins such as https://app.example.org", origin)
    return tuple(given)


def _fronts(fields: Fields) -> tuple[str, ...]:
    given = fields.items("fronts", MAX_ITEMS) if "fronts" in fields else []
    for front in given:
        try:
            network = ipaddress.ip_network(front if isinstance(front, str) else "")
        except ValueError as exc:
            raise fields.fail("fronts", "addresses, or networks such as 10.1.0.0/16", front) from exc
        if network.prefixlen == 0:
            raise fields.fail("fronts", "addresses of your own, not everybody's", front)
    return tuple(given)


def _number(fields: Fields, name: str, least: float, most: float) -> float:
    value = fields.take(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise fields.fail(name, f"{least:g} to {most:g}", value)
    return float(value)
