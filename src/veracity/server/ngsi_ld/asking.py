"""What NGSI-LD's reads are asked with: the parameters, parsed and bounded. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from veracity.errors import Malformed
from veracity.home.clock import parse_time
from veracity.server.ngsi_ld.entities import Form
from veracity.server.ngsi_ld.errors import BadRequestData
from veracity.server.ngsi_ld.geo_query import GeoQuery, parse_geo
from veracity.server.ngsi_ld.q_query import Query, checked_pattern, parse_q

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 20
MAX_OFFSET = 1_000_000
MAX_NAMES = 200
_FORMS: dict[str, Form] = {
    "keyValues": "keyValues",
    "simplified": "keyValues",
    "concise": "concise",
    "normalized": "normalized",
}
_OPTIONS = {*_FORMS, "sysAttrs", "temporalValues"}
_TYPES = re.compile(r"[,|]")


@dataclass(frozen=True)
class Selection:
    """Which entities are wanted. None where something is not asked."""

    identifiers: frozenset[str] | None
    types: frozenset[str] | None
    pattern: str | None
    attributes: tuple[str, ...] | None
    query: Query | None
    geo: GeoQuery | None

    def names(self, name: str) -> bool:
        """Whether an identifier is among those asked for."""
        return self.identifiers is None or name in self.identifiers


@dataclass(frozen=True)
class Representation:
    """In which form entities are wanted."""

    form: Form
    with_times: bool
    as_values: bool


@dataclass(frozen=True)
class Page:
    """Which of them."""

    limit: int
    offset: int
    with_count: bool


def parse_selection(
    *,
    id: str | None = None,  # noqa: A002 - the parameter's name
    type: str | None = None,  # noqa: A002
    id_pattern: str | None = None,
    attrs: str | None = None,
    q: str | None = None,
    georel: str | None = None,
    geometry: str | None = None,
    coordinates: str | None = None,
    geoproperty: str | None = None,
) -> Selection:
    """Read which entities are wanted; ``BadRequestData`` if that is malformed, or nothing narrows it."""
    if not any((id, type, id_pattern, attrs, q, georel)):
        raise BadRequestData("query: want at least one of type, id, idPattern, attrs, q, georel, got none")
    if georel is None and (geometry or coordinates or geoproperty):
        raise BadRequestData("georel: want one with geometry and coordinates, got none")
    if geoproperty not in (None, "location"):
        raise BadRequestData(f"geoproperty: want location, got {geoproperty[:60]!r}")
    return Selection(
        identifiers=None if id is None else frozenset(names("id", id)),
        types=None if type is None or type == "*" else frozenset(names("type", type, _TYPES)),
        pattern=None if id_pattern is None else checked_pattern("idPattern", id_pattern),
        attributes=None if attrs is None else tuple(names("attrs", attrs)),
        query=None if q is None else parse_q(q),
        geo=None if georel is None else parse_geo(georel, geometry, coordinates),
    )


def parse_representation(options: str | None, form: str | None) -> Representation:
    """Read ``options`` and ``format``."""
    said = [] if not options else names("options", options)
    unknown = sorted(set(said) - _OPTIONS)
    if unknown:
        raise BadRequestData(f"options: want {', '.join(sorted(_OPTIONS))}, got {unknown[0][:60]!r}")
    if form is not None and form not in (*_FORMS, "temporalValues"):
        raise BadRequestData(f"format: want {', '.join(_FORMS)}, got {form[:60]!r}")
    asked = [*said, *([form] if form else [])]
    forms = [_FORMS[s] for s in asked if s in _FORMS]
    if len(set(forms)) > 1:
        raise BadRequestData("options: want one form, got several")
    return Representation(forms[0] if forms else "normalized", "sysAttrs" in said, "temporalValues" in asked)


def asked_page(limit: int, offset: int, *, with_count: bool) -> Page:
    """Return the page asked for; ``BadRequestData`` if it shows nothing and counts nothing."""
    if limit == 0 and not with_count:
        raise BadRequestData("limit: want 1 or more without count=true, got 0")
    return Page(limit, offset, with_count)


def parse_as_of(text: str | None) -> datetime | None:
    """Read ``asOf``: our own parameter, as known at a time."""
    return None if text is None else parse_instant("asOf", text)


def parse_instant(where: str, text: str) -> datetime:
    """Read a time; ``BadRequestData`` if it is none."""
    try:
        return parse_time(where, text[:60])
    except Malformed as exc:
        raise BadRequestData(str(exc)) from exc


def names(where: str, text: str, separator: re.Pattern[str] | None = None) -> list[str]:
    """Return what a list separated by commas names; ``BadRequestData`` if it is empty or too long."""
    found = [name.strip() for name in (separator.split(text) if separator else text.split(","))]
    if not all(found) or len(found) > MAX_NAMES or len(text) > 20_000:
        raise BadRequestData(f"{where}: want 1 to {MAX_NAMES} names separated by commas, got {text[:40]!r}")
    return found
