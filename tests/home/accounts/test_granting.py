"""Rights are said in the log before they count, and end before that is said; tokens end when they should."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from accounts_city import Time, granting
from shared_city import Places, founded, shared_places
from small_city import AGENCY, new_city
from veracity.errors import Malformed, VeracityError
from veracity.home.accounts.account import Account
from veracity.home.accounts.errors import (
    AccountExists,
    BadCredential,
    MalformedAccount,
    UnknownAccount,
    UnknownToken,
)
from veracity.home.accounts.granting import (
    add_account,
    close_account,
    make_token,
    revoke_token,
    set_rights,
)
from veracity.home.accounts.store import MAX_TOKENS
from veracity.home.audit import AuditFinding, audit
from veracity.home.errors import UnknownAgency, UnknownFeed
from veracity.home.home import Home
from veracity.provenance.dsse import open_envelope

__all__ = ["shared_places"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


def test_a_token_and_its_ends(root: Path) -> None:
    """A token lets in with its own roles, for its feeds, until it is over; what the log says is clean."""
    time = Time()
    with granting(root, time) as (home, store):
        add_account(home, store, "lan", ["publisher", "operator"], AGENCY)
        token, expires = make_token(home, store, "lan", ["publisher"], ["rain"])
        assert expires - time() == timedelta(days=90)
        want = Account(
            "lan", frozenset({"publisher"}), AGENCY, frozenset({"rain"}), "token", token.identifier
        )
        assert store.holder(token.text) == want
        assert [t.used_at for t in store.tokens("lan")] == [store.now()]
        set_rights(home, store, "lan", ["operator"], AGENCY)
        assert store.holder(token.text).roles == frozenset()
        set_rights(home, store, "lan", ["operator", "publisher"], AGENCY)
        time.pass_by(days=90)
        with pytest.raises(BadCredential):
            store.holder(token.text)
        time.pass_by(days=-1)
        assert store.holder(token.text).has("publisher")
        said = [p["act"] for _, p in home.index.predicates("access")]
        assert said == ["grant"] * 4
        assert audit(home).is_clean


def test_revoked_is_revoked(root: Path) -> None:
    """A token that is revoked ends with those made with it; one unknown, expired, revoked: the same words."""
    with granting(root) as (home, store):
        add_account(home, store, "lan", ["admin", "viewer"])
        first, _ = make_token(home, store, "lan")
        second, _ = make_token(home, store, "lan", by=store.holder(first.text))
        third, _ = make_token(home, store, "lan", by=store.holder(second.text))
        other, _ = make_token(home, store, "lan")
        ended = revoke_token(home, store, first.identifier)
        assert {t.identifier for t in ended} == {first.identifier, second.identifier, third.identifier}
        assert revoke_token(home, store, first.identifier) == []
        words = set()
        for text in (first.text, second.text, third.text):
            with pytest.raises(BadCredential) as caught:
                store.holder(text)
            words.add(str(caught.value))
        assert len(words) == 1
        assert store.holder(other.text).name == "lan"
        close_account(home, store, "lan")
        with pytest.raises(BadCredential):
            store.holder(other.text)
        with pytest.raises(AccountExists):
            add_account(home, store, "lan", ["viewer"])
        with pytest.raises(UnknownAccount):
            close_account(home, store, "lan")
        assert audit(home).is_clean


def test_what_is_refused(root: Path) -> None:
    """Names, roles, feeds, agencies and times that are none are refused, and nothing is said of them."""
    with granting(root) as (home, store):
        add_account(home, store, "lan", ["viewer"])
        before = home.log.size
        wrong: list[tuple[type[VeracityError], object]] = [
            (Malformed, lambda: add_account(home, store, "Lan", ["viewer"])),
            (AccountExists, lambda: add_account(home, store, "operator", ["viewer"])),
            (MalformedAccount, lambda: add_account(home, store, "minh", [])),
            (UnknownAgency, lambda: add_account(home, store, "minh", ["viewer"], "nobody")),
            (MalformedAccount, lambda: make_token(home, store, "lan", ["admin"])),
            (UnknownFeed, lambda: make_token(home, store, "lan", feeds=["snow"])),
            (MalformedAccount, lambda: make_token(home, store, "lan", feeds=[])),
            (MalformedAccount, lambda: make_token(home, store, "lan", valid_for=timedelta(days=366))),
            (MalformedAccount, lambda: make_token(home, store, "lan", valid_for=timedelta(0))),
            (UnknownAccount, lambda: make_token(home, store, "minh")),
            (UnknownToken, lambda: revoke_token(home, store, "none")),
        ]
        for error, call in wrong:
            with pytest.raises(error):
                call()  # type: ignore[operator]
        assert home.log.size == before
        for _ in range(MAX_TOKENS):
            make_token(home, store, "lan")
        with pytest.raises(MalformedAccount):
            make_token(home, store, "lan")


def test_no_secret_is_kept(root: Path) -> None:
    """Neither the database nor the log holds a token's text; the log not even its hash."""
    with granting(root) as (home, store):
        add_account(home, store, "lan", ["viewer"])
        token, _ = make_token(home, store, "lan")
    database = b"".join(path.read_bytes() for path in root.glob("*.db*"))
    others = b"".join(p.read_bytes() for p in root.rglob("*") if p.is_file() and p.suffix != ".db")
    secret = token.text.rpartition("_")[2].encode()
    assert secret not in database + others
    entries = b"".join(_entries(root))
    assert token.identifier.encode() in entries
    assert token.sha256.encode() not in entries


