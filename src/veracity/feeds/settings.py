"""What is said of every source, and how addresses and durations are written."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from veracity.feeds.errors import BadSource
from veracity.provenance.fields import Fields

_FEED = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_DURATION = re.compile(r"([1-9][0-9]{0,6}) ?(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_MAX_URL = 2_048


@dataclass(frozen=True)
class Common:
    """What every source has: its name (the device of its messages), its feed, how often it is asked."""

    name: str
    feed: str
    every_s: float


def read_common(config: Fields, *, feed: str | None = None, every_s: float | None = None) -> Common:
    """Take ``name``, ``feed`` and ``every``; with a default, the last two may be left out."""
    name = config.matching("name", _NAME, "a name of letters, digits, - and _")
    if feed is None or "feed" in config:
        feed = config.matching("feed", _FEED, "the name of a feed, such as air-quality")
    if every_s is None or "every" in config:
        every_s = read_duration_s(config, "every")
    return Common(name, feed, float(every_s))


def read_duration_s(config: Fields, name: str, default_s: float | None = None) -> float:
    """Take a duration such as ``30 s``, ``15 min``, ``6 h`` or ``1 d``, in seconds."""
    if default_s is not None and name not in config:
        return default_s
    text = config.matching(name, _DURATION, "a duration such as 15 min")
    found = _DURATION.fullmatch(text)
    assert found is not None
    return float(found[1]) * _SECONDS[found[2]]


def read_url(config: Fields, name: str = "url") -> str:
    """Take the address of a document, as it is."""
    url = config.text(name, _MAX_URL)
    check_url(url, BadSource)
    return url


def read_base_url(config: Fields, name: str = "url") -> str:
    """Take what other addresses begin with, without the slash at its end."""
    return read_url(config, name).rstrip("/")


def read_count(config: Fields, name: str, default: int, *, low: int = 1, high: int) -> int:
    """Take a whole number from ``low`` to ``high``; it may be left out."""
    if name not in config:
        return default
    value = config.count(name, low)
    if value > high:
        raise config.fail(name, f"a whole number from {low} to {high}", value)
    return value


def check_url(url: str, error: type[Exception]) -> None:
    """Raise unless ``url`` is an http or https address of a host, without a login in it."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise error(f"address: want http:// or https:// and a host, without login, got {shown_url(url)!r}")


def join_url(url: str, link: str, error: type[Exception]) -> str:
    """Return where a link on a page leads; raise for one that is no address at all."""
    try:
        return urljoin(url, link)
    except ValueError as exc:
        raise error(f"link: want an address, got {shown_url(link)!r}") from exc


def shown_url(url: str) -> str:
    """Return an address without its query, which may hold a key, for people."""
    return url.partition("?")[0][:200]
