"""Attacks on personal data: an insider with the disk, the backups and the vault; and who notices.

What an insider can do all the same is shown too: who kept the vault and its master key from before an
erasure has what they kept.
"""

import hashlib
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest

import veracity.home.batch
from persons import FEED, csv, every_byte, leaks, new_city, persons, secrets_of
from small_city import clock
from veracity.data.personal.protect import Protector
from veracity.data.personal.pseudonym import pseudonym
from veracity.data.personal.token import TOKEN, TokenRejected, open_token, parse_name
from veracity.home import protection
from veracity.home.audit import audit
from veracity.home.erasures import erase_value
from veracity.home.errors import NothingPersonal, StateBehind, VaultUnusable
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.persons import opened_vault, show
from veracity.home.vault import Vault
from veracity.home.vault_key import read_master_key

BY, WHY = "Nguyen Van Dung", "letter of 3 September"
ROWS = persons(60)
VICTIM = ROWS[9]
PLACE = (0, 10)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city that took a file of persons in."""
    folder = tmp_path_factory.mktemp("before")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, FEED, [csv(folder / "a.csv", ROWS)])
    return root


@pytest.fixture
def city(before: Path, tmp_path: Path) -> Path:
    """A copy of it in which the victim's record was erased, and the master key changed."""
    root = Path(shutil.copytree(before, tmp_path / "city"))
    erase(root, rotate=True)
    return root


def erase(root: Path, *, rotate: bool) -> None:
    with open_writer(root, clock) as home:
        erase_value(home, FEED, "phone", VICTIM["phone"], BY, WHY)
        if rotate:
            with opened_vault(home) as vault:
                vault.rotate()


def found(root: Path) -> list[str]:
    """What an audit finds."""
    home = Home.open(root, clock)
    try:
        return [f.what for f in audit(home).findings]
    finally:
        home.close()


def tokens_of_victim(root: Path) -> list[str]:
    """Every token of the victim's record that stands anywhere in a home."""
    home = Home.open(root, clock)
    row = home.table(FEED).scan(batch=PLACE[0]).filter(pl.col("_record") == PLACE[1]).collect()
    home.close()
    name = str(row["phone"][0])[4:26]
    texts = (body.decode("latin-1") for _, body in every_byte(root))
    return sorted({m.group() for text in texts for m in TOKEN.finditer(text) if m.group(1) == name})


def wrapped_key_of_victim(root: Path) -> tuple[bytes, bytes]:
    """The victim's record's name and its wrapped key, as a vault has them."""
    name = parse_name(tokens_of_victim(root)[0][4:26])
    database = sqlite3.connect(root / "vault.db")
    try:
        (wrapped,) = database.execute("SELECT wrapped FROM keys WHERE name = ?", (name,)).fetchone()
    finally:
        database.close()
    return name, bytes(wrapped)


def test_the_key_is_in_no_file_after_an_erasure(before: Path, tmp_path: Path) -> None:
    """The insider scans every file, the vault and its write-ahead log too: not a byte of the key is left."""
    name, wrapped = wrapped_key_of_victim(before)
    home = Home.open(before, clock)
    with opened_vault(home) as vault:
        key = vault.key(name)
    home.close()
    assert key is not None
    assert [n for n, _ in leaks(before, [wrapped])] == ["vault.db"]
    root = Path(shutil.copytree(before, tmp_path / "city"))
    with open_writer(root, clock) as writer:  # looked at while the home is still open
        erase_value(writer, FEED, "phone", VICTIM["phone"], BY, WHY)
        pieces = [wrapped[i : i + 12] for i in range(0, len(wrapped) - 11, 12)]
        assert leaks(root, [key, wrapped, *pieces]) == []
    assert leaks(root, [key, wrapped, *pieces]) == []
    assert leaks(root, secrets_of([VICTIM])) == []


def test_no_key_that_is_left_opens_an_erased_value(city: Path) -> None:
    """The insider tries every key of the vault on every token of the victim: none opens any."""
    tokens = tokens_of_victim(city)
    assert len(tokens) == 3
    home = Home.open(city, clock)
    database = sqlite3.connect(city / "vault.db")
    names = [bytes(n) for (n,) in database.execute("SELECT name FROM keys")]
    database.close()
    with opened_vault(home) as vault:
        keys = [vault.key(name) for name in names]
    home.close()
    assert len(keys) == 60  # 59 others and the header's
    for token in tokens:
        for key in keys:
            assert key is not None
            with pytest.raises(TokenRejected):
                open_token(token, FEED, ("resident", "phone", "*other"), key)


