"""The parts of the benchmark beside a plain SensorThings server that need no such server."""

import json
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from sensorthings_asks import (  # noqa: E402 - benchmarks are scripts, not a package
    N_IN_ARRAYS,
    Words,
    asks,
    many_posted,
    one_posted,
    said,
)
from server import EVERY, SENSORS, START  # noqa: E402

N = 1_000 * SENSORS
OURS = Words(lambda n: f"bench:{n}", lambda n: f"'bench:{n}'")
THEIRS = Words(lambda n: f"0-{n}", lambda n: f"0-{n}", lambda n: f"1-{n}")


def test_both_are_asked_the_same() -> None:
    """The requests of two servers differ in the identifiers of datastreams alone."""
    ours, theirs = asks(N, OURS), asks(N, THEIRS)
    assert list(ours) == list(theirs)
    for query, path in ours.items():
        for i in range(20):
            named = path(i).replace("'bench:", "'0-").replace("eq '0-", "eq 0-").replace("' and", " and")
            assert named.rstrip("'") == theirs[query](i).rstrip("'"), query


def test_no_request_comes_twice() -> None:
    """Of some hundreds no answer was given before, so that nothing that is kept helps."""
    for n in (N, 10 * N):
        for query, path in asks(n, OURS).items():
            assert len({path(i) for i in range(500)}) == 500, query


def test_windows_lie_within_the_readings() -> None:
    """Every window begins after the first reading and ends by the last."""
    for i in range(500):
        words = unquote(asks(N, OURS)["an hour of all"](i)).split()
        first, last = (datetime.fromisoformat(words[at].replace("Z", "+00:00")) for at in (-5, -1))
        assert START <= first < last <= START + EVERY * (N // SENSORS)


def test_answers_are_the_same_in_two_wordings() -> None:
    """Zones, links and identifiers make no difference; a value, a time, an order or a count does."""
    ours = {
        "@iot.count": 2,
        "value": [
            {"@iot.id": "a", "phenomenonTime": "2025-01-01T00:05:00Z", "result": 20},
            {"@iot.id": "b", "phenomenonTime": "2025-01-01T00:00:00Z", "result": 19.5},
        ],
    }
    theirs = json.loads(json.dumps(ours).replace("00Z", "00+00:00").replace("20}", "20.0}"))
    assert said(ours) == said(theirs)
    assert said(ours) != said({**theirs, "@iot.count": 3})
    assert said(ours) != said({**theirs, "value": theirs["value"][::-1]})
    theirs["value"][0]["result"] = 20.1
    assert said(ours) != said(theirs)


def test_entities_are_told_by_their_sensor() -> None:
    """Whatever else stands in a name; with the observations that came in them."""
    reading = {"phenomenonTime": "2025-01-01T00:00:00Z", "result": 1}
    ours = {"value": [{"name": "Readings: S0007, value", "Observations": [reading]}]}
    theirs = {"value": [{"name": "S0007 value", "Observations": [reading]}]}
    assert said(ours) == said(theirs)
    assert said(ours) != said({"value": [{"name": "S0008 value", "Observations": [reading]}]})


def test_what_is_posted_is_new_and_comes_once() -> None:
    """Single observations and arrays are later than the readings, and none is another's key."""
    keys: list[tuple[str, str]] = []
    for i in range(300):
        one = json.loads(one_posted(N, OURS, i))
        keys.append((one["Datastream"]["@iot.id"], one["phenomenonTime"]))
    for i in range(20):
        parts = json.loads(many_posted(N, OURS, i))
        assert sum(len(part["dataArray"]) for part in parts) == N_IN_ARRAYS
        keys += [(part["Datastream"]["@iot.id"], row[0]) for part in parts for row in part["dataArray"]]
    assert len(set(keys)) == len(keys)
    end = START + EVERY * (N // SENSORS)
    assert min(datetime.fromisoformat(at.replace("Z", "+00:00")) for _, at in keys) >= end


def test_a_feature_is_named_where_that_helps() -> None:
    """In single observations and in arrays, if the server's words have one."""
    assert json.loads(one_posted(N, THEIRS, 3))["FeatureOfInterest"] == {"@iot.id": "1-3"}
    (first, *_) = json.loads(many_posted(N, THEIRS, 0))
    assert first["components"] == ["phenomenonTime", "result", "FeatureOfInterest/id"]
    assert first["dataArray"][0][2] == "1-0"
    assert "FeatureOfInterest" not in json.loads(one_posted(N, OURS, 3))
