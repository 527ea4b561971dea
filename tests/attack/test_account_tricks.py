"""Stolen tokens and rights that nobody gave: what comes of them, and who notices."""

import sqlite3
from pathlib import Path

import pytest

from accounts_city import granting
from run_cli import Here
from served_city import Made, made_once, serving
from threats import Attack, attack
from veracity.home.accounts.granting import revoke_token
from veracity.home.accounts.journal import list_path, note_write, seal_writes
from veracity.home.accounts.write import Write

__all__ = ["made_once"]

AUDITOR = "whoever audits the city"


@pytest.fixture
def city(made_once: Made, tmp_path: Path) -> Path:
    """A copy to attack."""
    with serving(made_once, tmp_path) as served:
        return served.root


def changed(city: Path, sql: str) -> None:
    """Change the city's database, as who can write its file."""
    database = sqlite3.connect(city / "veracity.db")
    database.execute(sql)
    database.commit()
    database.close()


def written(city: Path, n: int, *, seal: bool) -> None:
    """Write so many times over the network, with a publisher's token."""
    with granting(city) as (home, store):
        for i in range(n):
            who, path = ("the-publisher", "token", "abcdefgh12"), f"/v1.1/Observations({i})"
            note_write(store.database, Write(store.now(), *who, "POST", path, 201, "ab" * 32))
        if seal:
            seal_writes(home, store.database)


@attack(
    "stolen token",
    act="steals a token and uses it",
    notices="its holder, by when it was last used",
    command="veracity account ls",
    sees="2026-09-03T12:00:00",
    code=0,
)
def test_a_token_used_by_another(this: Attack, made_once: Made, tmp_path: Path, here: Here) -> None:
    """The time of a token's last use is shown."""
    with serving(made_once, tmp_path) as served:
        assert "2026-09-03T12:00:00" not in here("account", "ls", "--home", served.root).out
        assert served.ask("publisher", "GET", "/api/v1/tokens").status_code == 200
    this.notice(here, "account", "ls", "--home", served.root)


@attack(
    "stolen token",
    act="can write the database and makes a revoked token count again",
    notices=AUDITOR,
    command="veracity audit",
    sees="rights: want what the log gives, none, got a token of the-operator",
)
def test_a_revoked_token_put_back(this: Attack, city: Path, here: Here) -> None:
    """A token that counts and that the log has ended is found."""
    with granting(city) as (home, store):
        token = store.tokens("the-operator")[0]
        revoke_token(home, store, token.identifier)
    changed(city, f"UPDATE access_tokens SET revoked_at = NULL WHERE id = '{token.identifier}'")  # noqa: S608
    this.notice(here, "audit", "--home", city)


@attack(
    "stolen token",
    act="can write the database and gives a stolen viewer's account the role of admin",
    notices=AUDITOR,
    command="veracity audit",
    sees="account the-viewer: rights: want viewer of no agency, as the log says, got admin",
)
def test_a_role_that_nobody_gave(this: Attack, city: Path, here: Here) -> None:
    """A role that the log does not give is found."""
    changed(city, "UPDATE access_accounts SET roles = 'admin' WHERE name = 'the-viewer'")
    this.notice(here, "audit", "--home", city)


@attack(
    "stolen token",
    act="writes with a stolen token and takes the write out of the journal before the log has it",
    notices=AUDITOR,
    command="veracity audit",
    sees="journal of writes: writes: want numbers from 0 on, each once, got a hole",
)
def test_a_write_taken_out(this: Attack, city: Path, here: Here) -> None:
    """A number that is missing is found."""
    written(city, 3, seal=False)
    changed(city, "DELETE FROM access_writes WHERE number = 1")
    this.notice(here, "audit", "--home", city)


@attack(
    "stolen token",
    act="writes with a stolen token and puts another's name into the list of writes",
    notices=AUDITOR,
    command="veracity audit",
    sees="writes: access/",
)
def test_a_list_of_writes_changed(this: Attack, city: Path, here: Here) -> None:
    """A list that is not the one in the log is found."""
    written(city, 3, seal=True)
    with granting(city) as (home, _):
        said = home.index.predicates("access")[-1][1]
    path = city / "store" / list_path(said["writes"]["sha256"])
    path.write_bytes(path.read_bytes().replace(b"the-publisher", b"the-developer"))
    this.notice(here, "audit", "--home", city)
