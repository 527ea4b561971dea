"""A service that answers as Open-Meteo does: column-oriented, with units, one object or a list of places."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from answering import Asked, Reply

UNITS = {
    "temperature_2m": "°C",
    "relative_humidity_2m": "%",
    "precipitation": "mm",
    "pressure_msl": "hPa",
    "cloud_cover": "%",
    "wind_speed_10m": "m/s",
    "wind_direction_10m": "°",
    "wind_gusts_10m": "m/s",
    "weather_code": "wmo code",
    **dict.fromkeys(["pm2_5", "pm10", "carbon_monoxide", "nitrogen_dioxide"], "μg/m³"),
    **dict.fromkeys(["sulphur_dioxide", "ozone"], "μg/m³"),
}

USUAL = {"wind_direction_10m": 95.0, "pressure_msl": 1_009.5, "weather_code": 3}


@dataclass
class Service:
    """What the service knows: its time, and how its values come about."""

    now: datetime
    values: dict[tuple[str, str], float] = field(default_factory=dict)  # (variable, time): another value
    change: dict[str, Any] = field(default_factory=dict)  # of each answer, as it is sent

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        latitudes = [float(v) for v in asked.query["latitude"].split(",")]
        longitudes = [float(v) for v in asked.query["longitude"].split(",")]
        answers = [self._place(asked, i, *at) for i, at in enumerate(zip(latitudes, longitudes, strict=True))]
        body = json.dumps(answers if len(answers) > 1 else answers[0]).encode()
        return Reply(body, headers={"Content-Type": "application/json; charset=utf-8"})

    def _place(self, asked: Asked, index: int, latitude: float, longitude: float) -> dict[str, Any]:
        block = next(name for name in ("current", "hourly", "daily") if name in asked.query)
        names = asked.query[block].split(",")
        answer: dict[str, Any] = {
            "latitude": round(latitude * 8) / 8,
            "longitude": round(longitude * 8) / 8,
            "generationtime_ms": 0.123 + index,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "timezone_abbreviation": "GMT",
            "elevation": 8.0,
        }
        if index:
            answer["location_id"] = index
        answer[f"{block}_units"] = {"time": "iso8601"} | {n: UNITS.get(n, "m³/s") for n in names}
        if block == "current":
            time = self.now.replace(minute=self.now.minute // 15 * 15).strftime("%Y-%m-%dT%H:%M")
            values = {n: self._value(n, time) for n in names}
            answer[block] = {"time": time, "interval": 900} | values
        else:
            times = self._times(asked, block)
            answer[block] = {"time": times} | {n: [self._value(n, t) for t in times] for n in names}
        return answer | self.change

    def _times(self, asked: Asked, block: str) -> list[str]:
        if block == "hourly":
            first = self.now.replace(minute=0)
            hours = range(int(asked.query["forecast_hours"]))
            return [(first + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M") for h in hours]
        days = range(-int(asked.query["past_days"]), int(asked.query["forecast_days"]))
        return [(self.now + timedelta(days=d)).strftime("%Y-%m-%d") for d in days]

    def _value(self, name: str, time: str) -> float | None:
        if name.startswith("river_discharge_") and time < self.now.strftime("%Y-%m-%d"):
            return None  # the ensemble is of forecasts alone
        return self.values.get((name, time), USUAL.get(name, 12.5))


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    """A time of September 2026."""
    return datetime(2026, 9, day, hour, minute, tzinfo=UTC)
