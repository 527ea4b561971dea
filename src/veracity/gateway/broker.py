"""An MQTT broker to connect to: the city's, or a local one."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from veracity.errors import Malformed, Rejected, Unavailable
from veracity.gateway.errors import MalformedConfig, SourceFault
from veracity.gateway.fields import maybe, path
from veracity.provenance.fields import Fields
from veracity.provenance.secret_files import read_secret

CONNECT_S = 10.0
KEEPALIVE_S = 30
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class BrokerConfig:
    """Where a broker is and as whom to come.

    Attributes
    ----------
    ca_file
        Who may sign its certificate; the system's list where None.
    password_file
        Of mode 0600; read at each connection, so that a new one counts at once.
    cert_file, key_file
        Of a client certificate, PEM.
    """

    host: str
    port: int
    tls: bool
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def url(self) -> str:
        """Where it is, without secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def client(self, client_id: str, *, clean: bool = True, manual_ack: bool = False) -> Any:
        """Return a client of the broker that is not connected yet.

        Raises
        ------
        SourceFault
            If the password or a certificate cannot be read.
        """
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=manual_ack,
        )
        client.connect_timeout = CONNECT_S
        try:
            if self.user is not None:
                client.username_pw_set(self.user, self._password())
            if self.tls:
                client.tls_set_context(self._context())
        except (OSError, ssl.SSLError, Malformed, Rejected, Unavailable) as exc:
            raise SourceFault(f"broker {self.url}: want its password and certificates, got: {exc}") from exc
        return client

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        return read_secret(self.password_file, "MQTT password").decode("utf-8", "replace").strip()

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


def parse_broker(fields: Fields, base: Path) -> BrokerConfig:
    """Read ``url``, ``user``, ``password_file``, ``ca_file``, ``cert_file`` and ``key_file``."""
    host, port, tls = parse_url(fields.text("url"))
    return BrokerConfig(
        host,
        port,
        tls,
        maybe(fields, "user"),
        path(fields, "password_file", base),
        path(fields, "ca_file", base),
        path(fields, "cert_file", base),
        path(fields, "key_file", base),
    )


def parse_url(url: str) -> tuple[str, int, bool]:
    """Read ``mqtt://host[:port]`` or ``mqtts://…``.

    >>> parse_url("mqtts://mqtt.city.example")
    ('mqtt.city.example', 8883, True)
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/") or parts.query or "@" in url:
        raise MalformedConfig(f"url: want mqtt://host:port or mqtts://host:port, got {url[:80]!r}")
    return host, port or _PORTS[parts.scheme], parts.scheme == "mqtts"
