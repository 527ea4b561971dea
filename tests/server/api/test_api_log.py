"""The log over the API: size, witnesses, statements, lineage; and its files where tlog-tiles has them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api_city import app, got, made
from asked import ask
from released_city import SYSTEM, Released
from small_city import AGENCY, clock, key, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.provenance.dsse import open_envelope
from veracity.provenance.lineage import Lineage
from veracity.provenance.receipts import parse_receipt, verify_receipt
from veracity.provenance.statements import parse_statement
from veracity.server.api import events
from veracity.server.app import make_app
from veracity.server.errors import TooManyListeners
from veracity.server.settings import ServerSettings

__all__ = ["app", "made"]


def test_the_log_is_told_as_it_is(app: FastAPI, made: Released) -> None:
    """Size, root and checkpoint are the published ones; days and kinds add up to the size."""
    home = made.city.open(5)
    reader, kinds = home.published(), home.index.kinds()
    home.close()
    found = got(app, "/api/v1/log")
    assert (found["size"], found["published"], found["is_published"]) == (reader.size, reader.size, True)
    assert found["checkpoint"].encode() == reader.checkpoint_note
    assert found["kinds"] == kinds
    assert sum(found["kinds"].values()) == found["size"] == sum(d["n"] for d in found["growth"])
    assert found["witnesses"] == []
    city = got(app, "/api/v1/city")
    assert (city["log"]["size"], city["log"]["root"]) == (found["size"], found["root"])
    assert city["policy"] == (made.city.root / "trust.policy").read_text()
    assert city["bbox"] == [108.2, 16.0, 108.2, 16.0]


def test_statements_come_newest_first(app: FastAPI, made: Released) -> None:
    """Page by page every statement once, as it was signed, and by whom; or those of one kind."""
    home = made.city.open(5)
    said = [parse_statement(open_envelope(e).payload) for e in home.reader().entries()]
    home.close()
    items: list[Any] = []
    at = "/api/v1/log/statements?limit=7"
    while at:
        page = got(app, at)
        items, at = items + page["items"], page["next"]
    assert [i["entry"] for i in items] == list(range(len(said)))[::-1]
    for item in items:
        assert item["kind"] == said[item["entry"]].kind
        assert item["statement"]["predicate"] == dict(said[item["entry"]].predicate)
        assert item["signer"] is not None
    decides = got(app, "/api/v1/log/statements?kind=decide")["items"]
    assert [i["about"] for i in decides] == [f"{SYSTEM} run {n}" for n in (3, 2, 1, 0)]
    assert got(app, "/api/v1/log/statements?before=1")["items"] == items[-1:]
    assert got(app, "/api/v1/log/statements?kind=lies", 422)["code"] == "malformed-request"


def test_lineage_is_that_of_the_log(app: FastAPI, made: Released) -> None:
    """What a decision rests on and what rests on it, as ``veracity lineage`` has them; cut where asked."""
    home = made.city.open(5)
    said = [parse_statement(open_envelope(e).payload) for e in home.reader().entries()]
    home.close()
    graph = Lineage.of(enumerate(said))
    for entry in range(len(said)):
        found = got(app, f"/api/v1/lineage/{entry}")
        assert [n["entry"] for n in found["rests_on"]] == graph.ancestors(entry)
        assert [n["entry"] for n in found["used_by"]] == graph.descendants(entry)
        assert not found["is_cut"]
        told = {entry, *graph.ancestors(entry), *graph.descendants(entry)}
        assert {tuple(e) for e in found["edges"]} == {(a, b) for b in told for a in graph.parents(b) & told}
    decide = got(app, "/api/v1/log/statements?kind=decide")["items"][0]["entry"]
    cut = got(app, f"/api/v1/lineage/{decide}?limit=2")
    assert len(cut["rests_on"]) == 2
    assert cut["is_cut"]
    assert got(app, "/api/v1/lineage/100000", 404)["code"] == "not-there"


def test_the_lineage_of_a_row(app: FastAPI) -> None:
    """A row's batch, its page, who signed its file, and the address of its receipt."""
    row = got(app, "/api/v1/feeds/rain/series?field=rain&key=G00&limit=1")["points"][0]
    batch, record = row["record"].split(":")
    found = got(app, f"/api/v1/lineage/row/rain/{batch}/{record}")
    assert found["it"]["about"] == f"rain batch {batch}"
    assert (found["device"], found["agency"], found["page"]) == (None, AGENCY, int(record) // 64)
    assert found["simulated"]
    assert got(app, found["receipt"])["schema"].startswith("veracity.receipt/")
    for wrong in (f"{batch}/100000", "100000/0", f"{2**53 - 1}/0"):
        assert got(app, f"/api/v1/lineage/row/rain/{wrong}", 404)["code"] == "not-there"


def test_the_files_of_the_log_lie_where_they_did(app: FastAPI, made: Released) -> None:
    """Below /log, and where ``log serve`` has them: the same bytes; nothing else of the home."""
    folder = made.city.root / "store/log"
    for path in ("checkpoint", f"tile/0/000.p/{got(app, '/api/v1/log')['size']}"):
        for prefix in ("", "/log"):
            answer = ask(app, "GET", f"{prefix}/{path}")
            assert (answer.status_code, answer.content) == (200, (folder / path).read_bytes())
    for path in ("/log/..%2fkeys/log.key", "/log/%2e%2e/%2e%2e/keys/log.key", "/log/state", "/tile/0/0"):
        assert ask(app, "GET", path).status_code == 404
    assert ask(app, "POST", "/log/checkpoint").status_code == 405


def test_receipts_lie_where_they_did(app: FastAPI, made: Released) -> None:
    """The receipt of a record verifies; what is not there is a problem."""
    home = made.city.open(5)
    policy = home.policy
    home.close()
    answer = ask(app, "GET", "/receipts/rain/0/3")
    shown = verify_receipt(parse_receipt(answer.content), policy)
    assert shown.simulated
    assert answer.headers["cache-control"] == "public, max-age=60"
    for path, code in (
        ("/receipts/rain/0/100000", "record-not-found"),
        ("/receipts/rain/100000/0", "record-not-found"),
        ("/receipts/snow/0/0", "not-there"),
        ("/receipts/rain/0", "not-found"),
    ):
        assert got(app, path, 404)["code"] == code
    assert got(app, "/receipts/RAIN/0/0", 422)["code"] == "malformed-request"


def test_who_listens_is_told_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once what there is, then what grows, by one poller for all; one listener too many is refused."""
    monkeypatch.setattr(events, "POLL_S", 0.02)
    root = new_city(tmp_path / "city")
    app = make_app(ServerSettings(root, clock=clock, max_listeners=2))
    hub: events.Events = app.state.events

    async def trial() -> tuple[list[bytes], list[bytes]]:
        one = hub.join()
        first = [await one.get() or b""]
        other = hub.join()
        second = [await other.get() or b""]
        with pytest.raises(TooManyListeners):
            hub.join()

        def grow() -> None:
            with open_writer(root, clock) as home:
                ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 20)], sign=key(AGENCY))

        await asyncio.to_thread(grow)
        async with asyncio.timeout(10):
            first.append(await one.get() or b"")
            second.append(await other.get() or b"")
        hub.close()
        async with asyncio.timeout(10):
            assert await one.get() is None
        hub.leave(one)
        hub.leave(other)
        assert hub.n_listeners == 0
        return first, second

    first, second = asyncio.run(trial())
    assert first == second
    assert b"id: 3\n" in first[0]
    assert b'"kind":"contract"' in first[0]
    assert b"id: 4\n" in first[1]
    assert b'"kind":"ingest"' in first[1]
    assert b'"kind":"contract"' not in first[1]


def test_who_reads_too_slowly_is_let_go(tmp_path: Path) -> None:
    """A listener that leaves its events waiting gets an end, and costs no memory."""
    app = make_app(ServerSettings(new_city(tmp_path / "city"), clock=clock))
    hub: events.Events = app.state.events

    async def trial() -> None:
        slow = hub.join()
        while not slow.full():
            slow.put_nowait(b"event")
        hub._let_go(slow)
        assert slow.get_nowait() is None
        hub.leave(slow)

    asyncio.run(trial())
