"""Who may connect to the broker, and what each may do there."""

import datetime
import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from brokers import Device, broker, in_loop, until
from run_cli import Here
from small_city import AGENCY, new_city
from veracity.home.errors import BadName, UnknownAgency
from veracity.home.home import Home
from veracity.live.broker_config import BrokerSettings, Tls
from veracity.live.credentials import (
    feeds_of_agencies,
    forbid,
    read_credentials,
    set_certificate,
    set_password,
    users_of,
)
from veracity.live.errors import MalformedCredentials, UnknownDevice
from veracity.live.streams import held

CLOSED = BrokerSettings(mqtt=("127.0.0.1", 0), max_bytes=16 * 1024**2)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "city"
    new_city(root)
    return root


def test_a_password_is_kept_as_a_hash_that_only_its_owner_can_read(home: Path) -> None:
    made = set_password(home, f"{AGENCY}/g01")
    path = home / "broker" / "devices.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made not in path.read_text()
    assert len(made) == 26
    assert set_password(home, f"{AGENCY}/g01") != made


def test_names_that_are_none_are_refused(home: Path) -> None:
    """Wildcards of the broker, blanks and names without an agency never reach its configuration."""
    for name in (
        "g01",
        f"{AGENCY}/*",
        f"{AGENCY}/>",
        f"{AGENCY}/g 1",
        f"{AGENCY}/g.1",
        f"{AGENCY}/G",
        "/",
        "",
    ):
        with pytest.raises(BadName):
            set_password(home, name)
    with pytest.raises(UnknownAgency):
        set_password(home, "nobody/g01")
    with pytest.raises(UnknownDevice):
        forbid(home, f"{AGENCY}/g01")
    with pytest.raises(BadName):
        set_certificate(home, f"{AGENCY}/g01", "CN=a\n")
    set_certificate(home, f"{AGENCY}/g01", "CN=a")
    with pytest.raises(BadName):
        set_certificate(home, f"{AGENCY}/g02", "CN=a")


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"devices": [{}]}', '{"devices": [{"name": ">"}]}', "[" * 99_999]
)
def test_a_file_that_is_none_is_our_own_error(home: Path, body: str) -> None:
    (home / "broker").mkdir()
    (home / "broker" / "devices.json").write_text(body)
    with pytest.raises(MalformedCredentials):
        read_credentials(home)


def test_the_commands(home: Path, here: Here) -> None:
    """A password, a certificate, the list of both, and out again."""
    told = json.loads(here("device", "password", f"{AGENCY}/g01", "--home", home, "--json").out)
    assert len(told["password"]) == 26
    assert here("device", "certificate", f"{AGENCY}/g02", "CN=g02", "--home", home).code == 0
    listed = json.loads(here("device", "access", "--home", home, "--json").out)["devices"]
    assert [(d["name"], d["password"], d["certificate"]) for d in listed] == [
        (f"{AGENCY}/g01", True, None),
        (f"{AGENCY}/g02", False, "CN=g02"),
    ]
    assert here("device", "forbid", f"{AGENCY}/g01", "--home", home).code == 0
    assert here("device", "forbid", f"{AGENCY}/g01", "--home", home).code == 3


@in_loop
async def test_a_device_publishes_to_its_own_topics_alone(home: Path) -> None:
    """Wrong password, no password, a foreign topic, the broker's own interface: none gets anywhere."""
    name = f"{AGENCY}/g01"
    password = set_password(home, name)
    opened = Home.open(home)
    users = users_of(read_credentials(home), feeds_of_agencies(opened), by_certificate=False)
    opened.close()
    async with broker(home, CLOSED, tuple(users)) as (it, client):
        for wrong in (
            Device(it, name, "wrong"),
            Device(it, "stranger", "x"),
            Device(it),
            Device(it, name, ""),
        ):
            async with wrong:
                await until(lambda wrong=wrong: wrong.connections)  # type: ignore[misc]
                assert wrong.connections[0] == "Not authorized"
        await until(lambda: it.refused["authentication"] >= 4)
        async with Device(it, name, password) as device:
            feed = feeds_of(users)
            own = device.publish(f"feed/{feed}/g01", b"mine")
            foreign = [
                device.publish(topic, b"not mine")
                for topic in (
                    f"feed/{feed}/g02",
                    "feed/other/g01",
                    "$JS/API/STREAM/DELETE/FEEDS",
                    f"in/{feed}/g01",
                )
            ]
            for topic in (f"receipt/{feed}/g01", f"receipt/{feed}/g02", "receipt/#", "$SYS/#"):
                device.client.subscribe(topic, 1)
            await until(lambda: device.acknowledged >= {own, *foreign})
            await until(lambda: len(device.granted) == 4)
            assert device.granted[0] == "Granted QoS 1"
            assert "Granted" not in " ".join(device.granted[1:])
            await client.publish(f"receipt.{feed}.g01", b"told")
            await until(lambda: bool(device.messages))
            assert device.messages == [(f"receipt/{feed}/g01", b"told")]
            await until(lambda: it.refused["foreign-topic"] == 4)
            assert [h.n_messages for h in await held(client)] == [0, 1]


