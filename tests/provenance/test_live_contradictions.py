"""What a city says of messages stands together, and each lie about an hour of them is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from test_contradictions import Said, again, changed, codes, said_by

from live_messages import FEED, bare, record, signed
from small_city import AGENCY, NOW, clock, contract, key, ndjson, new_city
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_device
from veracity.home.home import Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.live.accounts import hour_of, say_account
from veracity.home.live.arrivals import Admitted, Arrival, Turned
from veracity.home.live.door import Door
from veracity.home.live.sealing import Memory, Sealer
from veracity.provenance.statements import Account, Ingest, Messages

NAME = f"{AGENCY}/g00"


def seal(home: Writer, memory: Memory, *arrivals: Arrival) -> None:
    made = Door(home).admit(arrivals, home.clock())
    admitted = [m for m in made if isinstance(m, Admitted)]
    assert Sealer(home, memory).seal(FEED, admitted, [m for m in made if isinstance(m, Turned)]) is not None


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """Two hours of signed messages, repetitions alone, one turned away, a file between them, two accounts."""
    folder = tmp_path_factory.mktemp("live")
    root, memory = new_city(folder / "city"), Memory()
    with open_writer(root, clock) as home:
        add_device(home, NAME, key(NAME).public)
        add_feed(home, contract(folder, version="1.1.0", signature="required"))
        first = signed("G00", record("G00", 9), record("G00", 8, 900.0))
        seal(home, memory, first, bare("G01", record("G01", 9)))
        seal(home, memory, first)
        ingest(home, FEED, [ndjson(folder / "a.ndjson", 0, 20)], sign=key(AGENCY))
        seal(home, memory, first, first)
        home.clock = lambda: NOW + timedelta(hours=1)
        assert say_account(home, FEED, hour_of(NOW)) is not None
        seal(home, memory, signed("G00", record("G00", 7)))
        home.clock = lambda: NOW + timedelta(hours=2)
        assert say_account(home, FEED, hour_of(NOW + timedelta(hours=1))) is not None
    return said_by(root)


def test_messages_do_not_contradict_themselves(live: Said) -> None:
    """Batches of nothing share one empty file, and are no file used twice."""
    assert [type(s).__name__ for _, s in live].count("Account") == 2
    assert sum(isinstance(s, Ingest) and s.part.n_records == 0 for _, s in live) == 2
    assert codes(live) == []


def messages(ingest: Ingest, **change: Any) -> Ingest:
    assert isinstance(ingest.messages, Messages)
    return replace(ingest, messages=replace(ingest.messages, **change))


def moved(account: Account, **change: int) -> Account:
    return replace(account, sums=replace(account.sums, **change))


@pytest.mark.parametrize(
    ("kind", "nth", "change", "want"),
    [
        (Ingest, 0, lambda s: messages(s, signed=False), {"delivery"}),
        (Ingest, 0, lambda s: messages(s, refused={}), {"account-sum"}),
        (Ingest, 1, lambda s: messages(s, duplicate=9), {"account-sum"}),
        (Ingest, 4, lambda s: replace(s, received_at="2026-09-03T12:59:59Z"), {"accounted-hour"}),
        (Account, 0, lambda s: replace(s, batches=(0, 1)), {"account-sum"}),
        (Account, 0, lambda s: moved(s, accepted=2, quarantined=0), {"account-sum"}),
        (Account, 0, lambda s: replace(s, reasons={}), {"account-sum"}),
        (Account, 0, lambda s: replace(s, hour="2026-09-03T11:00:00Z"), {"account-sum"}),
        (Account, 1, lambda s: replace(s, hour="2026-09-03T12:00:00Z"), {"accounted-twice", "account-sum"}),
        (Account, 1, lambda s: replace(s, simulated=False), {"simulated"}),
    ],
)
def test_a_lie_about_an_hour_is_told(
    live: Said, kind: type, nth: int, change: Callable[[Any], Any], want: set[str]
) -> None:
    assert want <= set(codes(changed(live, kind, nth, change)))


def test_an_hour_is_accounted_for_once(live: Said) -> None:
    """A second account of an hour is told, whether it differs or not."""
    assert codes(again(live, Account, 0, lambda s: s)) == ["accounted-twice"]
    assert "account-sum" in codes(again(live, Account, 0, lambda s: moved(s, sent=5, duplicate=2)))
