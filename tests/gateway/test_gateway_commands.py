"""The whole way by its commands: invited, joined, configured, running over TLS, looked at, stopped."""

import contextlib
import io
import ipaddress
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from edge_world import City, broker, configured, running, until, wire
from small_city import AGENCY, EPOCH, new_city
from veracity.cli.gateway import gateway
from veracity.gateway.__main__ import main
from veracity.provenance.keys import SigningKey

NAME = f"{AGENCY}/edge-1"
HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
FOLDER = "sources: [{name: in, kind: folder, feed: rain, folder: in, settle_s: 0, every_s: 0.1}]"
SERVE = """
import sys
from pathlib import Path
from veracity.provenance.joining import Broker
from veracity.server.enrolment_app import enrolment_app
from veracity.server.running import address, listen, run

async def nothing(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})

root, url, ca = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text()
credentials = lambda name, feeds: Broker(url, "edge", "pass-word", ca)
listening = listen("127.0.0.1", 0)
print(address(listening), flush=True)
run(enrolment_app(nothing, root, credentials), listening)
"""


def ran(*arguments: str | Path, ok: int = 0) -> Any:
    """The answer of a command of the gateway, in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main([*map(str, arguments), "--json"])
    assert ended.value.code == ok, out.getvalue()
    return json.loads(out.getvalue())


@contextmanager
def enrolling(root: Path, broker_url: str, ca: Path) -> Iterator[str]:
    """The city's enrolment over HTTP, as a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, root, broker_url, ca],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate(timeout=60)


class Authority:
    """A certificate authority of the tests, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of the tests")])
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._sign(self._name, self._key, is_ca=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for a name and 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        paths = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        paths[0].write_bytes(self._sign(subject, key, is_ca=False))
        paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return paths

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_ca: bool) -> bytes:
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([HERE]), critical=False)
        )
        if is_ca:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            built = built.add_extension(usage, critical=True)
        return built.sign(self._key, SHA256()).public_bytes(Encoding.PEM)


def test_from_invitation_to_records_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the code on stdin, the city's password and CA, and a client certificate besides."""
    authority = Authority(tmp_path)
    (server_cert, server_key), (cert, key) = authority.issue("broker"), authority.issue("edge")
    tls = (f'tls {{ cert_file: "{server_cert}", key_file: "{server_key}", ca_file: "{authority.file}",'
           " verify: true }")  # fmt: skip
    users = 'authorization: {users: [{user: "edge", password: "pass-word"}]}'
    root = new_city(tmp_path / "city")
    edge = tmp_path / "edge"
    edge.mkdir()
    path = edge / "gateway.yaml"
    with broker(tmp_path / "nats", mqtt_more=tls, more=users) as nats:
        code = invited(root)
        with enrolling(root, f"mqtts://127.0.0.1:{nats.port}", authority.file) as url:
            wrong = ran("join", "0000-0000-0000-0000-0000-0000", "--city", url, "-c", path, ok=1)
            assert wrong["code"] == "join-rejected"
            monkeypatch.setattr(sys, "stdin", io.StringIO(f"{code}\n"))
            joined = ran("join", "--city", url, "-c", path)
        assert (joined["name"], joined["feeds"]) == (NAME, ["rain", "gateway-losses"])
        text = path.read_text().replace("sources: []", FOLDER)
        path.write_text(text.replace("losses:", f"  cert_file: '{cert}'\n  key_file: '{key}'\nlosses:"))
        assert ran("check", "-c", path)["city"] == f"mqtts://127.0.0.1:{nats.port}"
        (edge / "in").mkdir()
        (edge / "in" / "a.ndjson").write_bytes(b'{"gauge":"G01"}\n')
        with running(path) as process:
            until((edge / "state" / "status.json").exists)
            until(lambda: ran("status", "-c", path)["queue"]["kept_after_sending"] == 1)
            now = ran("status", "-c", path)
            assert now["running"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        status = ran("status", "-c", path)
        assert not status["running"]
        assert (status["last"]["sources"]["in"]["done"], status["last"]["city"]["done"]) == (1, 1)
        assert ran("resend", "--since", "2026-01-01T00:00:00Z", "-c", path)["batches"] == 1
    for secret in (edge / "state" / "mqtt.password", path):
        assert secret.stat().st_mode & 0o077 == 0
    assert SigningKey.from_pem((edge / "state" / "key.pem").read_bytes())


def invited(root: Path) -> str:
    """The code that the city's operator is shown."""
    done = subprocess.run(
        [sys.executable, "-c", "from veracity.cli.gateway import gateway; gateway()", "invite", NAME,
         "--feeds", "rain", "--home", root, "--json"],
        capture_output=True, text=True, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
    )  # fmt: skip
    code: str = json.loads(done.stdout)["code"]
    return code


def test_losses_reach_the_city_as_a_count(tmp_path: Path) -> None:
    """No network, the store full, a source that cannot wait: what was lost is told when there is room."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"v":"%s"}' % os.urandom(20_000).hex().encode())

        def log_message(self, *_: Any) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
    with broker(tmp_path / "nats") as nats, wire(nats.port) as network:
        network.cut()
        path = configured(tmp_path, network.port, f"""
keep: {{max_bytes: 1048576}}
sources: [{{name: page, kind: http, feed: air, url: 'http://127.0.0.1:{web.server_port}/', every_s: 0.05}}]
""")  # fmt: skip
        there = City(nats.port)
        with running(path) as process:
            until((tmp_path / "state" / "status.json").exists)
            until(lambda: ran("status", "-c", path)["queue"]["losses_not_yet_reported"] > 3, "losses")
            status = ran("status", "-c", path)
            assert status["queue"]["bytes"] <= 1_048_576 + 262_144
            network.mend()
            (loss, *_) = until(lambda: there.records("gateway-losses"), "the count")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        there.close()
    web.shutdown()
    web.server_close()
    told = json.loads(loss)
    assert (told["source"], told["feed"], told["reason"]) == ("page", "air", "full")
    assert told["lost"] > 3
    assert told["first_at"] <= told["last_at"]


def test_errors_have_codes_and_exits(tmp_path: Path) -> None:
    assert ran("check", "-c", tmp_path / "none.yaml", ok=4)["code"] == "gateway-store-unusable"
    (tmp_path / "bad.yaml").write_text("gateway: x")
    assert ran("run", "-c", tmp_path / "bad.yaml", ok=3)["code"] == "malformed-gateway-config"
    path = configured(tmp_path, 1, "sources: []")
    assert ran("status", "-c", path, ok=4)["code"] == "gateway-store-unusable"
    assert ran("resend", "--since", "yesterday", "-c", path, ok=3)["code"] == "malformed-gateway-config"
    assert ran("join", "abc", "--city", "http://x", "-c", path, ok=3)["code"] == "malformed-code"
    (tmp_path / "state" / "key.pem").chmod(0o644)
    with running(path) as process:
        assert process.wait(60) == 1  # a key that others can read


def test_one_command_in_the_whole_and_in_the_small_install() -> None:
    """What the small one has, the whole has; and what is for a city besides."""
    assert set(gateway.commands) == {"check", "invite", "join", "model", "resend", "run", "status"}