def test_more_than_the_log_says_is_found(root: Path) -> None:
    """Roles, tokens and accounts that somebody put into the database are found by the audit."""
    with granting(root) as (home, store):
        add_account(home, store, "lan", ["viewer"])
        make_token(home, store, "lan", feeds=["rain"])
        revoked, _ = make_token(home, store, "lan")
        revoke_token(home, store, revoked.identifier)
    changes = [
        ("UPDATE access_accounts SET roles = 'admin,viewer'", "account lan", "got admin, viewer"),
        ("UPDATE access_accounts SET agency = 'rain-office'", "account lan", "got viewer of rain-office"),
        ("UPDATE access_accounts SET name = 'eve'", "account eve", "got an account"),
        ("UPDATE access_tokens SET feeds = NULL", "token", "want roles, feeds and expiry"),
        ("UPDATE access_tokens SET roles = 'admin'", "token", "want roles, feeds and expiry"),
        ("UPDATE access_tokens SET expires_at = '2999-01-01T00:00:00Z'", "token", "want roles"),
        ("UPDATE access_tokens SET revoked_at = NULL", f"token {revoked.identifier}", "got a token of lan"),
    ]
    for sql, where, what in changes:
        database = sqlite3.connect(next(root.glob("*.db")))
        before = list(database.iterdump())
        database.execute(sql)
        database.commit()
        database.close()
        findings = audited(root)
        assert any(f.where.startswith(where) and what in f.detail for f in findings), (sql, findings)
        _restore(next(root.glob("*.db")), before)


def test_on_postgresql(tmp_path: Path, shared_places: Places) -> None:
    """Accounts, tokens and their audit are the same where machines share a database."""
    root = founded(tmp_path / "city", shared_places)
    with granting(root) as (home, store):
        add_account(home, store, "lan", ["publisher"])
        token, _ = make_token(home, store, "lan", feeds=["rain"])
        assert store.holder(token.text).feeds == frozenset({"rain"})
        with pytest.raises(AccountExists):
            store.add_account("lan", frozenset({"viewer"}), None)
        assert audit(home).is_clean
        revoke_token(home, store, token.identifier)
        with pytest.raises(BadCredential):
            store.holder(token.text)


def audited(root: Path) -> list[AuditFinding]:
    home = Home.open(root)
    findings = audit(home).findings
    home.close()
    return findings


def _entries(root: Path) -> list[bytes]:
    home = Home.open(root)
    reader = home.reader()
    found = [open_envelope(reader.entry(i)).payload for i in range(reader.size)]
    home.close()
    return found


def _restore(path: Path, dump: list[str]) -> None:
    for old in path.parent.glob(path.name + "*"):
        old.unlink()
    database = sqlite3.connect(path)
    database.executescript("\n".join(dump))
    database.close()
