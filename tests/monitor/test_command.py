"""``veracity monitor`` as a command: real processes, a real server, metrics scraped, signals, exit codes."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import urllib3

from run_cli import Done, Here, run, start
from served import serving
from small_city import AGENCY, clock, key, log_entries, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.log.policy import format_policy
from veracity.provenance.statements import SealedContract
from watched import HANOI, files, forge, http, policy, say, show


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with three batches."""
    folder = tmp_path_factory.mktemp("city")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 300)], sign=key(AGENCY), records_per_part=128)
    return root


def document(done: Done) -> dict[str, Any]:
    said = json.loads(done.out)
    assert isinstance(said, dict)
    return said


def test_a_served_city_is_followed(city: Path, here: Here, tmp_path: Path) -> None:
    """From server to monitor over HTTP: the log, its entries, and records made again from receipts."""
    with serving("log", "serve", "--home", city, "--receipts") as server:
        url = server.url
        arguments = ("monitor", url, "--policy", city / "trust.policy", "--state", tmp_path / "s.json")
        done = here(*arguments, "--sample", "5", "--seed", "1")
        assert (done.code, done.err) == (0, "")
        assert "5 records made again as stated" in done.out
        assert "all well" in done.out.splitlines()[-1]
        again = document(here(*arguments, "--json"))
        assert (again["schema"], again["well"], again["new_entries"]) == (
            "veracity.monitor-round/v1",
            True,
            0,
        )
        assert again["simulated"] is True
    done = here(*arguments)
    assert done.code == 4
    assert "out of reach" in done.out


def test_exit_codes(city: Path, here: Here, tmp_path: Path) -> None:
    """0 well, 1 a finding, 2 usage, 3 a malformed policy or memory, 4 out of reach."""
    log, trusted, state = city / "store/log", city / "trust.policy", tmp_path / "s.json"
    assert here("monitor", log, "--policy", trusted, "--once").code == 0
    (tmp_path / "bad.policy").write_text("log nonsense\n")
    assert here("monitor", log, "--policy", tmp_path / "bad.policy").code == 3
    assert here("monitor", tmp_path / "none", "--policy", trusted).code == 4
    assert here("monitor", log, "--policy", tmp_path / "none").code == 4
    assert here("monitor", log, "--policy", trusted, "--once", "--interval", "1").code == 2
    assert here("monitor", log, "--policy", trusted, "--metrics", "0").code == 2
    assert here("monitor", log, "--policy", trusted, "--sample", "3").code == 2
    assert here("monitor", log, "--policy", trusted, "--interval", "1", "--metrics", "99999").code == 2
    state.write_text("{}")
    assert here("monitor", log, "--policy", trusted, "--state", state).code == 3
    state.unlink()
    (tmp_path / "empty").mkdir()
    assert here("monitor", tmp_path / "empty", "--policy", trusted, "--state", state).code == 1


def test_a_finding_is_shown_kept_judged_and_acknowledged(city: Path, here: Here, tmp_path: Path) -> None:
    """A fork: exit 1 round after round, evidence that the command judges, then answered and quiet."""
    entries, trusted, state = log_entries(city), city / "trust.policy", tmp_path / "s.json"
    other = say(SealedContract("snow", "1", "ab" * 32, None, "optional", True).to_statement())
    arguments = ("--policy", trusted, "--state", state)
    assert here("monitor", city / "store/log", *arguments).code == 0
    fork = forge(tmp_path / "fork", [*entries[:-1], other])
    done = here("monitor", fork, *arguments)
    assert done.code == 1
    assert "split-view" in done.out
    assert "[open, new]" in done.out
    assert "[open, since" in here("monitor", fork, *arguments).out
    (finding,) = document(here("monitor", fork, *arguments, "--json"))["findings"]
    assert finding["new"] is False
    judged = here("monitor", "evidence", finding["evidence"], "--policy", trusted)
    assert (judged.code, judged.out.split(":")[0]) == (0, "PROVEN")
    assert document(here("monitor", "evidence", finding["evidence"], "--policy", trusted, "--json"))["proven"]
    assert here("monitor", "acknowledge", "00000000", "--state", state, "--reason", "x").code == 3
    done = here("monitor", "acknowledge", finding["id"], "--state", state, "--reason", "told the city")
    assert done.code == 0
    done = here("monitor", fork, *arguments)
    assert done.code == 0
    assert "answered" in done.out


def test_evidence_that_proves_nothing(city: Path, here: Here, tmp_path: Path) -> None:
    """A rollback's two notes, an edited file, another log's key, garbage: no proof, and said so."""
    entries, trusted = log_entries(city), city / "trust.policy"
    here("monitor", city / "store/log", "--policy", trusted, "--state", tmp_path / "s.json")
    back = forge(tmp_path / "back", entries[:-1])
    done = document(here("monitor", back, "--policy", trusted, "--state", tmp_path / "s.json", "--json"))
    kept = Path(done["findings"][0]["evidence"])
    judged = here("monitor", "evidence", kept, "--policy", trusted)
    assert (judged.code, judged.out.split(":")[0]) == (1, "NOT PROVEN")
    edited = kept.read_text().replace(f"\\n{len(entries)}\\n", f"\\n{len(entries) - 1}\\n")
    assert edited != kept.read_text()
    (tmp_path / "edited.json").write_text(edited)
    assert here("monitor", "evidence", tmp_path / "edited.json", "--policy", trusted).code == 1
    (tmp_path / "other.policy").write_text(format_policy(policy()).replace("test.example", "best.example"))
    assert here("monitor", "evidence", kept, "--policy", tmp_path / "other.policy").code in (1, 3)
    (tmp_path / "garbage.json").write_text("{}")
    assert here("monitor", "evidence", tmp_path / "garbage.json", "--policy", trusted).code == 3


