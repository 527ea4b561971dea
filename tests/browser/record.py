"""Record what a city's server answers, cut short, for tests of the portal that need no city.

    python -m veracity serve --home CITY --port 8080
    python tests/browser/record.py http://127.0.0.1:8080

Afterwards some values are marked as filled, estimated or flagged, which the demo city has too few of:
``edited`` says which. Receipts are as they came: the browser checks them.
"""

import hashlib
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded.json")
AIR = "/api/v1/feeds/air-quality"
PATHS = [
    "/api/v1/city",
    "/api/v1/feeds",
    AIR,
    f"{AIR}/places",
    f"{AIR}/series?key=AQ01&field=pm25&limit=80",
    f"{AIR}/quality",
    f"{AIR}/quarantine?limit=25",
    "/api/v1/datasets/air-quality",
    "/api/v1/feeds/hydrology",
    "/api/v1/feeds/hydrology/places",
    "/api/v1/feeds/traffic",
    "/api/v1/feeds/traffic/places",
    "/api/v1/session",
    "/api/v1/panels",
    "/api/v1/panels/city-5min/series?column=pm25&key=20242&limit=40",
    "/api/v1/panels/city-5min/values?column=pm25",
    "/api/v1/apps",
    "/api/v1/apps/environment/forecasts",
    "/api/v1/apps/environment/layers/pm25?at=2026-09-16T11:30:00Z",
    "/api/v1/apps/environment/decisions",
    "/api/v1/apps/environment/scoreboard?by=all",
    "/api/v1/models",
    "/api/v1/models/environment",
    "/api/v1/log",
    "/api/v1/log/statements?limit=12",
]
N = 6  #: items kept of a list
MANY = {
    "points": 40,
    "fields": 99,
    "columns": 99,
    "by_day": 99,
    "growth": 99,
    "trust": 60,
    "keys": 99,
    "origins": 99,
    "tests": 8,
}


def _square(name: str, west: float, south: float, side: float) -> dict[str, Any]:
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": {"name": name},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


GROUND: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        _square("Bắc", 107.9, 16.0, 0.35),
        _square("Nam", 107.9, 15.65, 0.35),
        _square("Đông", 108.25, 15.65, 0.35),
    ],
}


# A calibration that was withdrawn, and rows let in from quarantine: in the demo city nobody did either.
CHANGES: dict[str, Any] = {
    "corrections": [
        {
            "entry": 150,
            "name": "air-pm25",
            "withdrawn": [
                {
                    "entry": 163,
                    "from": 163,
                    "reason": "the reference was wrong",
                    "at": "2026-09-16T16:30:00.000000Z",
                }
            ],
        }
    ],
    "releases": [{"entry": 162, "batch": 50, "at": "2026-09-16T16:01:02.000000Z", "rows": 3}],
}


def shortened(value: Any, name: str = "") -> Any:
    """Return a document whose lists have their first items."""
    if isinstance(value, dict):
        return {key: shortened(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value[: MANY.get(name, N)]]
    return value


def _kept(path: str, value: Any) -> Any:
    """Return what is kept of an answer: of a panel all that was asked for."""
    return value if "/panels/" in path else shortened(value)


def edited(answers: dict[str, Any]) -> None:
    """Mark some values as the demo city has too few of."""
    city = answers["/api/v1/city"]
    city["now"] = "2026-09-16T17:05:00.000000Z"
    features = answers[f"{AIR}/places"]["features"]
    for feature in features:
        feature["properties"]["age_s"] = 300.0
    features[1]["properties"]["values"]["pm25"]["state"] = "filled"
    features[2]["properties"]["values"]["pm25"]["state"] = "estimated"
    features[3]["properties"]["values"]["pm25"]["flags"] = ["stuck:pm25"]
    features[4]["properties"]["simulated"] = False
    features[5]["properties"]["age_s"] = 40_000.0
    # A panel of four hours in which readings were missing; and the ground, as three squares.
    cells = answers["/api/v1/panels/city-5min/series"]["items"]
    for cell in cells[8:14]:
        cell |= {"state": "filled", "value": cells[7]["value"]}
    cells[20] |= {"state": "estimated"}
    for cell in cells[30:34]:
        cell |= {"state": "missing", "value": None}
    values = answers["/api/v1/panels/city-5min/values"]["items"]
    values[0]["state"], values[1]["state"] = "filled", "estimated"
    values[2] |= {"state": "missing", "value": None}
    ground = json.dumps(GROUND).encode()  # as `recorded_city` sends it
    answers["/api/v1/city/ground"] = GROUND
    city["ground"] = {
        "url": "/api/v1/city/ground",
        "sha256": hashlib.sha256(ground).hexdigest(),
        "n_bytes": len(ground),
        "n_features": len(GROUND["features"]),
        "source": "Squares of a test",
        "licence": "CC0-1.0",
        "imported_at": "2026-09-01T00:00:00.000000Z",
    }
    points = answers[f"{AIR}/series"]["points"]
    points[5]["state"] = points[6]["state"] = "filled"
    points[12]["state"] = "estimated"
    points[20]["flags"] = ["spike:pm25"]
    dataset = answers["/api/v1/datasets/air-quality"]
    dataset["changes"] |= CHANGES
    dataset["quality"]["measured_at"] = city["now"]
    dataset["quality"]["freshness"] |= {"age_s": 300.0, "state": "fresh"}
    answers[f"{AIR}/quarantine"]["next"] = None
    answers["/api/v1/log/statements"]["next"] = None


def main(base: str) -> None:
    """Ask for all and write the file."""

    def get(path: str) -> Any:
        with urllib.request.urlopen(base + path, timeout=60) as response:  # noqa: S310 - the address is the caller's
            return json.load(response)

    answers = {path.partition("?")[0]: _kept(path, get(path)) for path in PATHS}
    batches = [
        item["entry"] for item in answers["/api/v1/log/statements"]["items"] if item["kind"] == "ingest"
    ]
    decision = answers["/api/v1/apps/environment/forecasts"]["decision"]
    for entry in (batches[0], decision):
        answers[f"/api/v1/lineage/{entry}"] = shortened(get(f"/api/v1/lineage/{entry}"))
    edited(answers)
    receipts = {}
    features = answers[f"{AIR}/places"]["features"][:2]
    for feature in features:
        batch, record = feature["properties"]["record"].split(":")
        path = f"/receipts/air-quality/{batch}/{record}"
        receipts[path] = get(path)
        row = f"/api/v1/lineage/row/air-quality/{batch}/{record}"
        answers[row] = shortened(get(row))
    decided = answers["/api/v1/apps/environment/forecasts"]["receipt"]
    receipts[decided] = get(decided)
    document = {"answers": answers, "receipts": receipts}
    RECORDED.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.write(f"{len(answers)} answers, {len(receipts)} receipts: {RECORDED.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
