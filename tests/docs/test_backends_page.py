"""docs/backends.md runs as written, against the real servers."""

from pathlib import Path

import pytest
from console import run_document

from servers import S3, PostgresServer

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"


def test_the_page_runs_as_written(
    tmp_path: Path, s3: S3, postgres: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs on S3 and PostgreSQL are made and checked as shown; only the database's address is another."""
    monkeypatch.setenv("PGPASSWORD", postgres_server.password)
    address = postgres.replace(f":{postgres_server.password}@", "@")
    text = PAGE.read_text(encoding="utf-8").replace("postgresql://veracity@db.example.org/city", address)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert run_document(tmp_path / "page.md", tmp_path) == 6
