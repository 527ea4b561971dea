"""Private keys under a passphrase, in a keyring, in a file elsewhere, named by a variable, on a token."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from small_city import AGENCY, ORIGIN, clock, contract, key, ndjson, new_city
from tokens import Token
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency, rotate_operator, signing_key
from veracity.home.errors import BadName, HomeExists, MissingKey, VaultUnusable
from veracity.home.founding import KeyReferences, init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.key_care import encrypt_key, held_keys, make_key, move_key
from veracity.home.key_places import KeyPlace, open_key, open_reference, read_key_file, read_reference
from veracity.home.passphrases import read_passphrase
from veracity.home.receipts import find_record, make_receipt
from veracity.home.vault_key import read_master_key
from veracity.provenance.errors import (
    ExposedKey,
    KeyUnavailable,
    MalformedKeyReference,
    MalformedSigningKey,
    PassphraseNeeded,
    PassphraseRejected,
)
from veracity.provenance.keys import SigningKey
from veracity.provenance.secret_files import write_secret
from veracity.verifying import verify

PASSPHRASE = b"correct horse battery staple"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


@pytest.fixture
def keys(root: Path) -> Path:
    return root / "keys"


def say(monkeypatch: pytest.MonkeyPatch, folder: Path, passphrase: bytes = PASSPHRASE) -> None:
    """Name a passphrase file in the environment."""
    path = folder / passphrase.decode()[:4]
    if not path.exists():
        write_secret(path, passphrase + b"\n")
    monkeypatch.setenv("VERACITY_PASSPHRASE_FILE", str(path))


def works(root: Path, n: int = 0) -> bool:
    """Whether the city can say something, and what it says verifies."""
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(root.parent / f"{n}.ndjson", 20 * n, 20)])
    reading = Home.open(root, clock)
    verify(make_receipt(reading, "rain", find_record(reading, "rain", n, 0)), root / "trust.policy")
    clean = audit(reading).is_clean
    reading.close()
    return clean


@pytest.mark.parametrize("name", ["operator", "log"])
def test_a_key_under_a_passphrase(
    root: Path, keys: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain file goes; without the passphrase, or with another, nothing is signed."""
    place = KeyPlace(keys, name)
    secret = open_key(place).public
    assert encrypt_key(place, lambda _: PASSPHRASE).held == "file, under a passphrase"
    assert [p.name for p in place.held()] == [f"{name}.p12"]
    assert place.p12.stat().st_mode & 0o777 == 0o600
    monkeypatch.delenv("VERACITY_PASSPHRASE_FILE", raising=False)
    with pytest.raises(PassphraseNeeded, match="VERACITY_PASSPHRASE_FILE"), open_writer(root, clock):
        pass
    say(monkeypatch, tmp_path, b"wrong")
    with pytest.raises(PassphraseRejected), open_writer(root, clock):
        pass
    say(monkeypatch, tmp_path)
    assert open_key(place).public == secret
    assert works(root)
    encrypt_key(place, lambda _: b"another one")  # the old one is asked for to open it
    say(monkeypatch, tmp_path, b"another one")
    assert open_key(place).public == secret


