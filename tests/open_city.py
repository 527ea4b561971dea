"""A city that shows its data (made up): air with positions, rain without; residents' requests stay hidden."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import persons
from small_city import AGENCY, NOW, PANEL, clock, contract, key, ndjson
from small_city import ORIGIN as ORIGIN
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import CityKeys, init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.panels import build_and_say

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
START = datetime(2026, 9, 2, tzinfo=UTC)
STATIONS = {"A 1": (108.21, 16.07), "B/2": (108.2, 16.05), "Đ3": (108.3, 16.1)}
HOURS = 30
AIR = """\
apiVersion: v3.1.0
kind: DataContract
id: air
name: Air of three stations (made up)
version: 1.2.0
status: active
tags: [environment]
description: {{purpose: Tests of what is open., limitations: "Made up, \\"as it were\\".", usage: Any.}}
authoritativeDefinitions:
  - {{type: license, url: "{licence}"}}
servers:
  - {{server: file, type: local, format: ndjson}}
schema:
  - name: air
    logicalType: object
    properties:
      - {{name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: observed_at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}}
      - {{name: longitude, logicalType: number, customProperties: [{{property: unit, value: deg}}]}}
      - {{name: latitude, logicalType: number, customProperties: [{{property: unit, value: deg}}]}}
      - {{name: pm25, logicalType: number, customProperties: [{{property: unit, value: ug/m3}}]}}
      - name: temperature
        logicalType: number
        logicalTypeOptions: {{maximum: 40}}
        customProperties: [{{property: unit, value: Cel}}, {{property: actions, value: {{range: flag}}}}]
      - {{name: note, logicalType: string}}
slaProperties:
  - {{property: frequency, value: 1, unit: h}}
  - {{property: latency, value: 2, unit: d, element: air.observed_at}}
customProperties:
  - {{property: agency, value: {agency}}}
"""


def air_rows(first: int, n_hours: int) -> list[dict[str, Any]]:
    """Readings of every station from hour ``first`` on; at 5 h the second is too hot, the last has gaps."""
    rows = []
    for hour in range(first, first + n_hours):
        for number, (station, (lon, lat)) in enumerate(STATIONS.items()):
            rows.append(
                {
                    "station": station,
                    "observed_at": (START + timedelta(hours=hour)).isoformat(),
                    "longitude": lon,
                    "latitude": lat,
                    "pm25": None if number == 2 and hour % 3 == 0 else 10.0 + hour + number / 4,
                    "temperature": 44.5 if (number, hour) == (1, 5) else 20.0 + number,
                    "note": 'said "so", at dawn' if hour == 0 else None,
                }
            )
    return rows


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as NDJSON."""
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def new_open_city(root: Path) -> Path:
    """Make the city: two batches of air, two of rain, one of requests, a panel of rain."""
    folder = root.parent
    init(root, ORIGIN, clock, CityKeys(key("log").seed, key("operator")))
    (folder / "air.yaml").write_text(AIR.format(licence=LICENCE, agency=AGENCY), encoding="utf-8")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    with open_writer(root, lambda: NOW - timedelta(hours=8)) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, folder / "air.yaml")
        add_feed(home, contract(folder))
        add_feed(home, persons.contract(folder))
        ingest(home, "air", [lines(folder / "a.ndjson", air_rows(0, 20))])
        ingest(home, "rain", [ndjson(folder / "r.ndjson", 0, 100)], sign=key(AGENCY))
    with open_writer(root, clock) as home:
        ingest(home, "air", [lines(folder / "b.ndjson", air_rows(20, HOURS - 20))])
        ingest(home, "rain", [ndjson(folder / "s.ndjson", 100, 60)], sign=key(AGENCY))
        ingest(home, persons.FEED, [persons.csv(folder / "requests.csv", persons.persons(40))])
        build_and_say(home, folder / "panel.yaml")
    return root