def following(*arguments: str | Path) -> subprocess.Popen[str]:
    return start("monitor", *arguments, "--interval", "0.2", "--json")


def rounds_until(process: subprocess.Popen[str], wanted: str) -> dict[str, Any]:
    """Read rounds until one has an open finding of a kind, or, for "well", none."""
    assert process.stdout is not None
    for line in process.stdout:
        said: dict[str, Any] = json.loads(line)
        if {f["kind"] for f in said["findings"]} >= {wanted} or (wanted == "well" and said["well"]):
            return said
    raise AssertionError("the monitor ended")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_following_ends_cleanly_and_is_measured(city: Path, tmp_path: Path, number: signal.Signals) -> None:
    """One round after another until told to stop; metrics tell what the rounds say; exit 0, then 1."""
    entries = log_entries(city)
    place = tmp_path / "place"
    place.symlink_to(forge(tmp_path / "honest", entries))
    show(tmp_path / "hanoi", HANOI, (place / "checkpoint").read_bytes(), at=1_790_000_000)
    with http(files(place)) as url, http(files(tmp_path / "hanoi")) as hanoi:
        (tmp_path / "p.policy").write_text(format_policy(policy(hanoi=hanoi)))
        process = following(
            url, "--policy", tmp_path / "p.policy", "--state", tmp_path / "s.json", "--metrics", "0"
        )
        try:
            assert process.stderr is not None
            where = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
            assert where is not None
            rounds_until(process, "well")
            numbers = scraped(where.group())
            assert numbers["veracity_monitor_log_size"] == len(entries)
            assert numbers["veracity_monitor_entries_checked"] == len(entries)
            assert numbers["veracity_monitor_well"] == 1
            assert numbers['veracity_monitor_witness_up{witness="hanoi"}'] == 1
            assert numbers['veracity_monitor_witness_lag_entries{witness="hanoi"}'] == 0
            assert numbers['veracity_monitor_witness_age_seconds{witness="hanoi"}'] > 0
            assert numbers["veracity_monitor_rounds_total"] >= 1
            for path in sorted((tmp_path / "honest").rglob("checkpoint*")):
                path.write_bytes((forge(tmp_path / "back", entries[:-1]) / "checkpoint").read_bytes())
            rounds_until(process, "rollback")
            rounds_until(process, "rollback")
            assert scraped(where.group())['veracity_monitor_findings{kind="rollback"}'] == 1
        finally:
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert all(json.loads(line) for line in out.splitlines())
    assert [p.name for p in tmp_path.glob("*.new")] == []


def scraped(url: str) -> dict[str, float]:
    body = urllib3.request("GET", url, timeout=10).data.decode()
    lines = (line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_two_monitors_do_not_share_a_memory(city: Path, tmp_path: Path) -> None:
    """The second is told who has it, and ends."""
    arguments = (city / "store/log", "--policy", city / "trust.policy", "--state", tmp_path / "s.json")
    process = following(*arguments)
    try:
        rounds_until(process, "well")
        second = run("monitor", *arguments)
        assert second.code == 4
        assert "another monitor" in second.err
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_killed_at_any_moment_it_goes_on(city: Path, tmp_path: Path) -> None:
    """SIGKILL after some milliseconds, again and again: the memory is whole each time."""
    arguments = (city / "store/log", "--policy", city / "trust.policy", "--state", tmp_path / "s.json")
    for n in range(6):
        process = following(*arguments)
        timer = threading.Timer(0.3 + 0.13 * n, lambda p=process: os.kill(p.pid, signal.SIGKILL))
        timer.start()
        process.communicate(timeout=60)
        timer.join()
    done = run("monitor", *arguments)
    assert (done.code, done.out.splitlines()[-1]) == (0, "all well")


def test_with_a_real_witness(city: Path, here: Here, tmp_path: Path) -> None:
    """A witness cosigns what the city publishes; a monitor asks both. Another log is not what it has seen."""
    root = Path(shutil.copytree(city, tmp_path / "city"))
    trusted, far = root / "trust.policy", ("--max-age", str(10**9))
    logs = "".join(line for line in trusted.read_text().splitlines(True) if line.startswith("log "))
    with serving(
        "witness", "serve", trusted, "--name", "uni.example/witness", "--dir", tmp_path / "w"
    ) as witness:
        name = witness.said["policy_line"].split()[1]
        trusted.write_text(f"{logs}{witness.said['policy_line']}\nquorum {name}\n")
        for _ in range(2):
            assert here("log", "publish", "--home", root).code == 0
            assert here("log", "fsck", "--home", root).code == 0
        with serving("log", "serve", "--home", root) as server:
            said = document(here("monitor", server.url, "--policy", trusted, "--json", *far))
        assert said["well"], said
        assert [(w["size"], w["lag"], w["problem"]) for w in said["witnesses"]] == [(said["size"], 0, None)]
        assert any(f"witness {name} has seen the same log" in line for line in said["said"])
        other = say(SealedContract("snow", "1", "ab" * 32, None, "optional", True).to_statement())
        fork = forge(tmp_path / "fork", [*log_entries(root)[:-1], other])
        said = document(here("monitor", fork, "--policy", trusted, "--evidence", tmp_path, "--json", *far))
        assert {f["kind"] for f in said["findings"]} == {"policy-rejected", "split-view"}
