"""docs/backends.md runs as written, against the real servers."""

import re
from pathlib import Path

import pytest
from console import run_document

from servers import S3, PostgresServer
from veracity.live.broker_config import MAX_PAYLOAD_BYTES
from veracity.live.subjects import MAPPINGS

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"


def test_the_page_runs_as_written(
    tmp_path: Path, s3: S3, postgres: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs and a home on S3 and PostgreSQL are made and checked as shown; only the addresses are others."""
    monkeypatch.setenv("PGPASSWORD", postgres_server.password)
    text = PAGE.read_text(encoding="utf-8")
    second = postgres_server.fresh()
    for name, url in (("city", postgres), ("danang", second)):
        address = url.replace(f":{postgres_server.password}@", "@")
        text = text.replace(f"postgresql://veracity@db.example.org/{name}", address)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    try:
        assert run_document(tmp_path / "page.md", tmp_path) == 13
    finally:
        postgres_server.drop(second)


def test_the_brokers_are_told_what_the_workers_expect() -> None:
    """The partitions, and what one message may be, are the same in the page and in the package."""
    text = PAGE.read_text(encoding="utf-8")
    assert dict(re.findall(r'^ +"([^"]+)": "([^"]+)"$', text, re.MULTILINE)) == MAPPINGS
    assert f"\nmax_payload: {MAX_PAYLOAD_BYTES}\n" in text