@in_loop
async def test_who_is_forbidden_is_disconnected(home: Path) -> None:
    """Forbidding takes effect while the broker runs, and touches nobody else."""
    names = [f"{AGENCY}/g01", f"{AGENCY}/g02"]
    passwords = [set_password(home, n) for n in names]

    def users() -> list:  # type: ignore[type-arg]
        return users_of(read_credentials(home), {AGENCY: ["rain"]}, by_certificate=False)

    async with (
        broker(home, CLOSED, tuple(users())) as (it, _),
        Device(it, names[0], passwords[0]) as first,
        Device(it, names[1], passwords[1]) as second,
    ):
        await until(lambda: first.is_connected and second.is_connected)
        forbid(home, names[0])
        assert it.allow(users())
        assert not it.allow(users())
        await until(lambda: first.disconnections > 0 and "Not authorized" in first.connections)
        assert second.disconnections == 0
        sent = second.publish("feed/rain/g02", b"x")
        await until(lambda: sent in second.acknowledged)


def feeds_of(users: list) -> str:  # type: ignore[type-arg]
    """The one feed that the first user may publish to."""
    return str(users[0].publish[0].split(".")[1])


class Authority:
    """A small certificate authority in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        body = self._builder(self.subject, self.key).add_extension(
            x509.BasicConstraints(True, 0), critical=True
        )
        self.path = self._write(name, body)[0]

    def issue(self, name: str, *, server: bool = False) -> tuple[Path, Path]:
        """Write a certificate and its key; return both paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        body = self._builder(subject, key).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if server:
            body = body.add_extension(
                x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
            )
        return self._write(name, body, key)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )

    def _write(
        self, name: str, body: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | None = None
    ) -> tuple[Path, Path]:
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(body.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            (key or self.key).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, private


@in_loop
async def test_a_certificate_is_its_device(home: Path, tmp_path: Path) -> None:
    """With a CA only its certificates connect; each is the device that was named, whatever it says it is."""
    ca = Authority(tmp_path)
    certificate, key = ca.issue("server", server=True)
    (known, known_key), (unknown, unknown_key) = ca.issue("g01"), ca.issue("nobody")
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    foreign, foreign_key = Authority(strangers).issue("g01")
    set_certificate(home, f"{AGENCY}/g01", "CN=g01")
    password = set_password(home, f"{AGENCY}/g02")
    users = users_of(read_credentials(home), {AGENCY: ["rain"]}, by_certificate=True)
    settings = BrokerSettings(("127.0.0.1", 0), tls=Tls(certificate, key, ca.path), max_bytes=16 * 1024**2)
    async with broker(home, settings, tuple(users)) as (it, client):

        def device(shown: Path, its_key: Path, name: str = "d", word: str | None = None) -> Device:
            made = Device(it, name, word, ca_certs=str(ca.path), certfile=str(shown), keyfile=str(its_key))
            made.address = ("localhost", made.address[1])
            return made

        async with device(known, known_key) as good:
            sent = {good.publish("feed/rain/g01", b"x"), good.publish("feed/rain/g02", b"y")}
            await until(lambda: good.acknowledged >= sent)
        async with device(unknown, unknown_key, f"{AGENCY}/g02", password) as bad:
            await until(lambda: bool(bad.connections) or bad.disconnections > 0)
            assert "Success" not in bad.connections
        async with device(foreign, foreign_key) as bad:
            await until(lambda: bad.disconnections > 0 or it.refused["tls"] > 0)
            assert "Success" not in bad.connections
        assert [h.n_messages for h in await held(client)] == [0, 1]


@in_loop
async def test_with_tls_passwords_are_for_who_trusts_the_certificate(home: Path, tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    certificate, key = ca.issue("server", server=True)
    password = set_password(home, f"{AGENCY}/g01")
    users = users_of(read_credentials(home), {AGENCY: ["rain"]}, by_certificate=False)
    settings = BrokerSettings(("127.0.0.1", 0), tls=Tls(certificate, key), max_bytes=16 * 1024**2)
    async with broker(home, settings, tuple(users)) as (it, _):
        device = Device(it, f"{AGENCY}/g01", password, ca_certs=str(ca.path))
        device.address = ("localhost", device.address[1])
        async with device:
            sent = device.publish("feed/rain/g01", b"x")
            await until(lambda: sent in device.acknowledged)
