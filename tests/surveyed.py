"""Files of a small feed, checked and surveyed."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from veracity.data.contract import parse_contract
from veracity.data.survey.survey import Survey
from veracity.home.check import CheckReport, survey_files

NOW = datetime(2026, 9, 30, tzinfo=UTC)
START = datetime(2026, 9, 1, tzinfo=UTC)

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: air
name: {name}
version: 1.0.0
status: active
tags: [simulated]
servers: [{{server: file, type: local, format: ndjson}}]
schema:
  - name: air
    logicalType: object
    properties:
      - {{name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}}
      - name: pm25
        logicalType: number
        logicalTypeOptions: {{minimum: 0, maximum: 500}}
        customProperties: [{{property: unit, value: ug/m3}}]
        quality:
          - {{type: custom, engine: veracity, implementation: {{rule: rate, maximum: 100, per: 1 h}}}}
          - {{type: custom, engine: veracity, implementation: {{rule: gap}}}}
      - {{name: note, logicalType: string, logicalTypeOptions: {{maxLength: 40}}}}
slaProperties:
  - {{property: frequency, value: 1, unit: h}}
"""


def hourly(station: str, n: int) -> list[dict[str, Any]]:
    """Hours of one station that goes up and down."""
    return [
        {"station": station, "at": (START + timedelta(hours=i)).isoformat(), "pm25": 20.0 + i % 7}
        for i in range(n)
    ]


def survey(
    folder: Path, rows: Sequence[dict[str, Any] | str], name: str = "Air", files: int = 1
) -> tuple[list[CheckReport], Survey]:
    """Check rows, cut into files; a text among them is a line as it stands."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    paths = []
    for i in range(files):
        path = folder / f"air-{i}.ndjson"
        path.write_text("".join(line + "\n" for line in lines[i::files]), encoding="utf-8")
        paths.append(path)
    contract = parse_contract(CONTRACT.format(name=json.dumps(name)).encode())
    return survey_files(contract, paths, lambda: NOW)
