"""A configuration is read strictly, and whatever is wrong in it is said with its place."""

from pathlib import Path

import pytest

from edge_world import configured
from veracity.gateway.config import parse_config, read_config
from veracity.gateway.errors import MalformedConfig, StoreUnusable
from veracity.gateway.sources.serial_line import SerialLine

WHOLE = b"""
gateway: river-office/edge-1
state: var
city:
  url: mqtts://mqtt.city.example
  user: edge-1
  password_file: var/mqtt.password
  ca_file: ca.pem
  cert_file: edge.crt
  key_file: edge.key
losses: gateway-losses
keep: {max_bytes: 10000000, sent_s: 3600, sent_bytes: 1000000}
batches: {max_records: 100, max_bytes: 100000, max_age_s: 0.5, per_s: 20}
sources:
  - name: line
    kind: serial
    feed: river
    device: /dev/ttyUSB0
    baud: 19200
    parity: even
    bits: 7
    format: csv
    columns: [level]
    separator: ";"
    kinds: {level: number}
    add: {gauge: G01}
    time_field: observed_at
  - {name: meter, kind: modbus, feed: power, host: meter.local,
     registers: [{name: w, address: 4, type: int32}]}
  - {name: page, kind: http, feed: air, url: "https://box.local/state", path: [now], headers: {X-Key: abc}}
  - {name: drop, kind: folder, feed: soil, folder: in, files: "*.csv", format: csv,
     columns: [a, b], header: true}
  - {name: bus, kind: mqtt, feed: air, url: "mqtt://127.0.0.1", topic: "sensors/#"}
models:
  - {name: next, directory: m/files, receipt: m/release.receipt.json, graph: a.onnx, reads: air,
     feed: air-next, input: window, fields: [pm25], lookback: 24, key: station, outputs: [p50],
     copy: [station]}
"""


def test_every_setting_is_read() -> None:
    config = parse_config(WHOLE, Path("/etc/edge"))
    assert (config.name, config.state, config.key) == (
        "river-office/edge-1", Path("/etc/edge/var"), Path("/etc/edge/var/key.pem")
    )  # fmt: skip
    assert (config.city.url, config.city.ca_file) == (
        "mqtts://mqtt.city.example:8883",
        Path("/etc/edge/ca.pem"),
    )
    assert [source.name for source in config.sources] == ["line", "meter", "page", "drop", "bus"]
    line = config.sources[0]
    assert isinstance(line, SerialLine)
    assert (line.device, line.baud, line.reader.separator) == (Path("/dev/ttyUSB0"), 19_200, ";")
    assert config.models[0].receipt == Path("/etc/edge/m/release.receipt.json")
    assert (config.keep.max_bytes, config.cut.max_records) == (10_000_000, 100)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gateway: river-office/edge-1", "gateway: edge", "gateway.yaml.gateway"),
        ("mqtts://mqtt.city.example", "https://mqtt.city.example", "mqtts://host:port"),
        ("mqtts://mqtt.city.example", "mqtts://a:b@mqtt.city.example", "mqtts://host:port"),
        ("user: edge-1", "usr: edge-1", "want no other names, got 'usr'"),
        ("kind: serial", "kind: parallel", "one of folder, http, modbus, mqtt, serial"),
        ("baud: 19200", "baud: 19201", "a speed"),
        ("max_bytes: 100000,", "max_bytes: 1000000,", "from 1024 to 900000"),
        ("max_age_s: 0.5", "max_age_s: .nan", "a number from 0 to 3600"),
        ("name: meter", "name: line", "each of another name"),
        ("type: int32", "type: int31", "int32"),
        ("format: csv\n    columns: [level]", "format: regex\n    pattern: '(a'", "a regular expression"),
        ("feed: air-next", "feed: air", "another feed than it reads"),
        ("https://box.local/state", "file:///etc/passwd", "http:// or https://"),
        ("losses: gateway-losses\n", "", "want 'losses'"),
        ("sources:", "sources: &a", "want no"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, said: str) -> None:
    text = WHOLE.decode()
    assert old in text
    if said == "want no":  # an anchor alone is plain; an alias is not
        new, said = "sources: *none\nmore:", "alias"
    with pytest.raises(MalformedConfig, match=said.replace("(", r"\(")):
        parse_config(text.replace(old, new, 1).encode(), Path())


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"gateway: 1", b"a: " * 2_000, b"x" * 2_000_000])
def test_what_is_no_configuration_is_an_error_of_ours(text: bytes) -> None:
    with pytest.raises(MalformedConfig):
        parse_config(text, Path())


def test_paths_are_beside_the_file(tmp_path: Path) -> None:
    path = configured(tmp_path, 1, "sources: []")
    assert read_config(path).key == tmp_path / "state" / "key.pem"
    with pytest.raises(StoreUnusable):
        read_config(tmp_path / "none.yaml")


def test_only_feeds_of_the_invitation_are_sent_to(tmp_path: Path) -> None:
    """Else a broker that forbids them would acknowledge them and throw them away."""
    path = configured(tmp_path, 1, "sources: [{name: a, kind: folder, feed: rain, folder: in}]")
    joined = tmp_path / "state" / "joined.json"
    joined.write_text('{"feeds": ["rain", "gateway-losses"]}')
    assert read_config(path).feeds == {"rain", "gateway-losses"}
    joined.write_text('{"feeds": ["gateway-losses"]}')
    with pytest.raises(MalformedConfig, match="got rain"):
        read_config(path)
    joined.write_text('{"feeds": []}')  # invited for any
    read_config(path)
