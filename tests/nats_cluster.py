"""Three NATS servers as one JetStream cluster with MQTT on, for tests: real ones, on loopback and free ports.

A server is killed and started again by its own process id, on the same files and ports.
"""

import json
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from nats.aio.client import Client

from free_ports import free_port
from servers import _leashed
from veracity.live.broker import server_program
from veracity.live.broker_config import ANYONE, MAX_PAYLOAD_BYTES, open_user
from veracity.live.connection import connect
from veracity.live.streams import make_streams
from veracity.live.subjects import MAPPINGS

N_SERVERS = 3
MAX_BYTES = 64 * 1024**2
PASSWORD = secrets.token_hex(16)
Address = tuple[str, int]


@dataclass
class ClusterServer:
    """One server of the cluster."""

    folder: Path
    name: str
    nats: Address
    mqtt: Address
    route: Address
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return "nats://city:{}@{}:{}".format(PASSWORD, *self.nats)

    def start(self) -> None:
        """Start it; it finds the others by itself."""
        command = _leashed([server_program(), "-c", self.folder / "nats-server.json"], "KILL")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Cluster:
    """The servers, and a connection of the city to them."""

    servers: list[ClusterServer]
    client: Client

    @property
    def urls(self) -> str:
        """Where the servers are, as ``--nats`` takes it."""
        return urls_of(self.servers)


def urls_of(servers: list[ClusterServer]) -> str:
    return ",".join(server.url for server in servers)


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Start three servers that keep everything three times, with the streams made; end them afterwards."""
    servers = _servers(folder)
    try:
        for server in servers:
            server.start()
        client = await connect(urls_of(servers), "test")
        try:
            await make_streams(client, MAX_BYTES, N_SERVERS)
            yield Cluster(servers, client)
        finally:
            await client.close()
    finally:
        for server in servers:
            server.kill()


def _servers(folder: Path) -> list[ClusterServer]:
    ports = iter([free_port() for _ in range(3 * N_SERVERS)])
    servers = []
    for number in range(N_SERVERS):
        place = folder / f"server-{number}"
        place.mkdir()
        nats, mqtt, route = (("127.0.0.1", next(ports)) for _ in range(3))
        servers.append(ClusterServer(place, f"s{number}", nats, mqtt, route))
    for server in servers:
        (server.folder / "nats-server.json").write_text(json.dumps(_config(server, servers), indent=2))
    return servers


def _config(server: ClusterServer, servers: list[ClusterServer]) -> dict[str, object]:
    """As docs/backends.md tells to write it, on loopback; anyone may publish over MQTT."""
    publish, subscribe = open_user()
    anyone = {"publish": list(publish), "subscribe": list(subscribe)}
    return {
        "server_name": server.name,
        "listen": _text(server.nats),
        "max_payload": MAX_PAYLOAD_BYTES,
        "jetstream": {"store_dir": str(server.folder), "max_file_store": 4 * MAX_BYTES},
        "cluster": {
            "name": "city",
            "listen": _text(server.route),
            "routes": [f"nats://{_text(other.route)}" for other in servers if other is not server],
        },
        "mqtt": {
            "listen": _text(server.mqtt),
            "ack_wait": "30s",
            "max_ack_pending": 1_000,
            "stream_replicas": N_SERVERS,
            "no_auth_user": ANYONE,
        },
        "mappings": MAPPINGS,
        "authorization": {
            "users": [
                {"user": "city", "password": PASSWORD, "allowed_connection_types": ["STANDARD"]},
                {
                    "user": ANYONE,
                    "password": secrets.token_hex(16),
                    "allowed_connection_types": ["MQTT"],
                    "permissions": anyone,
                },
            ]
        },
    }


def _text(address: Address) -> str:
    return "{}:{}".format(*address)
