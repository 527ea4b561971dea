"""A small city that measures air by the app's own contract: simulated, by the hour, one signed file."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np

from simulated_air import COLUMNS, air_panel, end_of
from small_city import NOW, ORIGIN, clock, key
from veracity.apps.environment.app import APP
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import CityKeys, init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest

AGENCY = "environment-agency"
SILENT, N_KEYS = "AQ03", 4  #: this station says nothing in the last five hours


def new_air_city(root: Path, days: int = 12) -> Path:
    """Found a city and take in some days of air, up to the small city's standing clock."""
    init(root, ORIGIN, clock, CityKeys(key("log").seed, key("operator")))
    contract = root.parent / "air-quality.yaml"
    contract.write_bytes(APP.contracts["air-quality"].replace(b"tags: [air-quality]", b"tags: [simulated]"))
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, contract)
        ingest(home, "air-quality", [air_file(root.parent, days)], sign=key(AGENCY))
    return root


def air_file(folder: Path, days: int) -> Path:
    """Write the readings as NDJSON."""
    panel = air_panel(days=days, n_keys=N_KEYS)
    shift = NOW - end_of(panel)
    lines = []
    for i, stamp in enumerate(panel.times_us):
        when = end_of(panel) + shift - timedelta(microseconds=int(panel.times_us[-1] - stamp))
        for k, station in enumerate(panel.keys):
            if station == SILENT and panel.n_times - i <= 5:
                continue
            values = zip(COLUMNS, panel.values[i, k], strict=True)
            known = {name: round(float(v), 1) for name, v in values if np.isfinite(v)}
            lines.append(json.dumps({"station_id": station, "observed_at": when.isoformat(), **known}))
    path = folder / "air.ndjson"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
