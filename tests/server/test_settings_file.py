"""``server.yaml``: what it says is how the city is served; what it says wrongly starts nothing."""

from pathlib import Path

import pytest

from run_cli import Here
from small_city import new_city
from veracity.home.live.rates import Rate
from veracity.server import settings_file
from veracity.server.accounts.pace import Limits
from veracity.server.base_map import BaseMap
from veracity.server.errors import MalformedSettings
from veracity.server.running import PUBLIC
from veracity.server.settings import ServerSettings
from veracity.server.settings_file import parse_settings, read_settings

HOME = Path("city")


def example() -> bytes:
    """The settings that the module's own words show."""
    lines = (settings_file.__doc__ or "").partition("::\n\n")[2].partition("\n\nWhat is left out")[0]
    return "\n".join(line[4:] for line in lines.splitlines()).encode()


def test_the_example_says_what_it_shows() -> None:
    """Every setting, from the words of the module."""
    served = parse_settings(example(), HOME)
    assert served.settings == ServerSettings(
        HOME,
        public_url="https://data.example.org",
        is_open=False,
        origins=("https://app.example.org",),
        page_origins=("https://tiles.example.org",),
        base_map=BaseMap("https://tiles.example.org/{z}/{x}/{y}.png", "A mapper"),
        fronts=("10.0.0.7", "10.1.0.0/16"),
        limits=Limits(Rate(500, 5_000), Rate(200, 2_000), Rate(20, 200), Rate(0.1, 50)),
        seal_after_s=30.0,
    )
    assert served.connections == PUBLIC


def test_what_is_left_out_is_as_ever(tmp_path: Path) -> None:
    """No file, an empty one, one setting: the rest are the defaults; the command line counts more."""
    for text in (None, b"", b"open: true\n", b"limits: {}\nconnections: {}\norigins: []\n"):
        if text is not None:
            (tmp_path / "server.yaml").write_bytes(text)
        assert read_settings(tmp_path).settings == ServerSettings(tmp_path)
    (tmp_path / "server.yaml").write_bytes(b"public_url: http://a.example\nconnections: {all: 9}\n")
    served = read_settings(tmp_path, public_url="http://b.example", witness=None)
    assert (served.settings.public_url, served.connections.connections) == ("http://b.example", 9)
    assert read_settings(tmp_path, public_url=None).settings.public_url == "http://a.example"


@pytest.mark.parametrize(
    "text",
    [
        "opne: false",
        "open: no-one",
        "[]",
        "public_url: ftp://x",
        "public_url: https://x/",
        'public_url: "https://x\\n.evil"',
        "origins: https://app.example",
        "origins: [app.example]",
        "origins: ['https://app.example/']",
        'page_origins: ["https://tiles.example; script-src *"]',
        "page_origins: ['*']",
        "page_origins: [1]",
        "base_map: https://tiles.example.org/{z}/{x}/{y}.png",
        "base_map: {tiles: 'https://tiles.example.org/{z}/{x}/{y}.png'}",
        "base_map: {tiles: 'https://tiles.example.org/{z}/{x}', attribution: A}",
        "base_map: {tiles: 'http://tiles.example.org/{z}/{x}/{y}', attribution: A}",
        "base_map: {tiles: 'https://tiles.example.org; script-src */{z}/{x}/{y}', attribution: A}",
        "base_map: {tiles: 'https://a@b/{z}/{x}/{y}', attribution: A}",
        "base_map: {tiles: 'https://tiles.example.org/{z}/{x}/{y}', attribution: A, max_zoom: 99}",
        "fronts: [everybody]",
        "fronts: [0.0.0.0/0]",
        "fronts: ['::/0']",
        "fronts: [10.0.0.1/8]",
        "limits: {network: 5}",
        "limits: {network: {per_second: 0, burst: 1}}",
        "limits: {network: {per_second: 1}}",
        "limits: {networks: {per_second: 1, burst: 1}}",
        "limits: {network: {per_second: .inf, burst: 1}}",
        "limits: {network: {per_second: 1, burst: true}}",
        "connections: {all: 0}",
        "connections: {wait_s: 51}",
        "seal_after_s: 0",
        "seal_after_s: soon",
        "open: true\nopen: false",
        "origins: &a [*a]",
    ],
)
def test_what_is_wrong_is_refused(text: str) -> None:
    """Names that are none, values out of bounds, what would end up in a header."""
    with pytest.raises(MalformedSettings, match=r"server\.yaml"):
        parse_settings(text.encode(), HOME)


def test_a_file_that_is_too_long_or_no_file(tmp_path: Path) -> None:
    """Bounded before it is parsed; a directory is no file."""
    with pytest.raises(MalformedSettings):
        parse_settings(b"#" * 65_537, HOME)
    (tmp_path / "server.yaml").mkdir()
    with pytest.raises(MalformedSettings):
        read_settings(tmp_path)


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["up", "--http", "127.0.0.1:0"]])
def test_nothing_starts_by_wrong_settings(tmp_path: Path, here: Here, command: list[str]) -> None:
    """Told in one line before anything listens, exit 3."""
    root = new_city(tmp_path / "city")
    (root / "server.yaml").write_text("open: perhaps\n")
    done = here(*command, "--home", root)
    assert (done.code, done.out) == (3, "")
    assert "server.yaml.open: want true or false" in done.err
