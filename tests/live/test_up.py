"""The process tree: started, kept alive, asked how it is, and ended, by whatever way."""

import asyncio
import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import broker, in_loop
from run_cli import Here
from run_up import Up, is_alive, tell, up, wait
from small_city import new_city
from veracity.live.streams import held

NAMES = {"broker", "bridge", "schedules", "worker-0"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One city for the tests that leave it running."""
    with up(new_city(tmp_path_factory.mktemp("up") / "city")) as running:
        wait(running.is_healthy)
        yield running


def test_it_says_how_it_is(city: Up) -> None:
    """Health names every process, readiness the broker and the disk, metrics what the processes counted."""
    code, body = city.ask("/health")
    assert code == 200
    assert json.loads(body)["checks"] == dict.fromkeys([*NAMES, "sealing"], "ok")
    wait(lambda: city.ask("/ready") == (200, '{"ok":true,"checks":{"broker":"ok","home":"ok"}}'))
    wait(lambda: "veracity_broker_up 1.0" in city.ask("/metrics")[1])
    wait(lambda: 'veracity_messages_total{feed="rain"} 3.0' in city.ask("/metrics")[1])
    wait(lambda: 'veracity_waiting_messages{partition="0",stream="FEEDS"} 0.0' in city.ask("/metrics")[1])
    assert set(city.children()) == NAMES


def test_no_secret_is_where_others_can_read_it(city: Up, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The broker's password is in a file of mode 0600, and in no argument, environment or log line."""
    config = next(tmp_path_factory.getbasetemp().glob("up*/city/broker/nats-server.json"))
    password = json.loads(config.read_text())["authorization"]["users"][0]["password"]
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert password not in city.log.read_text()
    for pid in city.children().values():
        for name in ("cmdline", "environ"):
            assert password not in Path(f"/proc/{pid}/{name}").read_text()


def test_a_process_that_dies_is_started_again(city: Up) -> None:
    before = city.children()["worker-0"]
    os.kill(before, signal.SIGKILL)
    wait(lambda: city.children().get("worker-0", before) != before)
    wait(city.is_healthy)
    wait(lambda: 'veracity_process_starts_total{process="worker-0"} 2.0' in city.ask("/metrics")[1])
    wait(lambda: bool(city.told("worker-0 ended with code -9")))
    # What the dead one counted still counts.
    wait(lambda: 'veracity_messages_total{feed="rain"} 6.0' in city.ask("/metrics")[1])


def test_a_broker_that_dies_is_started_again(city: Up) -> None:
    before = city.children()["broker"]
    os.kill(before, signal.SIGKILL)
    wait(lambda: city.children().get("broker", before) != before)
    wait(lambda: city.ask("/ready")[0] == 200)
    wait(city.is_healthy)


def test_a_second_city_in_one_home_is_refused(city: Up, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = next(tmp_path_factory.getbasetemp().glob("up*/city"))
    other = home.parent / "other"
    other.mkdir()
    (other / "city").symlink_to(home)
    with pytest.raises(IndexError), up(other / "city"):  # it never says that it is up
        pass
    assert "held by process" in (other / "up.log").read_text()
    assert city.is_healthy()


@in_loop
async def test_a_broker_that_exists_is_used_and_left_running(tmp_path: Path) -> None:
    """With a URL no broker is started, the streams are made in that one, and it outlives the city."""
    async with broker(tmp_path / "elsewhere") as (it, client):

        def run() -> None:
            home = new_city(tmp_path / "city")
            with up(home, nats=it.url) as running:
                wait(running.is_healthy)
                assert set(running.children()) == NAMES - {"broker"}
                wait(lambda: running.ask("/ready")[0] == 200)
                tell(running.process)
                assert running.process.wait(120) == 0

        await asyncio.to_thread(run)
        assert await it.answers()
        assert len(await held(client)) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    """SIGTERM or Ctrl-C: exit 0, no process left, and every line of the log is one JSON object."""
    with up(new_city(tmp_path / "city")) as running:
        wait(running.is_at_work)
        children = running.children()
        tell(running.process, number)
        assert running.process.wait(120) == 0
        assert not [name for name, pid in children.items() if is_alive(pid)]
        for line in running.lines():
            assert {"time", "level", "area", "message"} <= set(line)
        assert running.lines()[-1]["message"] == "stopped"


def test_killed_it_leaves_no_orphan(tmp_path: Path) -> None:
    """Kill −9 of the first process: all others end by themselves, and the city can be started again."""
    home = new_city(tmp_path / "city")
    with up(home) as running:
        wait(running.is_at_work)
        children = running.children()
        assert set(children) == NAMES
        running.process.kill()
        running.process.wait()
        wait(lambda: not [name for name, pid in children.items() if is_alive(pid)])
    with up(home) as running:
        wait(running.is_healthy)


def test_a_worker_that_cannot_work_is_not_healthy(tmp_path: Path) -> None:
    """It is started again and again, with growing waits, and health says which process it is."""
    with up(new_city(tmp_path / "city"), "stub_worker:fail") as running:
        wait(lambda: len(running.told("worker-0 ended with code 1")) >= 2)
        wait(lambda: bool(running.told("this worker never works")))
        wait(lambda: '"worker-0":"not running"' in running.ask("/health")[1])
        assert running.ask("/health")[0] == 503


def test_what_cannot_start_is_said_in_one_line(tmp_path: Path, here: Here) -> None:
    """No city there, an address in use, options that do not fit: exit codes as everywhere."""
    assert here("up", tmp_path / "nothing").code == 3
    home = new_city(tmp_path / "city")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = here("up", home, "--mqtt", f"127.0.0.1:{port}", "--json")
        assert (done.code, json.loads(done.out)["code"]) == (4, "broker-unavailable")
        done = here("up", home, "--mqtt", "127.0.0.1:0", "--monitor", f"127.0.0.1:{port}", "--json")
        assert (done.code, json.loads(done.out)["code"]) == (4, "cannot-listen")
    assert here("up", home, "--mqtt", "nonsense").code == 2
    assert here("up", home, "--tls-ca", home / "trust.policy").code == 2
    assert here("up", home, "--city", "demo", "--seed", "1").code == 3  # another city lives there


@pytest.mark.parametrize("name", ["live.yaml", "sources.yaml"])
def test_a_broken_setting_is_said_at_once(tmp_path: Path, name: str) -> None:
    """A file that no process could start with ends the command, in one line, not each process again."""
    home = new_city(tmp_path / "city")
    (home / name).write_text("{: broken", "utf-8")
    with pytest.raises(IndexError), up(home):  # it never says that it is up
        pass
    said = (tmp_path / "up.log").read_text()
    assert f"{name}: " in said
    assert "Traceback" not in said


def test_a_city_without_its_keys_is_not_started(tmp_path: Path, here: Here) -> None:
    """What a worker would try in vain for ever is said at once: exit 4, one line."""
    root = new_city(tmp_path / "city")
    (root / "keys" / "log.key").unlink()
    done = here("up", root, "--mqtt", "127.0.0.1:0", "--monitor", "127.0.0.1:0")
    assert done.code == 4
    assert "log.key" in done.err
    assert "Traceback" not in done.err
