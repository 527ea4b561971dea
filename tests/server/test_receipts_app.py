"""Receipts served: any record of a city, checked by whoever asked."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import persons
from small_city import AGENCY, clock, key, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.provenance.receipts import parse_receipt
from veracity.server.log_app import LogApp
from veracity.server.receipts_app import WithReceipts
from veracity.stores.objects import LocalObjects
from veracity.verifying import verify
from watched import policy


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with two batches."""
    folder = tmp_path_factory.mktemp("city")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 200)], sign=key(AGENCY), records_per_part=128)
    return root


def asked(root: Path, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask the application as a server would: status, headers, body."""
    return asked_of(root, root, path, method)


def asked_of(home: Path, root: Path, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask for receipts of one home beside the log of another."""
    app = WithReceipts(LogApp(LocalObjects(root / "store/log", read_only=True)), home)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": [],
        "query_string": b"", "root_path": "", "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    headers = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])


def test_a_receipt_is_given_and_verifies(root: Path) -> None:
    """Accepted or not, every record of a batch has one; it may be kept for a minute."""
    for batch, record in ((0, 0), (0, 127), (1, 71), (0, 12), (0, 28)):
        status, headers, body = asked(root, f"/receipts/rain/{batch}/{record}")
        assert (status, headers["content-type"]) == (200, "application/json")
        assert headers["cache-control"] == "public, max-age=60"
        receipt = parse_receipt(body)
        assert receipt.record is not None
        assert (receipt.record.batch, receipt.record.record) == (batch, record)
        verify(receipt, policy())


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/receipts/rain/0/128", 404, "record-not-found"),
        ("/receipts/rain/7/0", 404, "record-not-found"),
        ("/receipts/snow/0/0", 400, "unknown-feed"),
        ("/receipts/rain/0/007", 404, "not-found"),
        ("/receipts/rain/0", 404, "not-found"),
        ("/receipts/RAIN/0/0", 404, "not-found"),
        ("/receipts/../rain/0/0", 404, "not-found"),
        ("/receipts/rain/-1/0", 404, "not-found"),
        ("/receipts/rain/9999999999999/0", 404, "not-found"),
        ("/receipts/rain/999999999999/0", 404, "record-not-found"),
        ("/receipts/rain/0/%30", 404, "not-found"),
    ],
)
def test_what_is_not_there_is_a_problem(root: Path, path: str, status: int, code: str) -> None:
    """Another record, batch, feed or spelling: the one error body, with a stable code."""
    got, headers, body = asked(root, path)
    assert (got, headers["content-type"]) == (status, "application/problem+json")
    assert f'"code": "{code}"'.encode() in body


def test_an_answer_names_no_other_feed_and_no_place(root: Path, tmp_path: Path) -> None:
    """Of an unknown feed the feeds there are stay unsaid; of a broken home, where it lies."""
    assert b"rain" not in asked(root, "/receipts/snow/0/0")[2]
    for n, broken in enumerate(("veracity.json", "trust.policy", "store/tables", "store/contracts")):
        home = Path(shutil.copytree(root, tmp_path / f"home{n}"))
        found = next((p for p in sorted(home.rglob("*")) if p.relative_to(home).as_posix() == broken), None)
        if found is None:
            continue
        shutil.rmtree(found) if found.is_dir() else found.unlink()
        status, _, body = asked_of(home, root, "/receipts/rain/0/0")
        assert (status, str(tmp_path).encode() in body) == (503, False), broken
    status, _, body = asked_of(tmp_path / "gone", root, "/receipts/rain/0/0")
    assert (status, str(tmp_path).encode() in body) == (503, False)


def test_other_methods_and_paths(root: Path) -> None:
    """Nothing can be written; every other path is the log's."""
    assert asked(root, "/receipts/rain/0/0", "POST")[0] == 405
    assert asked(root, "/checkpoint")[2] == (root / "store/log/checkpoint").read_bytes()
    assert asked(root, "/receipts")[0] == 404


def test_a_feed_of_persons_is_not_given_to_anybody(tmp_path: Path) -> None:
    """Receipts of a feed with personal fields are refused, encrypted as they are."""
    root = persons.new_city(tmp_path / "people")
    with open_writer(root, clock) as home:
        ingest(home, persons.FEED, [persons.csv(tmp_path / "people.csv", persons.persons(5))])
    status, _, body = asked(root, f"/receipts/{persons.FEED}/0/0")
    assert (status, json.loads(body)["code"]) == (403, "personal-feed")
