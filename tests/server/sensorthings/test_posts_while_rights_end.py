"""What ends or changes while posts wait counts: a right, a contract; the log has no batch behind the end."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
import urllib3

from accounts_city import Time, granting
from small_city import AGENCY, clock, contract
from things_posting import (
    DEADLINE_S,
    OTHER,
    STAFF,
    Post,
    Posting,
    one,
    patient,
    posted_to,
    posting,
    wait_for,
    written,
)
from veracity.home.accounts.account import Account
from veracity.home.accounts.granting import close_account, make_token, revoke_token, set_rights
from veracity.home.accounts.sessions import IDLE, begin_session, session_holder
from veracity.home.accounts.standing import ended
from veracity.home.accounts.store import AccountStore
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.home import Home, Writer
from veracity.server.sensorthings import posts

__all__ = ["posting"]

Change = Callable[[Writer, AccountStore], object]
RULES = ("{rule: rate, maximum: 2, per: 10 min}, severity: warning",)  #: as the city's feed has them


def meanwhile(
    posting: Posting, sent: Sequence[Post], change: Change
) -> tuple[list[urllib3.BaseHTTPResponse], list[int], int]:
    """Change something while posts wait; return the answers, the batches after, and the log's size then."""
    with posted_to(posting) as city, patient(), ThreadPoolExecutor(len(sent)) as clients:
        with granting(posting.root) as (home, store):
            waiting = [clients.submit(city.send, *post) for post in sent]
            wait_for(lambda: city.n_waiting == len(sent))
            change(home, store)
            size = home.log.size
        answers = [answer.result(DEADLINE_S) for answer in waiting]
    with closing(Home.open(posting.root, clock)) as home:
        assert audit(home).is_clean
        after = [row.received for row in home.index.batches("rain") if row.idx >= size]
    return answers, after, size


def revoke(home: Writer, store: AccountStore) -> None:
    """End the agency's token."""
    revoke_token(home, store, store.tokens(AGENCY)[0].identifier)


def close(home: Writer, store: AccountStore) -> None:
    """End the agency's account."""
    close_account(home, store, AGENCY)


def make_viewer(home: Writer, store: AccountStore) -> None:
    """Let the agency's account only read."""
    set_rights(home, store, AGENCY, ["viewer"], AGENCY)


def move(home: Writer, store: AccountStore) -> None:
    """Make the account another agency's."""
    set_rights(home, store, AGENCY, ["publisher"], OTHER)


def hand_over(home: Writer, _: AccountStore) -> None:
    """Make the feed another agency's, by a new contract."""
    add_feed(home, contract(home.directory.root.parent, version="2.0.0", agency=OTHER, rules=RULES))


def forbid(home: Writer, _: AccountStore) -> None:
    """Lower what the feed takes to 1 mm, by a new contract."""
    add_feed(home, contract(home.directory.root.parent, version="2.0.0", maximum=1, rules=RULES))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (revoke, (401, "bad-credential")),
        (close, (401, "bad-credential")),
        (make_viewer, (403, "role-needed")),
        (move, (403, "role-needed")),
        (hand_over, (403, "not-creatable")),
    ],
)
def test_what_ended_while_a_post_waited_ends_it(
    posting: Posting, change: Change, refusal: tuple[int, str]
) -> None:
    """Refused as if it came after: nothing of it is sealed, or in the journal; another's goes in beside."""
    answers, after, _ = meanwhile(posting, [one(1), one(2, account=STAFF)], change)
    assert (answers[0].status, answers[0].json()["code"]) == refusal
    assert answers[1].status == 201
    assert after == [1]
    assert [w.account for w in written(posting.root).values()] == [STAFF]


def test_a_post_that_waited_is_judged_by_the_new_contract(posting: Posting) -> None:
    """It is made a record of it, and the client need not know; the statement names that contract."""
    answers, after, size = meanwhile(posting, [one(1, 0.5), one(2, 1.5)], forbid)
    assert [answer.status for answer in answers] == [201, 409]
    assert sum(after) == 2
    with closing(Home.open(posting.root, clock)) as home:
        named = {str(p["contract"]) for idx, p in home.index.predicates("ingest", "rain") if idx >= size}
        assert named == {home.feed("rain").contract.sha256}


def test_a_contract_that_is_replaced_again_and_again(
    posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some times the client is told to come again, and nothing of its post is sealed."""
    monkeypatch.setattr(posts, "MAX_MADE", 1)
    (answer,), after, _ = meanwhile(posting, [one(1)], forbid)
    assert (answer.status, answer.json()["code"]) == (503, "contract-replaced")
    assert int(answer.headers["Retry-After"]) > 0
    assert after == []
    assert written(posting.root) == {}


def test_what_an_account_may_less_than_it_asked_with(posting: Posting) -> None:
    """Of tokens and sessions, by the time: those that count as before, those that ended, those with less."""
    time = Time()
    with granting(posting.root, time) as (home, store):
        token = store.holder(posting.tokens[STAFF])
        session = session_holder(store, begin_session(store, STAFF, frozenset({"publisher"})))
        assert session is not None
        of_one_feed = store.holder(make_token(home, store, STAFF, feeds=["rain"])[0].text)
        by_command = Account("operator", frozenset({"admin"}), came_by="command")
        unknown = replace(token, credential="0123456789")
        asked = [token, session, of_one_feed, by_command, unknown, replace(of_one_feed, feeds=None)]

        def codes() -> list[str | None]:
            why = ended(store, asked)
            return [why[a].code if a in why else None for a in asked]

        assert codes() == [None, None, None, None, "bad-credential", "role-needed"]
        time.at += IDLE
        assert codes() == [None, "bad-credential", None, None, "bad-credential", "role-needed"]
        set_rights(home, store, STAFF, ["publisher", "viewer"], None)
        assert codes()[0] is None  # more is no less
        time.pass_by(days=90)
        assert codes()[:4] == ["bad-credential"] * 3 + [None]
