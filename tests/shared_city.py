"""A small city that machines share: everything in S3 and PostgreSQL but keys and policy."""

import shutil
from pathlib import Path
from typing import TypedDict

import psycopg
import pytest

from servers import S3, PostgresServer
from small_city import AGENCY, ORIGIN, clock, contract, key
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, open_writer
from veracity.log.fsck import fsck
from veracity.stores.session_lock import KEY

KEYS = CityKeys(key("log").seed, key("operator"))


class Places(TypedDict, total=False):
    """Where things are that machines share, as ``init`` takes it."""

    objects: str
    database: str
    log_store: str
    log_state: str


@pytest.fixture
def shared_places(
    s3: S3, postgres: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Places:
    """Where all that machines share is; the password is in the environment alone."""
    monkeypatch.setenv("PGPASSWORD", postgres_server.password)
    return {"objects": s3.url, "database": postgres.replace(f":{postgres_server.password}@", "@")}


@pytest.fixture
def machines(tmp_path: Path, shared_places: Places) -> tuple[Path, Path]:
    """A city with a feed, on two machines."""
    root = founded(tmp_path / "city", shared_places)
    return root, joined(root, tmp_path / "other")


def founded(root: Path, places: Places) -> Path:
    """Make a city with a feed of rain in some places."""
    init(root, ORIGIN, clock, KEYS, **places)
    with open_writer(root, clock) as writer:
        add_agency(writer, AGENCY, key(AGENCY).public)
        add_feed(writer, contract(root.parent))
    return root


def joined(root: Path, other: Path) -> Path:
    """Let a second machine in, as the manual says: it gets the keys and is told where everything is."""
    other.mkdir(mode=0o700)
    for name in ("veracity.json", "trust.policy"):
        shutil.copy(root / name, other / name)
    shutil.copytree(root / "keys", other / "keys")
    return other


def cut_off(postgres: str) -> None:
    """End the session that holds the lock, as a network that is gone for long does."""
    holder = (
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND classid = %s AND objid = %s AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with psycopg.connect(postgres, autocommit=True) as connection:
        assert connection.execute(holder, (KEY >> 32, KEY & 0xFFFF_FFFF)).fetchall() == [(True,)]


def check_city(root: Path, n_batches: int) -> None:
    """The log is sound, its batches are there once each, and everything is as it says."""
    home = Home.open(root, clock)
    assert fsck(home.log_objects, home.log_verifier).findings == ()
    assert audit(home).findings == []
    assert [row.batch for row in home.index.batches("rain")] == list(range(n_batches))
    assert home.index.pending() == []
    home.close()
