"""``veracity log fsck`` and ``veracity monitor`` of a log on a real S3 store, and behind a static server."""

import json
import shutil
from pathlib import Path

import pytest

from run_cli import Here
from servers import S3
from veracity.log.policy import format_policy, policy_for
from veracity.stores.opening import open_objects
from watched import SIGNER, files, forge, http

KEY = SIGNER.verifier.format()
ENTRIES = [b"entry %d" % n for n in range(300)]


def told(here: Here, location: str) -> set[tuple[str, str, int | None]]:
    """What fsck says of a log: file, code and position."""
    done = here("log", "fsck", "--log", location, "--key", KEY, "--json")
    found = {(i["path"], i["code"], i["position"]) for i in json.loads(done.out)["items"]}
    assert done.code == int(bool(found))
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return forge(tmp_path / "log", ENTRIES)


def test_a_log_on_s3(log: Path, here: Here, s3: S3, tmp_path: Path) -> None:
    """Sound as uploaded; a byte, a missing object and one too many are each named."""
    objects = open_objects(s3.url)
    objects.put_many([(str(p.relative_to(log)), p.read_bytes()) for p in log.rglob("*") if p.is_file()])
    assert told(here, s3.url) == set()
    (tmp_path / "p.policy").write_text(format_policy(policy_for(SIGNER.verifier)))
    looked = here("monitor", s3.url, "--policy", tmp_path / "p.policy", "--json")
    assert json.loads(looked.out)["checked_entries"] == len(ENTRIES)
    objects.put("notes.txt", b"hello")
    objects.put("tile/0/001#77", b"")
    objects.put("tile/0/000", bytes(8192))
    objects.delete("tile/entries/001.p/44")
    found = told(here, s3.url)
    assert {("notes.txt", "leftover", None), ("tile/0/001#77", "leftover", None)} <= found
    assert ("tile/entries/001.p/44", "missing", None) in found
    assert ("tile/0/000", "mismatch", 0) in found


def test_a_log_over_http(log: Path, here: Here) -> None:
    """Sound as served; damage and what contradicts is named, what is extra cannot be seen."""
    with http(files(log)) as url:
        assert told(here, url) == set()
        (log / "notes.txt").write_text("hello")
        assert told(here, url) == set()
        (log / "tile/0/001.p/2").write_bytes(bytes(64))
        (log / "tile/entries/000").write_bytes(b"\0\0" * 256)
        found = told(here, url)
        assert ("tile/0/001.p/2", "mismatch", 256) in found
        assert {p for p, _, _ in found} == {"tile/0/001.p/2", "tile/entries/000"}
        shutil.rmtree(log / "tile/1")
        assert ("tile/1/000.p/1", "missing", None) in told(here, url)
    done = here("log", "fsck", "--log", url, "--key", KEY)
    assert done.code == 4
