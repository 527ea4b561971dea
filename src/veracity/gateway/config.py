"""``gateway.yaml``: which city, what to keep, which sources. Parsed once, strictly.

Paths are relative to the file's own folder.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from veracity.data.plain_yaml import parse_yaml
from veracity.gateway.broker import BrokerConfig, parse_broker
from veracity.gateway.edge_model import ModelConfig, parse_model
from veracity.gateway.errors import MalformedConfig, StoreUnusable
from veracity.gateway.fields import FEED, GATEWAY, number, whole
from veracity.gateway.limits import MAX_BODY_BYTES, MAX_RECORDS, Cut, Keep
from veracity.gateway.sources.folder import parse_folder
from veracity.gateway.sources.http_polling import parse_http_polling
from veracity.gateway.sources.local_mqtt import parse_local_mqtt
from veracity.gateway.sources.modbus import parse_modbus
from veracity.gateway.sources.serial_line import parse_serial_line
from veracity.gateway.sources.source import Source
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

MAX_CONFIG_BYTES = 1_048_576
MAX_SOURCES = 256
MAX_MODELS = 16
KEY, POLICY, JOINED, PASSWORD, CA = "key.pem", "trust.policy", "joined.json", "mqtt.password", "city-ca.pem"

_KINDS: dict[str, Callable[[str, str, Fields, Path], Source]] = {
    "folder": parse_folder,
    "http": parse_http_polling,
    "modbus": parse_modbus,
    "mqtt": parse_local_mqtt,
    "serial": parse_serial_line,
}


@dataclass(frozen=True)
class Config:
    """A gateway as configured.

    Attributes
    ----------
    name
        ``<agency>/<gateway>``, as enrolled.
    state
        The directory of its key and its store.
    losses
        The feed to which it reports what it could not keep.
    """

    name: str
    state: Path
    city: BrokerConfig
    losses: str
    keep: Keep
    cut: Cut
    sources: tuple[Source, ...]
    models: tuple[ModelConfig, ...]

    @property
    def feeds(self) -> set[str]:
        """All feeds that it sends to."""
        return {self.losses, *(s.feed for s in self.sources), *(m.feed for m in self.models)}

    @property
    def key(self) -> Path:
        """The private key, mode 0600."""
        return self.state / KEY

    @property
    def policy(self) -> Path:
        """The city's trust policy."""
        return self.state / POLICY


def read_config(path: Path) -> Config:
    """Read a file; MalformedConfig with the place that is wrong, or for a feed that the city did not name.

    A broker may acknowledge, as MQTT 3.1.1 has it, what it then throws away because this gateway may not
    send it. So a feed that is not among those of the invitation is refused here.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as exc:
        raise StoreUnusable(f"config: want to read {path}, got {exc.strerror}") from exc
    config = parse_config(text, path.absolute().parent)
    allowed = _invited(config.state / JOINED)
    if foreign := sorted(config.feeds - allowed) if allowed else []:
        named = ", ".join(sorted(allowed))
        raise MalformedConfig(f"feeds: want those that the city named ({named}), got {foreign[0]}")
    return config


def parse_config(text: bytes, base: Path) -> Config:
    """Parse a configuration whose paths are relative to ``base``."""
    fields = Fields(
        parse_yaml(text, "gateway.yaml", MAX_CONFIG_BYTES, MalformedConfig), "gateway.yaml", MalformedConfig
    )
    name = fields.matching("gateway", GATEWAY, "a name such as danang-environment/edge-1")
    state = base / (fields.text("state") if "state" in fields else "state")
    city = fields.object("city")
    broker = parse_broker(city, base)
    city.done()
    losses = fields.matching("losses", FEED, "a feed's name")
    keep = _parse_keep(fields.object("keep")) if "keep" in fields else Keep()
    cut = _parse_cut(fields.object("batches")) if "batches" in fields else Cut()
    sources = tuple(_parse_source(item, base) for item in fields.objects("sources", MAX_SOURCES))
    models = fields.objects("models", MAX_MODELS) if "models" in fields else []
    config = Config(
        name, state, broker, losses, keep, cut, sources, tuple(parse_model(m, base) for m in models)
    )
    fields.done()
    for what, given in (("sources", config.sources), ("models", config.models)):
        called = [one.name for one in given]
        if len(set(called)) != len(called):
            raise fields.fail(what, "each of another name", sorted(called))
    return config


def _invited(path: Path) -> set[str]:
    """Return the feeds of the invitation that a gateway joined with; none for any, or if it did not join."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
    except FileNotFoundError:
        return set()
    except OSError as exc:
        raise StoreUnusable(f"config: want to read {path}, got {exc.strerror}") from exc
    fields = Fields(parse_json(data, JOINED, MAX_CONFIG_BYTES, MalformedConfig), JOINED, MalformedConfig)
    return {str(feed) for feed in fields.items("feeds", 1_000)}


def _parse_source(fields: Fields, base: Path) -> Source:
    name = fields.matching("name", FEED, "a name of lower-case letters, digits and hyphens")
    feed = fields.matching("feed", FEED, "a feed's name")
    source = _KINDS[fields.choice("kind", _KINDS)](name, feed, fields, base)
    fields.done()
    return source


def _parse_keep(fields: Fields) -> Keep:
    default = Keep()
    keep = Keep(
        whole(fields, "max_bytes", 1_048_576, 2**50, default.max_bytes),
        number(fields, "sent_s", 0, 31_536_000, default.sent_s),
        whole(fields, "sent_bytes", 0, 2**50, default.sent_bytes),
    )
    fields.done()
    return keep


def _parse_cut(fields: Fields) -> Cut:
    default = Cut()
    cut = Cut(
        whole(fields, "max_records", 1, MAX_RECORDS, default.max_records),
        whole(fields, "max_bytes", 1_024, MAX_BODY_BYTES, default.max_bytes),
        number(fields, "max_age_s", 0, 3_600, default.max_age_s),
        number(fields, "per_s", 0.01, 10_000, default.per_s),
    )
    fields.done()
    return cut
