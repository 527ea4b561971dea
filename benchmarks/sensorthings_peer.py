"""A plain SensorThings server beside ours: django-ogc-sensorthings under gunicorn, on PostgreSQL.

Its readings are those of a city that is there already, brought in by COPY: one thing, datastream and
feature of interest a sensor. Nothing of it is changed; ``INDEXES`` are what its tables lack for readings.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psycopg
import urllib3

from free_ports import free_port
from sensorthings_asks import Words, sensor_name
from server import SENSORS
from servers import PostgresServer
from veracity.home.home import Home

PROJECT = Path(__file__).parent / "peers" / "sensorthings"
SETTINGS = (
    "shared_buffers=1GB",
    "effective_cache_size=4GB",
    "work_mem=64MB",
    "maintenance_work_mem=512MB",
    "max_wal_size=4GB",
    "random_page_cost=1.1",
)
INDEXES = (
    "(datastream_id, phenomenon_time_begin)",
    "(phenomenon_time_begin)",
    "(result)",
)
N_WORKERS = 2
_TABLE = "sensorthings_v1_1_django_backend_"
_IDS = {name: f"00000000-0000-7000-{8001 + i}" for i, name in enumerate(("datastream", "thing", "feature"))}
_OBSERVATION = "01950000-0000-7000-8000-"
_ONE = "00000000-0000-7000-8000-000000000001"  # the sensor and the property that all have


def identity(kind: str, number: int) -> str:
    """Return the identifier of a sensor's datastream, thing or feature."""
    return f"{_IDS[kind]}-{number:012d}"


def _datastream(number: int) -> str:
    return identity("datastream", number)


WORDS = Words(_datastream, _datastream, lambda number: identity("feature", number))


@dataclass(frozen=True)
class Database:
    """The database of the peer, migrated, and PostgreSQL's process."""

    url: str
    pid: int

    @property
    def size_mb(self) -> float:
        """All of it on disk, indexes included."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0]) / 1e6

    def run(self, *commands: str) -> None:
        """Run commands, each on its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for command in commands:
                connection.execute(command.encode())

    def drop_posted(self) -> None:
        """Remove what was posted, so that the readings are those that were loaded."""
        among = f"id BETWEEN '{_OBSERVATION}{'0' * 12}' AND '{_OBSERVATION}{'9' * 12}'"
        self.run(f"DELETE FROM {_TABLE}observation WHERE NOT ({among})")  # noqa: S608 - constants alone

    def add_indexes(self) -> None:
        """Add what its tables lack."""
        self.run(*(f"CREATE INDEX ON {_TABLE}observation {index}" for index in INDEXES), "VACUUM ANALYZE")


@contextmanager
def database(python: Path) -> Iterator[Database]:
    """Start PostgreSQL and let the project make its tables."""
    with PostgresServer.started(*SETTINGS) as server:
        made = Database(server.fresh(), server.process.pid)
        command: list[str | Path] = [python, PROJECT / "django_project.py", "migrate"]
        subprocess.run(command, env=_environment(made.url), check=True, capture_output=True)
        yield made


def load(given: Database, home: Home, n_batches: int) -> None:
    """Bring in the readings of a city's feed ``bench``, batch by batch, as their tables are."""
    with psycopg.connect(given.url) as connection, connection.cursor() as cursor:
        for table, columns, rows in _entities():
            with cursor.copy(f"COPY {_TABLE}{table} ({columns}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
        names = "id, phenomenon_time_begin, result, result_time, datastream_id, feature_of_interest_id"
        n = 0
        for batch in range(n_batches):
            frame = home.table("bench").scan(batch=batch).sort("_record").collect()
            command = f"COPY {_TABLE}observation ({names}) FROM STDIN (FORMAT csv)"
            with cursor.copy(command.encode()) as copy:
                copy.write(_as_rows(frame, n).write_csv(include_header=False).encode())
            n += len(frame)
    given.run("VACUUM ANALYZE", "CHECKPOINT")


def _as_rows(frame: pl.DataFrame, first: int) -> pl.DataFrame:
    """Return readings as rows of its table of observations."""
    sensor = pl.col("station").str.slice(1).str.zfill(12)
    return frame.with_row_index("n", first).select(
        pl.format(_OBSERVATION + "{}", pl.col("n").cast(pl.String).str.zfill(12)),
        pl.col("observed_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").alias("phenomenon_time"),
        "value",
        pl.col("observed_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").alias("result_time"),
        pl.format(_IDS["datastream"] + "-{}", sensor).alias("datastream"),
        pl.format(_IDS["feature"] + "-{}", sensor).alias("feature"),
    )


def _entities() -> Iterator[tuple[str, str, list[tuple[str, ...]]]]:
    named, about = "id, name, description", "Readings (simulated)"
    sensors = [(number, sensor_name(number)) for number in range(SENSORS)]
    point = json.dumps({"type": "Point", "coordinates": [0, 0]})
    yield "sensor", f"{named}, encoding_type, metadata", [(_ONE, "bench", about, "text/html", "none")]
    yield "observedproperty", f"{named}, definition", [(_ONE, "value", about, "none")]
    yield "thing", named, [(identity("thing", i), name, about) for i, name in sensors]
    yield (
        "featureofinterest",
        f"{named}, encoding_type, feature",
        [(identity("feature", i), name, about, "application/geo+json", point) for i, name in sensors],
    )
    unit = json.dumps({"name": "metre", "symbol": "m", "definition": "http://unitsofmeasure.org/m"})
    kind = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
    yield (
        "datastream",
        f"{named}, unit_of_measurement, observation_type, thing_id, sensor_id, observed_property_id",
        [
            (identity("datastream", i), f"{name} value", about, unit, kind, identity("thing", i), _ONE, _ONE)
            for i, name in sensors
        ],
    )


@contextmanager
def served(python: Path, given: Database) -> Iterator[tuple[str, int]]:
    """Serve it; return where, and the process of its server."""
    port = free_port()
    command: list[str | Path] = [python, "-m", "gunicorn", "--chdir", PROJECT, "--bind", f"127.0.0.1:{port}"]
    # One thread a worker: its parser of $filter is shared, and mixes up requests that come at once.
    command += [
        "--workers",
        str(N_WORKERS),
        "--worker-class",
        "gthread",
        "--threads",
        "1",
        "--keep-alive",
        "60",
    ]
    server = subprocess.Popen(
        [*command, "--log-level", "warning", "django_project:application"], env=_environment(given.url)
    )
    try:
        base = f"http://127.0.0.1:{port}/v1.1/"
        _wait(server, f"{base}Things?$top=1")
        yield base, server.pid
    finally:
        server.terminate()
        server.wait(30)


def _environment(url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DJANGO"))}
    return {**kept, "DATABASE": url}


def _wait(server: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            if urllib3.request("GET", url, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the peer did not start")


def versions(python: Path, given: Database) -> dict[str, str]:
    """Return what it is made of."""
    names = ("django-ogc-sensorthings", "django", "gunicorn", "psycopg")
    code = f"import importlib.metadata as m; print(*(m.version(name) for name in {names}))"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    with psycopg.connect(given.url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    served_by = f"gunicorn, {N_WORKERS} workers of one thread"
    return {
        **dict(zip(names, done.stdout.split(), strict=True)),
        "postgresql": str(row[0]),
        "settings": ", ".join(SETTINGS),
        "served_by": served_by,
    }
