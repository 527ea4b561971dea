"""An online base map: offered where the settings name one; its host alone is let into the pages' policy."""

from pathlib import Path

from asked import ask
from served_city import Made, made_once, serving
from veracity.server.base_map import BaseMap

__all__ = ["made_once"]

MAP = BaseMap("https://tiles.example.org:8443/a/{z}/{x}/{y}.png?s=1", "A mapper", 18)


def test_the_city_tells_of_its_base_map(made_once: Made, tmp_path: Path) -> None:
    """With it the answer has its tiles and the policy its origin, for pictures and connections only."""
    with serving(made_once, tmp_path, base_map=MAP) as offered:
        got = ask(offered.app, "GET", "/api/v1/city")
        assert got.json()["base_map"] == {"tiles": MAP.tiles, "attribution": "A mapper", "max_zoom": 18}
        policy = got.headers["content-security-policy"]
        named = {
            part.split(" ")[0] for part in policy.split("; ") if "https://tiles.example.org:8443" in part
        }
        assert named == {"img-src", "connect-src"}
        assert "/a/" not in policy


def test_a_city_without_one(made_once: Made, tmp_path: Path) -> None:
    """Nothing is offered, and no other host is named."""
    with serving(made_once, tmp_path) as plain:
        got = ask(plain.app, "GET", "/api/v1/city")
        assert got.json()["base_map"] is None
        assert "https://" not in got.headers["content-security-policy"]
