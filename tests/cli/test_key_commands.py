"""The commands about keys, devices and time stamps, with a real authority (openssl) and a real token."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from authority import Authority
from run_cli import COMMAND, Here, environment, is_one_line
from small_city import AGENCY, key_file, ndjson, new_city
from tokens import Token
from veracity.home.home import open_writer
from veracity.provenance.secret_files import write_secret

GAUGE = f"{AGENCY}/g01"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city", signature="required")


def test_a_device_from_enrolment_to_receipt(here: Here, root: Path, tmp_path: Path) -> None:
    """An agency enrols a device with its own key; the device signs; list and receipt say whose it is."""
    agency_key = key_file(tmp_path)
    done = here("device", "add", GAUGE, "--sign", agency_key, "--expires", "2027-01-01", "--home", root)
    assert (done.code, done.err) == (0, "")
    assert f"enrolled {GAUGE}" in done.out
    file = ndjson(tmp_path / "a.ndjson", 0, 20)
    assert here("ingest", "rain", file, "--sign", GAUGE, "--home", root).code == 0
    out = tmp_path / "receipt.json"
    assert here("receipt", "rain", "--record", "0:3", "-o", out, "--home", root).code == 0
    done = here("verify", out, "--policy", root / "trust.policy", "--json")
    document = json.loads(done.out)
    assert (document["agency"], document["revoked"], document["in_log_before"]) == (AGENCY, [], None)
    (listed,) = json.loads(here("device", "ls", "--home", root, "--json").out)["items"]
    assert (listed["agency"], listed["role"]) == (GAUGE, "device")
    assert listed["expires"].startswith("2027-01-01T00:00:00")
    for wrong in ("g01", "nobody/g01", "operator/g01"):
        done = here("device", "add", wrong, "--home", root)
        assert done.code in (1, 3)
        assert is_one_line(done)
    assert here("device", "rotate", GAUGE, "--sign", agency_key, "--home", root).code == 0
    assert here("device", "revoke", GAUGE, "--reason", "lost", "--home", root).code == 0


def test_a_revocation_as_of_a_time_is_told(here: Here, root: Path, tmp_path: Path) -> None:
    """The command warns of devices in force; audit and verify say what no longer counts, with exit 1."""
    file = ndjson(tmp_path / "a.ndjson", 0, 20)
    here("ingest", "rain", file, "--sign", key_file(tmp_path), "--home", root)
    assert here("device", "add", GAUGE, "--home", root).code == 0
    revoke = ("agency", "revoke", AGENCY, "--reason", "stolen", "--home", root)
    for wrong in ("2026-09-03T12:00:01Z", "2026-09-03T11:59:59Z", "soon"):
        done = here(*revoke, "--as-of", wrong)
        assert done.code == 3
        assert is_one_line(done)
    done = here(*revoke, "--as-of", "2026-09-03T12:00:00Z")
    assert done.code == 0
    assert f"in force     its devices {GAUGE}" in done.out
    assert "what was received before 2026-09-03T12:00:00" in done.out
    done = here("audit", "--home", root)
    assert done.code == 1
    assert "rain batch 0 (log entry 3): signed by a key revoked as of before" in done.out
    out = tmp_path / "receipt.json"
    assert here("receipt", "rain", "--record", "0:3", "-o", out, "--home", root).code == 0
    done = here("verify", out, "--policy", root / "trust.policy")
    assert done.code == 1
    assert "NOT VERIFIED: delivery: key" in done.err
    assert here("agency", "add", AGENCY, "--home", root).code == 0


def test_a_time_stamp_from_request_to_verify(
    here: Here, root: Path, tmp_path: Path, authority: Authority
) -> None:
    """The query goes to an authority, the answer into the receipt; with its roots the time is shown."""
    file = ndjson(tmp_path / "a.ndjson", 0, 20)
    here("ingest", "rain", file, "--sign", key_file(tmp_path), "--home", root)
    plain, stamped, query = tmp_path / "r.json", tmp_path / "stamped.json", tmp_path / "r.tsq"
    take = ("receipt", "rain", "--record", "0:3", "--home", root, "-o")
    assert here(*take, plain).code == 0
    assert here("timestamp", "request", plain, "-o", query).code == 0
    answer = authority.answer(query)
    assert here("timestamp", "attach", plain, answer, "-o", stamped).code == 0
    again = tmp_path / "again.json"
    assert here(*take, again, "--time-stamp", answer).code == 0
    assert again.read_bytes() == stamped.read_bytes()
    verify = ("verify", stamped, "--policy", root / "trust.policy")
    done = here(*verify)
    assert done.code == 0
    assert "time stamps: 1 not looked at" in done.out
    done = here(*verify, "--tsa-roots", authority.roots)
    assert done.code == 0
    assert "by CN=Test TSA" in done.out
    assert "but that it was in the log before" in done.out


def test_time_stamps_that_do_not_hold(here: Here, root: Path, tmp_path: Path, authority: Authority) -> None:
    """Of another checkpoint, of an authority not believed, no stamp, no roots: each is refused."""
    for n in range(2):
        file = ndjson(tmp_path / f"{n}.ndjson", 20 * n, 20)
        here("ingest", "rain", file, "--sign", key_file(tmp_path), "--home", root)
        here("receipt", "rain", "--record", f"{n}:3", "-o", tmp_path / f"{n}.json", "--home", root)
    here("timestamp", "request", tmp_path / "0.json", "-o", tmp_path / "0.tsq")
    answer = authority.answer(tmp_path / "0.tsq")
    attach = ("timestamp", "attach", tmp_path / "1.json")
    done = here(*attach, answer, "-o", tmp_path / "x.json")
    assert (done.code, is_one_line(done)) == (1, True)
    done = here(*attach, tmp_path / "0.json", "-o", tmp_path / "x.json")
    assert (done.code, is_one_line(done)) == (3, True)
    here("timestamp", "attach", tmp_path / "0.json", answer, "-o", tmp_path / "s.json")
    verify = ("verify", tmp_path / "s.json", "--policy", root / "trust.policy", "--tsa-roots")
    done = here(*verify, authority.another_root())
    assert done.code == 1
    assert "NOT VERIFIED: time_stamps:" in done.err
    done = here(*verify, root / "trust.policy")
    assert (done.code, is_one_line(done)) == (3, True)


def test_keys_held_elsewhere(here: Here, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """encrypt, move and ls: the city goes on with each, and without the passphrase nothing is signed."""
    secret = tmp_path / "passphrase"
    write_secret(secret, b"correct horse\n")
    monkeypatch.setenv("VERACITY_PASSPHRASE_FILE", str(secret))
    monkeypatch.setenv("VERACITY_NEW_PASSPHRASE_FILE", str(secret))
    assert here("key", "encrypt", "operator", "--home", root).code == 0
    assert here("key", "encrypt", "log", "--home", root).code == 0
    monkeypatch.chdir(tmp_path)
    assert here("key", "move", "log", "--to", "file:log-key.pem", "--home", root).code == 0
    items = json.loads(here("key", "ls", "--home", root, "--json").out)["items"]
    assert [(k["name"], k["held"], k["reference"]) for k in items] == [
        ("log", "reference", f"file:{tmp_path}/log-key.pem"),
        ("operator", "file, under a passphrase", None),
    ]
    assert here("agency", "add", "second", "--home", root).code == 0
    done = here("key", "rotate", "operator", "--expires", "2027-09-01", "--home", root)
    assert done.code == 0
    assert [p.name for p in (root / "keys").glob("operator*")] == ["operator.p12"]
    monkeypatch.delenv("VERACITY_PASSPHRASE_FILE")
    done = here("agency", "add", "third", "--home", root)
    assert (done.code, is_one_line(done)) == (4, True)
    for wrong in (
        ("key", "move", "operator", "--to", "elsewhere"),
        ("key", "move", "nobody", "--to", "home"),
        ("key", "rotate", "log"),
        ("key", "encrypt", "log"),
    ):
        done = here(*wrong, "--home", root)
        assert (done.code, is_one_line(done)) == (3, True), wrong


def test_a_city_on_a_token(here: Here, tmp_path: Path, token: Token) -> None:
    """Keys made on a token, a city made with them, a word said: all by commands."""
    made = [here("key", "make", token.uri(name)) for name in ("cli-log", "cli-operator")]
    assert [d.out[:8] for d in made] == ["ed25519:"] * 2
    root = tmp_path / "city"
    refs = ("--log-key", token.uri("cli-log"), "--operator-key", token.uri("cli-operator"))
    assert here("init", root, "--origin", "test.example/token", *refs).code == 0
    done = here("agency", "ls", "--home", root, "--json")
    with open_writer(root) as home:
        assert home.operator.public.format() + "\n" == made[1].out
    assert json.loads(done.out)["items"][0]["agency"] == "operator"
    done = here("key", "make", token.uri("cli-log"))
    assert (done.code, is_one_line(done)) == (4, True)


def test_no_key_is_shown(here: Here, root: Path) -> None:
    """No command prints a private key, and key files are for their owner alone."""
    for command in (
        ("key", "ls"),
        ("agency", "add", "second"),
        ("device", "add", "second/d"),
        ("agency", "ls"),
    ):
        done = here(*command, "--home", root, "--json")
        for path in (root / "keys").rglob("*.pem"):
            body = "".join(path.read_text().splitlines()[1:-1])
            assert body not in done.out
            assert path.stat().st_mode & 0o077 == 0


def typed(arguments: Sequence[str], answers: list[str]) -> tuple[int, str]:
    """Run the command at a terminal of its own and type an answer whenever it asks."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment(),
        preexec_fn=lambda: os.login_tty(follower),
    )
    os.close(follower)
    shown = b""
    try:
        while True:
            try:
                piece = os.read(leader, 4_096)
            except OSError:  # the other end is closed
                break
            shown += piece
            if not piece:
                break
            if piece.rstrip(b" ").endswith(b":") and answers:
                os.write(leader, f"{answers.pop(0)}\n".encode())
        return process.wait(60), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def test_a_passphrase_is_asked_for_on_a_terminal(root: Path) -> None:
    """On a terminal the new passphrase is asked for twice and the old one once, and none is shown."""
    encrypt = ["key", "encrypt", "operator", "--home", str(root)]
    code, shown = typed(encrypt, ["open sesame", "open sesamy"])
    assert code == 3
    assert "want the same twice" in shown
    code, shown = typed(encrypt, ["open sesame", "open sesame"])
    assert code == 0, shown
    assert "sesame" not in shown
    code, shown = typed(["agency", "add", "second", "--home", str(root)], ["open sesame"])
    assert code == 0, shown
    code, shown = typed(["agency", "add", "third", "--home", str(root)], ["sesame"])
    assert code == 1
    assert "want a PKCS#12 and its passphrase" in shown