def test_guessing_needs_what_is_destroyed(city: Path, before: Path) -> None:
    """Who has the vault and its key, knows all but the number, and tries the right one, learns nothing."""

    def knows(root: Path) -> bool:
        """Whether anything in the vault agrees with a guess of the victim's number, or of the whole file."""
        home = Home.open(root, clock)
        with opened_vault(home) as vault:
            pepper = vault._opened()[1]
        home.close()
        plain = hashlib.sha256((before.parent / "a.csv").read_bytes()).hexdigest()
        guesses = {pseudonym(pepper, FEED, "phone", VICTIM["phone"]), pseudonym(pepper, FEED, "*file", plain)}
        database = sqlite3.connect(root / "vault.db")
        kept = {bytes(p) for (p,) in database.execute("SELECT pseudonym FROM pseudonyms")}
        files = database.execute("SELECT lookup, salt FROM files").fetchall()
        database.close()
        return bool(guesses & kept) or any(value is not None for row in files for value in row)

    assert knows(before)
    assert not knows(city)


def test_an_old_vault_is_noise_after_the_master_key_changed(city: Path, before: Path) -> None:
    """A backup of ``vault.db`` from before the erasure opens nothing under the new master key."""
    name, wrapped = wrapped_key_of_victim(before)
    with pytest.raises(VaultUnusable):
        read_master_key(city / "keys" / "vault.key").unwrap(wrapped, name)
    shutil.copy(before / "vault.db", city / "vault.db")
    home = Home.open(city, clock)
    with pytest.raises(StateBehind, match="older backup"):
        show(home, FEED, *PLACE, BY, WHY)
    home.close()
    assert "key not destroyed" in found(city)


def test_who_kept_vault_and_master_key_has_what_they_kept(city: Path, before: Path) -> None:
    """The limit: both from before the erasure open the value; an audit where they were put back says so."""
    name, wrapped = wrapped_key_of_victim(before)
    key = read_master_key(before / "keys" / "vault.key").unwrap(wrapped, name)
    opened = [open_token(t, FEED, ("resident", "phone", "*other"), key) for t in tokens_of_victim(city)]
    assert ("phone", VICTIM["phone"].encode()) in opened
    shutil.copy(before / "vault.db", city / "vault.db")
    shutil.copy(before / "keys" / "vault.key", city / "keys" / "vault.key")
    assert found(city) == ["key not destroyed"]


def test_a_key_taken_away_in_silence(before: Path, tmp_path: Path) -> None:
    """The insider deletes a record's key and says nothing: the audit names the record."""
    root = Path(shutil.copytree(before, tmp_path / "city"))
    name, _ = wrapped_key_of_victim(root)
    database = sqlite3.connect(root / "vault.db")
    with database:
        database.execute("DELETE FROM keys WHERE name = ?", (name,))
    database.close()
    assert found(root) == ["key lost"]
    (root / "vault.db").unlink()
    assert found(root) == ["vault"]


def test_an_erasure_that_only_says_so(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator says that a record is erased and keeps its key: the audit finds the key."""
    root = Path(shutil.copytree(before, tmp_path / "city"))
    monkeypatch.setattr(Vault, "destroy", lambda *_: None)
    erase(root, rotate=False)
    monkeypatch.undo()
    assert found(root) == ["key not destroyed"]


@pytest.mark.parametrize("how", ["another list", "no list"])
def test_another_list_of_erased_records(city: Path, how: str) -> None:
    """The insider changes or removes the list of what was erased: the digest in the statement tells."""
    (path,) = (city / "store" / "erased" / FEED).iterdir()
    if how == "no list":
        path.unlink()
    else:
        pl.read_parquet(path).with_columns(_record=pl.lit(3, pl.Int64)).write_parquet(path)
    assert set(found(city)) == {"erased records", "key lost"}


def test_a_value_sealed_in_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator whose program encrypts nothing is found by the audit, which reads the evidence."""
    root = new_city(tmp_path / "city")

    class Idle(Protector):
        def part(self, data: bytes, ends: object, **_: object) -> object:  # type: ignore[override]
            from veracity.data.personal.protect import ProtectedPart

            return ProtectedPart(data, ())

    monkeypatch.setattr(protection, "Protector", Idle)
    monkeypatch.setattr(veracity.home.batch, "check_text", lambda *_, **__: None)
    with open_writer(root, clock) as home:
        ingest(home, FEED, [csv(tmp_path / "a.csv", ROWS)])
    monkeypatch.undo()
    assert found(root) == ["personal value in clear"]


def test_an_older_vault_is_noticed(before: Path, tmp_path: Path) -> None:
    """A vault from before the last file has not its keys: the audit says which batch lost them."""
    root = Path(shutil.copytree(before, tmp_path / "city"))
    old = (root / "vault.db").read_bytes()
    with open_writer(root, clock) as home:
        ingest(home, FEED, [csv(tmp_path / "b.csv", persons(5, seed=8))])
    (root / "vault.db").write_bytes(old)
    home_ = Home.open(root, clock)
    where = [f.where for f in audit(home_).findings]
    with pytest.raises(NothingPersonal):
        show(home_, FEED, 1, 1, BY, WHY)
    home_.close()
    assert where == [f"{FEED} batch 1"]
