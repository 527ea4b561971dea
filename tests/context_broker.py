"""A small NGSI-LD broker: subscriptions, entities, and notifications to who subscribed.

As a real one does, it drops what it cannot deliver and says so in the subscription.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import urllib3

from answering import Asked, Reply

_SUBSCRIPTION = re.compile(r"/ngsi-ld/v1/subscriptions/(urn:ngsi-ld:Subscription:[A-Za-z0-9:_-]+)")


@dataclass
class ContextBroker:
    """The state of a broker; times count up by a second."""

    entities: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: int = 0
    statuses: list[int] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        found = _SUBSCRIPTION.fullmatch(asked.path)
        if asked.path == "/ngsi-ld/v1/subscriptions" and asked.method == "POST":
            said = json.loads(asked.body)
            assert asked.headers["content-type"] == "application/json"
            if said["id"] in self.subscriptions:
                return self._problem(409, "AlreadyExists")
            self.subscriptions[said["id"]] = said
            return Reply(status=201, headers={"Location": f"/ngsi-ld/v1/subscriptions/{said['id']}"})
        if found and found[1] in self.subscriptions:
            if asked.method == "DELETE":
                del self.subscriptions[found[1]]
                return Reply(status=204)
            more = {"status": "active", "isActive": True}
            return Reply(json.dumps(more | self.subscriptions[found[1]]).encode())
        if asked.path == "/ngsi-ld/v1/entities":
            first, limit = int(asked.query["offset"]), int(asked.query["limit"])
            all_of_type = [e for e in self.entities.values() if e["type"] == asked.query["type"]]
            return Reply(json.dumps(all_of_type[first : first + limit]).encode())
        return self._problem(404, "ResourceNotFound")

    def update(self, entity: dict[str, Any]) -> None:
        """Take a new state of an entity, and notify who subscribed to its type."""
        self.entities[entity["id"]] = entity
        for said in self.subscriptions.values():
            if {"type": entity["type"]} in said["entities"]:
                self.notify(said, [entity])

    def notify(self, said: dict[str, Any], entities: list[dict[str, Any]]) -> None:
        """Send one notification, once."""
        self.seconds += 1
        at = f"2026-09-01T09:{self.seconds // 60:02d}:{self.seconds % 60:02d}Z"
        body = {
            "id": f"urn:ngsi-ld:Notification:{self.seconds}",
            "type": "Notification",
            "subscriptionId": said["id"],
            "notifiedAt": at,
            "data": entities,
        }
        endpoint = said["notification"]["endpoint"]
        headers = {"Content-Type": endpoint["accept"]}
        headers |= {info["key"]: info["value"] for info in endpoint["receiverInfo"]}
        sent = json.dumps(body).encode()
        try:
            with urllib3.PoolManager(retries=False, timeout=30.0) as pool:
                self.statuses.append(pool.request("POST", endpoint["uri"], body=sent, headers=headers).status)
        except urllib3.exceptions.HTTPError:
            self.statuses.append(0)
        name = "lastSuccess" if self.statuses[-1] in (200, 204) else "lastFailure"
        said["notification"][name] = at

    def _problem(self, status: int, kind: str) -> Reply:
        document = {"type": f"https://uri.etsi.org/ngsi-ld/errors/{kind}", "title": kind, "status": status}
        return Reply(json.dumps(document).encode(), status)


def air(station: int, minute: int, pm25: float, form: str = "normalized") -> dict[str, Any]:
    """An AirQualityObserved, in one of the three forms."""
    time = f"2026-09-01T08:{minute:02d}:00Z"
    point = {"type": "Point", "coordinates": [108.22, 16.07]}
    entity: dict[str, Any] = {"id": f"urn:ngsi-ld:AirQualityObserved:{station}", "type": "AirQualityObserved"}
    if form == "simplified":
        return entity | {
            "dateObserved": time,
            "pm25": pm25,
            "location": point,
            "refDevice": f"urn:d:{station}",
        }
    kinds = form == "normalized"
    return entity | {
        "dateObserved": ({"type": "Property"} if kinds else {})
        | {"value": {"@type": "DateTime", "@value": time}},
        "pm25": ({"type": "Property"} if kinds else {})
        | {"value": pm25, "unitCode": "GQ", "observedAt": time},
        "location": {"type": "GeoProperty", "value": point} if kinds else point,
        "refDevice": ({"type": "Relationship"} if kinds else {}) | {"object": f"urn:d:{station}"},
    }
