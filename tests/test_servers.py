"""The servers that other tests run against are the real ones, and each test has its own corner."""

import obstore
import psycopg
import pytest
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from servers import S3, PostgresServer, S3Server


def test_s3_replaces_only_what_was_read(s3: S3) -> None:
    """The S3 server keeps the two promises that a compare-and-swap needs."""
    store = s3.store()
    first = obstore.put(store, "state", b"1", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, "state", b"2", mode="create")
    second = obstore.put(store, "state", b"2", mode={"e_tag": first["e_tag"]})
    with pytest.raises(PreconditionError):
        obstore.put(store, "state", b"3", mode={"e_tag": first["e_tag"]})
    assert first["e_tag"] != second["e_tag"]
    assert bytes(obstore.get(store, "state").bytes()) == b"2"


def test_s3_asks_who_it_is(s3: S3) -> None:
    """Another secret is refused."""
    stranger = S3(s3.endpoint, s3.bucket, s3.prefix, s3.access_key, "another")
    with pytest.raises((BaseError, PermissionError)):
        obstore.put(stranger.store(), "x", b"")


def test_each_test_has_its_own_folder(s3: S3, s3_server: S3Server) -> None:
    """What one test writes, another does not see."""
    other: S3Store = s3_server.fresh().store()
    obstore.put(s3.store(), "x", b"1")
    assert [m for chunk in obstore.list(other) for m in chunk] == []


def test_postgres_asks_for_its_password(postgres: str, postgres_server: PostgresServer) -> None:
    """The database is there, empty, and not for strangers."""
    with psycopg.connect(postgres) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.replace(postgres_server.password, "another"))
