"""A server killed between a write over the network and its line in the journal: who asked is found again."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from accounts_city import listed_writes, with_accounts
from served_city import Made, ServedCity
from small_city import clock, ndjson, new_city
from veracity.home.accounts.account import Role
from veracity.home.accounts.intents import n_open
from veracity.home.accounts.lines import Line
from veracity.home.audit import audit
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest

SCRIPT = Path(__file__).with_name("kill_writes.py")
STREAM = {"Datastream": {"@iot.id": "rain:G01:rain"}}
THING = {"name": "a mast", "description": "by the river"}
DECISIONS = "/api/v1/feeds/rain/quarantine/decisions"
WRITES: dict[str, tuple[Role, str, dict[str, Any]]] = {
    "observation": ("publisher", "/v1.1/Observations", {"result": 1.5, **STREAM}),
    "thing": ("publisher", "/v1.1/Things", THING),
    "release": (
        "operator",
        DECISIONS,
        {"decision": "release", "why": "a storm", "reason": "range", "waive": ["range:rain"]},
    ),
    "reject": ("operator", DECISIONS, {"decision": "reject", "why": "a fault", "reason": "range"}),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 200)])
    return root, with_accounts(root)


def killed(root: Path, place: str, token: str, method: str, path: str, body: str) -> None:
    """Send one request to a server that dies at a place."""
    done = subprocess.run(
        [sys.executable, SCRIPT, root, place, token, method, path, body],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def opened(root: Path) -> tuple[int, list[Line], int]:
    """Return the log's size, the writes in its lists, and how many intents are open; all is clean."""
    home = Home.open(root, clock)
    try:
        assert [f.detail for f in audit(home).findings] == []
        return home.index.size, listed_writes(home), n_open(home.database)
    finally:
        home.close()


@pytest.mark.parametrize("name", WRITES)
def test_who_wrote_is_found_again(made: Made, tmp_path: Path, name: str) -> None:
    """Killed after the seal: the next server's list has who, what, when, and the entry; once."""
    role, path, sent = WRITES[name]
    root, body = Path(shutil.copytree(made[0], tmp_path / "city")), json.dumps(sent)
    before, _, _ = opened(root)
    killed(root, "noting", made[1][role], "POST", path, body)
    size, lines, n_waiting = opened(root)
    assert size > before, "it was sealed"
    assert (lines, n_waiting > 0) == ([], True)
    served = ServedCity(root, made[1])
    served.app.state.accounts.seal()
    served.close()
    _, (found,), n_waiting = opened(root)
    assert (found.account, found.method, found.path) == (f"the-{role}", "POST", path)
    assert found.body_sha256 == hashlib.sha256(body.encode()).hexdigest()
    assert found.found_entry is not None
    assert before <= found.found_entry < size
    assert (found.number, found.status, n_waiting) == (0, 500, 0)


@pytest.mark.parametrize("name", ["observation", "release"])
def test_what_was_not_done_is_nobodys(made: Made, tmp_path: Path, name: str) -> None:
    """Killed before the seal: nothing is in the log, and nothing is said of anybody."""
    role, path, sent = WRITES[name]
    root = Path(shutil.copytree(made[0], tmp_path / "city"))
    killed(root, "before", made[1][role], "POST", path, json.dumps(sent))
    assert opened(root)[2] > 0
    served = ServedCity(root, made[1])
    assert served.app.state.accounts.seal() == 0
    served.close()
    assert opened(root)[1:] == ([], 0)


def test_the_next_write_finds_it(made: Made, tmp_path: Path) -> None:
    """Before another writes, what was left is looked for: the same observation later is not taken for it."""
    _, path, plain = WRITES["observation"]
    sent = {**plain, "phenomenonTime": "2026-09-02T12:00:00Z"}
    root, body = Path(shutil.copytree(made[0], tmp_path / "city")), json.dumps(sent)
    killed(root, "before", made[1]["publisher"], "POST", path, body)
    served = ServedCity(root, made[1])
    assert served.ask("admin", "POST", path, content=body.encode()).status_code == 403
    got = served.ask("publisher", "POST", path, content=body.encode())
    assert got.status_code == 201, got.text
    assert served.app.state.accounts.seal() == 1
    served.close()
    assert [(w.status, w.found_entry) for w in opened(root)[1]] == [(201, None)]


def test_a_token_ended_by_half(made: Made, tmp_path: Path) -> None:
    """A token that ended, and the log does not say so: the list says who ended it, as far as one knows."""
    root = Path(shutil.copytree(made[0], tmp_path / "city"))
    token = made[1]["viewer"][4:14]
    killed(root, "half", made[1]["admin"], "DELETE", f"/api/v1/tokens/{token}", "")
    served = ServedCity(root, made[1])
    assert served.ask("viewer", "GET", "/api/v1/tokens").status_code == 401
    assert served.app.state.accounts.seal() == 1
    served.close()
    (line,) = opened(root)[1]
    assert (line.account, line.method, line.path) == ("the-admin", "DELETE", f"/api/v1/tokens/{token}")
    assert (line.status, line.found_entry) == (500, None)


def test_rights_said_whole_need_no_line(made: Made, tmp_path: Path) -> None:
    """An account that was closed just before the kill: the log's own statement says by whom."""
    root = Path(shutil.copytree(made[0], tmp_path / "city"))
    killed(root, "dropping", made[1]["admin"], "DELETE", "/api/v1/accounts/the-viewer", "")
    assert opened(root)[2] == 1
    served = ServedCity(root, made[1])
    assert served.app.state.accounts.seal() == 0
    served.close()
    assert opened(root)[1:] == ([], 0)
