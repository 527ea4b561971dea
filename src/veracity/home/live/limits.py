"""What a city's feeds take live, as the operator has set it down: ``DIR/live.yaml``.

::

    default: {max_bytes: 65536}
    feeds:
      air-quality:
        max_records: 100
        device: {per_second: 2, burst: 20}
        feed: {per_second: 5000, burst: 20000}

What is left out is as in ``Limits``. The file is read when a worker starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from veracity.data.plain_yaml import parse_yaml
from veracity.home.errors import HomeUnusable, MalformedLimits
from veracity.home.live.rates import Rate
from veracity.provenance.messages import MAX_MESSAGE_BYTES
from veracity.provenance.statements.statement import FEED_NAME

MAX_BYTES = 262_144  #: of the file
_MOST_RECORDS = 16_384
_MOST = 10_000_000


@dataclass(frozen=True)
class Limits:
    """What a feed takes in one message, of one device, and of all together."""

    max_bytes: int = MAX_MESSAGE_BYTES
    max_records: int = _MOST_RECORDS
    device: Rate = field(default=Rate(200.0, 2_000))
    feed: Rate = field(default=Rate(100_000.0, 1_000_000))


@dataclass(frozen=True)
class LimitsByFeed:
    """The limits of each feed: its own, or those of all."""

    default: Limits = field(default_factory=Limits)
    feeds: Mapping[str, Limits] = field(default_factory=dict)

    def of(self, feed: str) -> Limits:
        """Return what a feed takes."""
        return self.feeds.get(feed, self.default)


def read_limits(root: Path) -> LimitsByFeed:
    """Read a home's ``live.yaml``; the defaults where there is none.

    Raises
    ------
    MalformedLimits
        Naming the setting that is not what it should be.
    HomeUnusable
        If it cannot be read.
    """
    path = root / "live.yaml"
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return LimitsByFeed()
    except OSError as exc:
        raise HomeUnusable(f"live.yaml: want to read {path}, got {exc.strerror}") from exc
    return parse_limits(text)


def parse_limits(text: bytes) -> LimitsByFeed:
    """Parse the file's bytes; MalformedLimits if they say anything else than that."""
    document = parse_yaml(text, "live.yaml", MAX_BYTES, MalformedLimits) if text.strip() else {}
    _only(document, "live.yaml", ("default", "feeds"))
    default = _limits(document.get("default", {}), "default", Limits())
    feeds = _mapping(document.get("feeds", {}), "feeds")
    for name in feeds:
        if not isinstance(name, str) or not FEED_NAME.fullmatch(name):
            raise MalformedLimits(f"live.yaml: feeds: want names of feeds, got {str(name)[:40]!r}")
    return LimitsByFeed(default, {n: _limits(f, f"feeds.{n}", default) for n, f in feeds.items()})


def _limits(value: object, where: str, base: Limits) -> Limits:
    settings = _mapping(value, where)
    _only(settings, where, ("max_bytes", "max_records", "device", "feed"))
    bounds = {"max_bytes": MAX_MESSAGE_BYTES, "max_records": _MOST_RECORDS}
    changed: dict[str, Any] = {
        name: int(_number(settings[name], f"{where}.{name}", 1, most))
        for name, most in bounds.items()
        if name in settings
    }
    for name in ("device", "feed"):
        if name in settings:
            changed[name] = _rate(settings[name], f"{where}.{name}")
    return replace(base, **changed)


def _rate(value: object, where: str) -> Rate:
    settings = _mapping(value, where)
    _only(settings, where, ("per_second", "burst"))
    if settings.keys() != {"per_second", "burst"}:
        raise MalformedLimits(f"live.yaml: {where}: want per_second and burst, got {sorted(settings)}")
    per_s = _number(settings["per_second"], f"{where}.per_second", 0.0001, _MOST)
    return Rate(per_s, int(_number(settings["burst"], f"{where}.burst", 1, _MOST)))


def _number(value: object, where: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise MalformedLimits(f"live.yaml: {where}: want {least:g} to {most:g}, got {str(value)[:40]!r}")
    return float(value)


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedLimits(f"live.yaml: {where}: want a mapping, got {type(value).__name__}")
    return value


def _only(settings: Mapping[str, Any], where: str, names: tuple[str, ...]) -> None:
    if unknown := settings.keys() - set(names):
        other = sorted(map(str, unknown))[0][:40]
        raise MalformedLimits(f"live.yaml: {where}: want {', '.join(names)}, got {other!r}")
