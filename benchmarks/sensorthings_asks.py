"""What is asked of two SensorThings servers with the same readings, and when two answers are the same.

The requests are those that both speak: they differ in the identifiers alone. Every one has a determined
answer, whatever the order in which a server keeps its rows.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from server import EVERY, SENSORS, START

_SENSOR = re.compile(r"S\d{4}")
_DAY, _HOUR = 288, 12  # steps
_TIME = "%Y-%m-%dT%H:%M:%SZ"
N_IN_ARRAYS = 1_000
Reading = tuple[datetime, float]


@dataclass(frozen=True)
class Words:
    """How a server names the datastream of a sensor: in paths, in ``$filter``.

    ``feature``: its feature of interest, where naming it spares the server the search for one.
    """

    in_path: Callable[[int], str]
    in_filter: Callable[[int], str]
    feature: Callable[[int], str] | None = None


def sensor_name(number: int) -> str:
    """Return the name of a sensor."""
    return f"S{number % SENSORS:04d}"


def asks(n: int, words: Words) -> dict[str, Callable[[int], str]]:
    """Return what is asked of ``n`` readings: for each query a path by the number of asking.

    Another number asks for another datastream, window or limit, so that no answer was given before.
    """
    steps = n // SENSORS

    def window(number: int, length: int) -> str:
        first = number * 17 % max(1, steps - length)
        begin, end = START + EVERY * first, START + EVERY * (first + length)
        return f"phenomenonTime ge {begin:{_TIME}} and phenomenonTime lt {end:{_TIME}}"

    def stream(number: int) -> str:
        return f"Datastream/id eq {words.in_filter(number * 37 % SENSORS)}"

    def by_path(number: int) -> str:
        return f"Datastreams('{words.in_path(number * 37 % SENSORS)}')/Observations"

    newest = "$top=100&$orderby=phenomenonTime desc"
    return {
        "newest 100 of a datastream": lambda i: f"{by_path(i)}?{newest}",
        "the same by a filter": lambda i: f"Observations?{newest}&$filter={stream(i)}",
        "its day, in order": lambda i: (
            f"Observations?$top=300&$orderby=phenomenonTime&$filter={stream(i)} and {window(i, _DAY)}"
        ),
        "its high values": lambda i: (
            f"Observations?{newest}&$filter={stream(i)} and result gt {25 + i % 9 / 10}"
        ),
        "its count": lambda i: f"Observations?$top=0&$count=true&$filter={stream(i)}",
        "an hour of all": lambda i: (
            f"Observations?$top=100&$count=true&$orderby=phenomenonTime,result&$filter={window(i, _HOUR)}"
        ),
        "high values of all, newest first": lambda i: (
            "Observations?$top=100&$orderby=phenomenonTime desc,result desc"
            f"&$filter=result gt {38 + i / 1000}"
        ),
        "count of a condition on all": lambda i: (
            f"Observations?$top=0&$count=true&$filter=result gt {25 + i / 100}"
        ),
        "20 datastreams, newest 5 of each": lambda i: (
            f"Datastreams?$top=20&$skip={i * 13 % (SENSORS - 20)}&$orderby=name"
            "&$expand=Observations($top=5;$orderby=phenomenonTime desc)"
        ),
        "100 things": lambda i: f"Things?$top=100&$skip={i * 7 % (SENSORS - 100)}&$orderby=name",
    }


def said(answer: Mapping[str, Any]) -> tuple[int | None, list[Any]]:
    """Return what an answer says, without what differs between servers: its count, and its items in order.

    An item is an observation's time and result, or the sensor that another entity is of, with the
    observations that came in it.
    """
    return answer.get("@iot.count"), [_item(item) for item in answer["value"]]


def _item(item: Mapping[str, Any]) -> Any:
    if "result" in item:
        return _reading(item)
    found = _SENSOR.search(str(item["name"]))
    return (None if found is None else found[0], [_reading(o) for o in item.get("Observations", ())])


def _reading(item: Mapping[str, Any]) -> Reading:
    time = datetime.fromisoformat(item["phenomenonTime"].replace("Z", "+00:00"))
    return time.astimezone(UTC), float(item["result"])


def one_posted(n: int, words: Words, number: int) -> bytes:
    """Return a new observation as it is posted, later than the ``n`` that are there."""
    sensor, at = number % SENSORS, _after(n) + EVERY * (number // SENSORS)
    body = {"phenomenonTime": f"{at:{_TIME}}", "result": _result(number), **_ids(words, sensor)}
    return json.dumps(body).encode()


def many_posted(n: int, words: Words, number: int) -> bytes:
    """Return ``N_IN_ARRAYS`` new observations of ten datastreams as arrays, later than all others."""
    parts = []
    for sensor in range(number * 10, number * 10 + 10):
        ids = _ids(words, sensor % SENSORS)
        feature = [ids["FeatureOfInterest"]["@iot.id"]] if "FeatureOfInterest" in ids else []
        begin = _after(n) + timedelta(days=1 + sensor // SENSORS)
        parts.append(
            {
                "Datastream": ids["Datastream"],
                "components": ["phenomenonTime", "result", *(["FeatureOfInterest/id"] if feature else [])],
                "dataArray": [
                    [f"{begin + EVERY * step:{_TIME}}", _result(step), *feature]
                    for step in range(N_IN_ARRAYS // 10)
                ],
            }
        )
    return json.dumps(parts).encode()


def _ids(words: Words, sensor: int) -> dict[str, dict[str, str]]:
    named = {"Datastream": {"@iot.id": words.in_path(sensor)}}
    if words.feature is not None:
        named["FeatureOfInterest"] = {"@iot.id": words.feature(sensor)}
    return named


def _after(n: int) -> datetime:
    return START + EVERY * (n // SENSORS + 1)


def _result(number: int) -> float:
    return 10 + number % 1_000 / 100
