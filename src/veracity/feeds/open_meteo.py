"""Open-Meteo: weather, air quality and river discharge of many places, asked without a key.

*Current* values are of one time, which the answer gives; each time is published once for a place, as it
was first said. *Forecasts* are arrays of times ahead (and days behind, for rivers), said anew at each
asking and revised. Open-Meteo does not say when its models ran, so a row says when it was *retrieved* and
how far ahead of that hour or day it looks, its *lead*: the same hour is in the table once for each time
that something else was said of it. What is said again unchanged is not published again.

So the time of retrieval is the event time, never in the future, and place and lead tell the series apart;
``valid_at`` or ``valid_on`` is what the value is about, and ``kind`` says whether that was still to come.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from veracity.canonical import canonical_json
from veracity.feeds.errors import BadSource, MalformedDocument
from veracity.feeds.http_polling import Http, read_http
from veracity.feeds.open_meteo_products import DA_NANG, DA_NANG_RIVERS, PRODUCTS, Place, Product
from veracity.feeds.settings import Common, read_common, read_url
from veracity.feeds.source import Fetched
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

MAX_BYTES = 8_388_608
MAX_PLACES = 100
MAX_TIMES = 20_000
_PLACE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FAR = 0.5  # degrees: an answer further off is about somewhere else

Row = dict[str, Any]
Said = dict[str, dict[str, str]]


def render(document: bytes, product: Product, places: Sequence[Place], retrieved_at: datetime) -> list[Row]:
    """Return the rows in an answer, in the order of the places and their times. Pure.

    A row has the columns of the product's contract. Records are these rows as canonical JSON.

    Raises
    ------
    MalformedDocument
        If it is not such an answer: another shape, other places, other units, unequal arrays.
    """
    answer = parse_json(document, "open-meteo", MAX_BYTES, MalformedDocument)
    answers = answer if isinstance(answer, list) else [answer]
    if len(answers) != len(places):
        raise MalformedDocument(f"open-meteo: want answers for {len(places)} places, got {len(answers)}")
    return [
        row
        for place, one in zip(places, answers, strict=True)
        for row in _place_rows(Fields(one, f"open-meteo {place.name}", MalformedDocument), product, place)
        if _with_lead(row, product, retrieved_at)
    ]


def _place_rows(answer: Fields, product: Product, place: Place) -> Iterator[Row]:
    """Yield the rows of one place, whose own times are in ``_time``."""
    latitude, longitude = (_number(answer, name) for name in ("latitude", "longitude"))
    if latitude is None or abs(latitude - place.latitude) > _FAR:
        raise answer.fail("latitude", f"one near {place.latitude}", latitude)
    if longitude is None or abs(longitude - place.longitude) > _FAR:
        raise answer.fail("longitude", f"one near {place.longitude}", longitude)
    if answer.take("utc_offset_seconds") != 0:
        raise answer.fail("utc_offset_seconds", "times in UTC (0)", answer.take("utc_offset_seconds"))
    _check_units(answer.object(f"{product.block}_units"), product)
    block = answer.object(product.block)
    where = {"place": place.name, "latitude": latitude, "longitude": longitude}
    if product.block == "current":
        values = {v.column: _number(block, v.name) for v in product.variables}
        yield where | {"_time": _time(block, block.take("time"))} | values
        return
    times = block.items("time", MAX_TIMES)
    columns = [block.items(v.name, MAX_TIMES) for v in product.variables]
    for variable, column in zip(product.variables, columns, strict=True):
        if len(column) != len(times):
            raise block.fail(variable.name, f"an array of {len(times)}", column)
    for i, time in enumerate(times):
        cells = {
            v.column: _checked(block, v.name, c[i]) for v, c in zip(product.variables, columns, strict=True)
        }
        yield where | {"_time": _time(block, time)} | cells


def _with_lead(row: Row, product: Product, retrieved_at: datetime) -> bool:
    """Name a row's time as its feed does; tell whether it says anything."""
    time: datetime = row.pop("_time")
    says = any(row[v.column] is not None for v in product.variables)
    if product.block == "current":
        row["observed_at"] = _utc(time)
        return says
    unit = "d" if product.block == "daily" else "h"
    begin = retrieved_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begin = begin.replace(hour=0) if unit == "d" else begin
    lead = int((time - begin).total_seconds() // product.step_s)
    row["valid_on" if unit == "d" else "valid_at"] = time.date().isoformat() if unit == "d" else _utc(time)
    row[f"lead_{unit}"] = lead
    row["kind"] = "forecast" if lead > 0 else "estimate"
    row["retrieved_at"] = _utc(retrieved_at)
    return says


def _check_units(units: Fields, product: Product) -> None:
    for variable in product.variables:
        unit = unicodedata.normalize("NFKC", units.text(variable.name, 40, empty=True))
        if unit != variable.unit:
            raise units.fail(variable.name, f"the unit {variable.unit!r}", unit)


def _number(fields: Fields, name: str) -> float | None:
    return _checked(fields, name, fields.take(name))


def _checked(fields: Fields, name: str, value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise fields.fail(name, "a number or null", value)
    return value


def _time(fields: Fields, value: Any) -> datetime:
    is_time = isinstance(value, str) and (_TIME.fullmatch(value) or _DATE.fullmatch(value))
    try:
        if not is_time:
            raise ValueError(value)
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError as exc:
        raise fields.fail("time", "a time such as 2026-09-01T00:00", value) from exc


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


class OpenMeteo:
    """A ``Source`` of one product for some places. Its memory is what was said last of each time."""

    def __init__(
        self, common: Common, product: Product, places: Sequence[Place], http: Http, query: Mapping[str, str]
    ) -> None:
        self.name, self.feed, self.every_s = common.name, common.feed, common.every_s
        self.memory: dict[str, Any] = {}
        self._product, self._places, self._http = product, tuple(places), http
        self._query = dict(query)

    @property
    def url(self) -> str:
        """The address asked."""
        asked = {
            "latitude": ",".join(str(p.latitude) for p in self._places),
            "longitude": ",".join(str(p.longitude) for p in self._places),
            self._product.block: ",".join(v.name for v in self._product.variables),
            **self._product.query,
            **self._query,
        }
        return f"{self._product.url}?{urlencode(asked, safe=',')}"

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Ask once; see ``Source``."""
        answer = self._http.get(self.url, now)
        rows = render(answer.body, self._product, self._places, now)
        find_new = _later_rows if self._product.block == "current" else _other_rows
        new, said = find_new(rows, self.memory.get("said"))
        self.memory = {"said": said}
        return [Fetched(answer.body, "application/json", [canonical_json(r) for r in new])] if new else []


def _later_rows(rows: Sequence[Row], before: Any) -> tuple[list[Row], Said]:
    """Return the values of times later than the last known of their place, and what is known now."""
    known = {r["place"]: _texts(before, r["place"]) for r in rows}
    new = [r for r in rows if all(r["observed_at"] > time for time in known[r["place"]])]
    return new, {**_places(before), **known, **{r["place"]: {r["observed_at"]: ""} for r in new}}


def _other_rows(rows: Sequence[Row], before: Any) -> tuple[list[Row], Said]:
    """Return the rows that say something else of their time than was known, and what is known now.

    That is a digest for each place and time of the last answer, so it does not grow.
    """
    said: Said = {}
    for row in rows:
        said.setdefault(row["place"], {})[row.get("valid_at") or row["valid_on"]] = _digest(row)
    known = {place: _texts(before, place) for place in said}
    return [r for r in rows if known[r["place"]].get(r.get("valid_at") or r["valid_on"]) != _digest(r)], said


def _places(before: Any) -> Said:
    return {place: _texts(before, place) for place in before} if isinstance(before, dict) else {}


def _texts(before: Any, place: str) -> dict[str, str]:
    """Return what a memory says of a place; nothing where it is no such memory."""
    found = before.get(place) if isinstance(before, dict) else None
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def _digest(row: Row) -> str:
    """Return what tells one set of values from another; when it was asked is no part of it."""
    values = {name: v for name, v in row.items() if name not in ("retrieved_at", "lead_h", "lead_d", "kind")}
    return hashlib.sha256(canonical_json(values)).hexdigest()[:16]


def make(config: Fields) -> OpenMeteo:
    """Make a source: ``product``, ``places`` (those of Da Nang if absent), ``url``, ``apikey``."""
    config.choice("kind", ["open-meteo"])
    name = config.choice("product", PRODUCTS)
    product = PRODUCTS[name]
    common = read_common(config, feed=product.feed, every_s=product.every_s)
    if "url" in config:
        product = replace(product, url=read_url(config))
    places: Sequence[Place] = DA_NANG_RIVERS if name == "river" else DA_NANG
    if "places" in config:
        places = [_place(item) for item in config.objects("places", MAX_PLACES)]
        if not places or len({p.name for p in places}) < len(places):
            raise config.fail("places", "places of different names", [p.name for p in places])
    query = {"apikey": config.text("apikey", 200)} if "apikey" in config else {}
    return OpenMeteo(common, product, places, read_http(config), query)


def _place(item: Fields) -> Place:
    name = item.matching("name", _PLACE, "a name such as hai-chau")
    latitude, longitude = (_number(item, at) for at in ("latitude", "longitude"))
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise BadSource(f"places: want degrees of latitude and longitude for {name}, got others")
    item.done()
    return Place(name, latitude, longitude)


def built_in() -> list[OpenMeteo]:
    """Return the sources of Da Nang: current weather and air, their forecasts, and the rivers."""
    return [
        make(Fields({"kind": "open-meteo", "name": product.feed, "product": name}, "source", BadSource))
        for name, product in PRODUCTS.items()
    ]