def test_a_passphrase_file_is_for_its_owner(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A passphrase file that others can read, or that is empty, is refused."""
    encrypt_key(KeyPlace(keys, "operator"), lambda _: PASSPHRASE)
    path = tmp_path / "passphrase"
    path.write_bytes(PASSPHRASE)
    path.chmod(0o644)
    monkeypatch.setenv("VERACITY_PASSPHRASE_FILE", str(path))
    with pytest.raises(ExposedKey, match="want mode 0600, got 0644"):
        open_key(KeyPlace(keys, "operator"))
    path.write_bytes(b"\nsecond line")
    path.chmod(0o600)
    with pytest.raises(MalformedSigningKey, match="want a first line"):
        open_key(KeyPlace(keys, "operator"))


def test_openssl_reads_a_key_under_a_passphrase(keys: Path) -> None:
    """The form is the standard one, with AES-256 and the rounds that are promised."""
    encrypt_key(KeyPlace(keys, "operator"), lambda _: PASSPHRASE)
    command = [
        "openssl",
        "pkcs12",
        "-in",
        str(keys / "operator.p12"),
        "-passin",
        f"pass:{PASSPHRASE.decode()}",
    ]
    shown = subprocess.run([*command, "-info", "-noout"], capture_output=True, text=True, check=True).stderr
    assert "PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256" in shown
    pem = subprocess.run([*command, "-nodes", "-nocerts"], capture_output=True, check=True).stdout
    assert SigningKey.from_pem(pem[pem.index(b"-----BEGIN") :]) == key("operator")


def test_a_key_elsewhere(root: Path, keys: Path, tmp_path: Path) -> None:
    """A key moved to a file elsewhere is used from there, and comes home again."""
    place, there = KeyPlace(keys, "operator"), tmp_path / "elsewhere.pem"
    held = move_key(place, f"file:{there}", ORIGIN)
    assert (held.held, held.reference) == ("reference", f"file:{there}")
    assert [p.name for p in place.held()] == ["operator.ref"]
    assert works(root)
    move_key(place, "home", ORIGIN)
    assert [p.name for p in place.held()] == ["operator.pem"]
    assert not there.exists()
    assert works(root, 1)


def test_the_logs_key_comes_home_as_it_was(root: Path, keys: Path, tmp_path: Path) -> None:
    """Moved out and home again, the log's key file is the same to the byte."""
    before = (keys / "log.key").read_bytes()
    move_key(KeyPlace(keys, "log"), f"file:{tmp_path}/log.pem", ORIGIN)
    assert works(root)
    move_key(KeyPlace(keys, "log"), "home", ORIGIN)
    assert (keys / "log.key").read_bytes() == before


def test_nothing_is_overwritten(keys: Path, tmp_path: Path) -> None:
    """Where another key is, none goes; the one that should have gone stays where it was."""
    place, there = KeyPlace(keys, "operator"), tmp_path / "elsewhere.pem"
    write_secret(there, key("another").to_pem())
    with pytest.raises(KeyUnavailable, match="never overwritten"):
        move_key(place, f"file:{there}", ORIGIN)
    assert there.read_bytes() == key("another").to_pem()
    assert [p.name for p in place.held()] == ["operator.pem"]
    write_secret(place.p12, key("another").to_pkcs12(b"x", 1))
    (tmp_path / "x").touch(0o600)
    (tmp_path / "x").write_text("x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERACITY_PASSPHRASE_FILE", str(tmp_path / "x"))
        with pytest.raises(KeyUnavailable, match=r"want .*operator\.pem to be the same key"):
            encrypt_key(place, lambda _: PASSPHRASE)


def refused(place: KeyPlace, to: Path, match: str = "want another place, got the file it is in") -> None:
    """Assert that a key does not go to a file, and that it is held as before and opens."""
    held, public = place.held(), open_key(place).public
    with pytest.raises(KeyUnavailable, match=match):
        move_key(place, f"file:{to}", ORIGIN)
    assert (place.held(), open_key(place).public) == (held, public)


def test_a_key_does_not_move_onto_itself(root: Path, keys: Path, tmp_path: Path) -> None:
    """The file that a key is in is no other place by another name: by a link, hard or not, or a folder's."""
    (tmp_path / "link").symlink_to(keys)
    (tmp_path / "linked.key").symlink_to(keys / "log.key")
    (tmp_path / "hard.key").hardlink_to(keys / "log.key")
    for to in (
        keys / "log.key",
        tmp_path / "link" / "log.key",
        tmp_path / "linked.key",
        tmp_path / "hard.key",
    ):
        refused(KeyPlace(keys, "log"), to)
    refused(KeyPlace(keys, "operator"), tmp_path / "link" / "operator.pem")
    assert works(root)


def test_a_key_elsewhere_does_not_move_onto_itself(root: Path, keys: Path, tmp_path: Path) -> None:
    """Nor is the file that the reference names another place, however its path is written."""
    place, away = KeyPlace(keys, "log"), tmp_path / "away"
    (away / "d").mkdir(parents=True)
    move_key(place, f"file:{away}/l.key", ORIGIN)
    (tmp_path / "link").symlink_to(away)
    (tmp_path / "hard.key").hardlink_to(away / "l.key")
    for to in (away / "d" / ".." / "l.key", tmp_path / "link" / "l.key", tmp_path / "hard.key"):
        refused(place, to)
    assert works(root)
    move_key(place, f"file:{away}/l.key.part", ORIGIN)
    refused(place, away / "l.key")  # writing it would begin by removing what a crash left beside it
    move_key(place, f"file:{away}/l2.key", ORIGIN)
    assert not (away / "l.key").exists()
    assert works(root, 1)


def test_no_reference_leads_into_the_home(keys: Path, tmp_path: Path) -> None:
    """What ``keys/`` holds goes by its names there; the file of a reference could be in their way."""
    (tmp_path / "link").symlink_to(keys)
    for to in (keys / "other.pem", keys / "log.pem", tmp_path / "link" / "agencies" / "x.pem"):
        refused(KeyPlace(keys, "operator"), to, r"want another place than .*keys, got")
        assert not to.exists()


@pytest.mark.parametrize("written", ["{keys}/log.key", "log.key", "{keys}/agencies/../log.key"])
def test_a_reference_into_the_home_comes_home(root: Path, keys: Path, written: str, tmp_path: Path) -> None:
    """Where somebody wrote such a reference, the key it leads to stays, whichever way it is moved."""
    place = KeyPlace(keys, "log")
    write_secret(place.ref, f"file:{written.format(keys=keys)}\n".encode())
    refused(place, keys / "log.key")
    move_key(place, "home", ORIGIN)
    assert place.held() == [place.plain]
    assert works(root)
    write_secret(place.ref, f"file:{written.format(keys=keys)}\n".encode())
    move_key(place, f"file:{tmp_path}/l.key", ORIGIN)
    assert place.held() == [place.ref]
    assert works(root, 1)


def test_a_key_does_not_come_home_to_a_link(keys: Path, tmp_path: Path) -> None:
    """A link in the home may lead to the very file that would be removed."""
    place, there = KeyPlace(keys, "operator"), tmp_path / "elsewhere.pem"
    move_key(place, f"file:{there}", ORIGIN)
    place.plain.symlink_to(there)
    with pytest.raises(KeyUnavailable, match="to be a file, got a link"):
        move_key(place, "home", ORIGIN)
    assert open_key(place).public == key("operator").public


def test_another_key_under_a_passphrase_is_not_removed(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a move would remove is opened first, under its passphrase too: it may be another key."""
    place = KeyPlace(keys, "operator")
    move_key(place, f"file:{tmp_path}/operator.pem", ORIGIN)
    write_secret(place.p12, key("another").to_pkcs12(PASSPHRASE, 1))
    say(monkeypatch, tmp_path)
    for to in ("home", f"file:{tmp_path}/further.pem"):
        with pytest.raises(KeyUnavailable, match=r"want .*operator\.p12 to be the same key"):
            move_key(place, to, ORIGIN)
    assert [p.name for p in place.held()] == ["operator.ref", "operator.p12"]


def test_a_variable_names_the_file(
    root: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``env:`` leads to the file that the variable names, in any form a key file has."""
    path = tmp_path / "mounted"
    (keys / "operator.pem").rename(path)
    (keys / "operator.ref").write_text("env:CITY_KEY\n")
    monkeypatch.delenv("CITY_KEY", raising=False)
    with pytest.raises(KeyUnavailable, match="CITY_KEY"), open_writer(root, clock):
        pass
    monkeypatch.setenv("CITY_KEY", str(path))
    assert works(root)
    path.chmod(0o640)
    with pytest.raises(ExposedKey), open_writer(root, clock):
        pass


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_an_exposed_file_is_refused(keys: Path, mode: int) -> None:
    """A key that others may read is not used; the error says the mode."""
    place = KeyPlace(keys, "operator")
    place.plain.chmod(mode)
    with pytest.raises(ExposedKey, match=f"want mode 0600, got {mode:04o}"):
        open_key(place)


def test_missing_and_wrong_files(tmp_path: Path) -> None:
    """What is no key file fails as our own error, in one line that names the file."""
    for nothing in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(KeyUnavailable):
            read_key_file(nothing)
    path = tmp_path / "wrong.pem"
    for content in (b"", b"PRIVATE+KEY+x", b"\xff", bytes(10_000)):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(MalformedSigningKey, match=f"^key file {path}: ") as caught:
            read_key_file(path)
        assert "\n" not in str(caught.value)


def test_a_variable_that_holds_a_secret(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a variable holds is never shown, be it by mistake the key itself: an error names the variable."""
    there, exposed = tmp_path / "s3cret", tmp_path / "exposed-s3cret"
    write_secret(there, b"no key")
    exposed.touch()
    exposed.chmod(0o644)
    for value in ("PRIVATE+KEY+s3cret", "s3cret" * 60, str(tmp_path / "no-s3cret"), there, exposed):
        monkeypatch.setenv("CITY_KEY", str(value))
        with pytest.raises((KeyUnavailable, ExposedKey, MalformedSigningKey), match="CITY_KEY") as caught:
            open_reference("env:CITY_KEY", keys)
        assert "s3cret" not in str(caught.value)


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe where a key, a reference, a passphrase or the vault's key should be is refused at once."""
    pipe = tmp_path / "pipe.ref"
    os.mkfifo(pipe, 0o600)
    for read in (read_key_file, read_passphrase, read_reference):
        with pytest.raises(KeyUnavailable, match="no regular file"):
            read(pipe)
    with pytest.raises(VaultUnusable, match="no regular file"):
        read_master_key(pipe)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "operator.pem",
        "file:",
        "env:lower",
        "env:",
        "keyring:x",
        "keyring:/x",
        "https://x/y",
        "pkcs11:x",
        "a\nb",
    ],
)
def test_what_is_no_reference(keys: Path, text: str) -> None:
    """A reference that says nothing known is refused in one line."""
    (keys / "operator.ref").write_text(text)
    with pytest.raises(MalformedKeyReference) as caught:
        open_key(KeyPlace(keys, "operator"))
    assert "\n" not in str(caught.value)


@pytest.fixture
def keyring() -> Iterator[dict[tuple[str, str], str]]:
    """The keyring library with a backend that keeps its items in memory."""
    library = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    items: dict[tuple[str, str], str] = {}

    class InMemory(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return items.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            items[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del items[service, username]

    before = library.get_keyring()
    library.set_keyring(InMemory())  # type: ignore[no-untyped-call]
    yield items
    library.set_keyring(before)


def test_a_key_in_the_keyring(root: Path, keys: Path, keyring: dict[tuple[str, str], str]) -> None:
    """A key moved to the keyring is used from there, comes home again, and is gone from the keyring."""
    place = KeyPlace(keys, "operator")
    assert move_key(place, "keyring", ORIGIN).reference == f"keyring:veracity/{ORIGIN}/operator"
    assert list(keyring) == [("veracity", f"{ORIGIN}/operator")]
    assert works(root)
    keyring["veracity", f"{ORIGIN}/log"] = key("another").to_pem().decode()
    with pytest.raises(KeyUnavailable, match="never overwritten"):
        move_key(KeyPlace(keys, "log"), "keyring", ORIGIN)
    move_key(place, "home", ORIGIN)
    assert list(keyring) == [("veracity", f"{ORIGIN}/log")]
    assert works(root, 1)


def test_no_keyring(keys: Path) -> None:
    """Where there is no keyring, that is said in one line, and the key stays where it is."""
    pytest.importorskip("keyring")
    import keyring as library
    from keyring.backends.fail import Keyring

    before = library.get_keyring()
    library.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(KeyUnavailable, match="keyring: want to read") as caught:
            move_key(KeyPlace(keys, "operator"), "keyring", ORIGIN)
    finally:
        library.set_keyring(before)
    assert "\n" not in str(caught.value)
    assert [p.name for p in KeyPlace(keys, "operator").held()] == ["operator.pem"]


def test_a_city_whose_keys_are_on_a_token(tmp_path: Path, token: Token) -> None:
    """Both keys are made on the token; the city is made, takes in a file, and its receipt verifies."""
    log, operator = token.uri("city-log"), token.uri("city-operator")
    for reference in (log, operator):
        make_key(reference, tmp_path)
    root = tmp_path / "city"
    init(root, ORIGIN, clock, references=KeyReferences(log, operator))
    assert sorted(p.name for p in (root / "keys").iterdir()) == ["agencies", "log.ref", "operator.ref"]
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, contract(tmp_path))
    assert works(root)
    with pytest.raises(KeyUnavailable, match="one on a token"):
        move_key(KeyPlace(root / "keys", "operator"), "home", ORIGIN)
    with open_writer(root, clock) as home:  # and the operator's key is replaced by another there
        make_key(token.uri("city-operator-2"), tmp_path)
        rotate_operator(home, token.uri("city-operator-2"))
    assert works(root, 1)


def test_a_key_moves_onto_a_token(root: Path, keys: Path, token: Token) -> None:
    """A city that began with files moves both keys onto the token and goes on as the same city."""
    for name in ("log", "operator"):
        held = move_key(KeyPlace(keys, name), token.uri(f"moved-{name}"), ORIGIN)
        assert held.reference == token.uri(f"moved-{name}")
    assert sorted(p.name for p in keys.iterdir()) == ["agencies", "log.ref", "operator.ref"]
    assert works(root)


def test_a_delivery_signed_on_a_token(root: Path, tmp_path: Path, token: Token) -> None:
    """An agency whose key is on a token signs with a key reference in the place of a file."""
    public = make_key(token.uri("agency"), tmp_path)
    with open_writer(root, clock) as home:
        add_agency(home, "second", public)
        assert signing_key(home, token.uri("agency")).public == public


def test_no_city_is_made_without_its_keys(tmp_path: Path) -> None:
    """Where a reference leads to no key, nothing is left behind but an empty directory and its lock."""
    root = tmp_path / "city"
    with pytest.raises(KeyUnavailable):
        init(root, ORIGIN, clock, references=KeyReferences(operator=f"file:{tmp_path}/nothing.pem"))
    assert [p.name for p in root.iterdir()] == ["lock"]
    init(root, ORIGIN, clock)
    with pytest.raises(HomeExists):
        init(root, ORIGIN, clock)


def test_listing_opens_no_key(root: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How keys are held is told without a passphrase, leftovers of a broken move with it."""
    with open_writer(root, clock) as home:
        made = add_agency(home, "second")
    assert made.key_file is not None
    plain = (keys / "operator.pem").read_bytes()
    encrypt_key(KeyPlace(keys, "operator"), lambda _: PASSPHRASE)
    write_secret(keys / "operator.pem", plain)
    monkeypatch.delenv("VERACITY_PASSPHRASE_FILE", raising=False)
    told = {k.name: (k.held, [p.name for p in k.left]) for k in held_keys(keys)}
    assert told == {
        "log": ("file", []),
        "operator": ("file, under a passphrase", ["operator.pem"]),
        f"agencies/{made.key_file.stem}": ("file", []),
    }


def test_names(keys: Path) -> None:
    """A name leads nowhere but to the home's own keys, and a missing key is said to be."""
    for name in ("../operator", "agencies/../log", "ended/x", "", "Operator", "agencies/a/b/c"):
        with pytest.raises(BadName):
            KeyPlace.named(keys, name)
    with pytest.raises(MissingKey):
        open_key(KeyPlace.named(keys, "agencies/nobody"))
