"""A small SensorThings service, 1.1 or 2.0: what a client reads of one, and no more.

It answers ``Datastreams`` and ``Datastreams(id)/Observations`` with ``$filter`` on the phenomenon's time,
``$orderby``, ``$top``, ``$skip``, ``$expand`` and ``$resultFormat=dataArray``, in pages with links. A query
option that it does not know is an error, as the standard asks.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode

from answering import Asked, Reply

_OBSERVATIONS = re.compile(r"/(v1\.1|v2\.0)/Datastreams\((?:(\d+)|'(.*)')\)/Observations")
_SINCE = re.compile(r"(phenomenonTime|resultTime)(/start)? ge (\S+)")


@dataclass
class Things:
    """A service: its datastreams by ID, each with observations as (time, result), in any order."""

    version: str = "1.1"
    observations: dict[int | str, list[tuple[str, Any]]] = field(default_factory=dict)
    page: int = 100
    broken: set[int | str] = field(default_factory=set)  # datastreams that answer with rubbish
    base: str = ""  # of links to next pages; "" for relative ones
    is_unordered: bool = False
    has_result_times: bool = False
    has_blanks: bool = False  # in links, as some services leave them

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        path = unquote(asked.path)
        if path == f"/v{self.version}/Datastreams":
            assert set(asked.query) <= {"$expand", "$top", "$skip", "$orderby", "$filter"}
            assert asked.query["$expand"].startswith("Thing($expand=Locations)")
            return self._paged(asked, [self._datastream(i) for i in self.observations])
        found = _OBSERVATIONS.fullmatch(path)
        if found is None or found[1] != f"v{self.version}":
            return Reply(b'{"code":404,"type":"error","message":"Not Found"}', 404)
        identity: int | str = int(found[2]) if found[2] else found[3].replace("''", "'")
        if identity in self.broken:
            return Reply(b'{"value":{}}')
        return self._answer(asked, identity)

    def _answer(self, asked: Asked, identity: int | str) -> Reply:
        when = _SINCE.fullmatch(asked.query["$filter"])
        assert when is not None
        by_phenomenon = when[1] == "phenomenonTime"
        assert (when[2] is not None) == (by_phenomenon and self.version == "2.0")
        assert asked.query["$orderby"] == f"{when[1]}{when[2] or ''} asc"
        numbered = [(t, r, n) for n, (t, r) in enumerate(self.observations[identity]) if t >= when[3]]
        ordered = numbered if self.is_unordered else sorted(numbered, key=lambda one: one[0])
        items = [self._observation(identity, *one) for one in ordered]
        return self._paged(asked, items, f"Datastreams({identity})")

    def _paged(self, asked: Asked, items: list[dict[str, Any]], of: str = "") -> Reply:
        skip = int(asked.query.get("$skip", 0))
        top = min(self.page, int(asked.query.get("$top", self.page)))
        shown, is_more = items[skip : skip + top], len(items) > skip + top
        answer: dict[str, Any] = {"value": shown}
        if asked.query.get("$resultFormat") == "dataArray":
            names = ["id", "phenomenonTime", "resultTime", "result"]
            rows = [[o["@iot.id"], *(o[n] for n in names[1:])] for o in shown]
            link = f"http://here/v1.1/{of}"
            one = {
                "Datastream@iot.navigationLink": link,
                "components": names,
                "dataArray@iot.count": len(rows),
            }
            answer = {"value": [one | {"dataArray": rows}]} if rows else {"value": []}
        if is_more:
            query = urlencode(dict(asked.query) | {"$skip": str(skip + top)}, quote_via=quote)
            query = unquote(query) if self.has_blanks else query
            name = "@iot.nextLink" if self.version == "1.1" else "@nextLink"
            answer[name] = f"{self.base}{asked.path}?{query}"
        return Reply(json.dumps(answer).encode(), headers={"Content-Type": "application/json"})

    def _datastream(self, identity: int | str) -> dict[str, Any]:
        point = {"type": "Point", "coordinates": [108.22, 16.07]}
        location = {"name": "here", "encodingType": "application/geo+json", "location": point}
        thing = {"name": "Station 1", "Locations": [location]}
        if self.version == "1.1":
            return {
                "@iot.id": identity,
                "name": f"PM2.5 {identity}",
                "unitOfMeasurement": {"name": "microgram", "symbol": "ug/m3", "definition": "ucum"},
                "Thing": thing,
                "ObservedProperty": {"name": "PM2.5", "definition": "http://example.org/pm25"},
            }
        uom = {"code": "ug/m3", "label": "microgram per cubic metre"}
        result_type = {
            "type": "Quantity",
            "label": "PM2.5",
            "definition": "http://example.org/pm25",
            "uom": uom,
        }
        return {"@id": f"Datastreams({identity})", "id": identity, "name": f"PM2.5 {identity}"} | {
            "resultType": result_type,
            "Thing": thing,
        }

    def result_time(self, time: str) -> str | None:
        """When a result was made: then, or unknown, as is allowed."""
        return time if self.has_result_times else None

    def _observation(self, identity: int | str, time: str, result: Any, number: int) -> dict[str, Any]:
        own = f"{identity}-{number}"
        if self.version == "1.1":
            return {
                "@iot.id": own,
                "phenomenonTime": time,
                "resultTime": self.result_time(time),
                "result": result,
            }
        return {
            "@id": f"Observations('{own}')",
            "id": own,
            "phenomenonTime": {"start": time},
            "result": result,
        }
