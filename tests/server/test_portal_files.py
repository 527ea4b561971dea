"""The portal's files: by name, cached as they may be, and nothing beside them."""

import gzip
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from asked import ask
from veracity.server.portal_files import PortalFiles


@pytest.fixture
def app(tmp_path: Path) -> PortalFiles:
    portal = tmp_path / "portal"
    (portal / "assets").mkdir(parents=True)
    (tmp_path / "secret.json").write_text("{}")
    (portal / "index.html").write_text("<title>Portal</title>")
    (portal / "assets/index-B3kd93Xa.js").write_text("let a = 1;")
    (portal / "assets/index-B3kd93Xa.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    (portal / "assets/map.css").write_text("a {}")
    (portal / "key.pem").write_text("no type of ours")
    return PortalFiles(portal)


def test_the_page_is_asked_for_again_and_its_parts_are_not(app: PortalFiles) -> None:
    """The page must be fresh; what is named by its content is kept for a year, and compressed where taken."""
    page = ask(app, "GET", "/")
    assert (page.status_code, page.text) == (200, "<title>Portal</title>")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert ask(app, "GET", "/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    part = ask(app, "GET", "/assets/index-B3kd93Xa.js", headers={"Accept-Encoding": "gzip"})
    assert (part.headers["content-encoding"], part.text) == ("gzip", "let a = 1;")
    assert part.headers["cache-control"] == "public, max-age=31536000, immutable"
    plain = ask(app, "GET", "/assets/index-B3kd93Xa.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != part.headers["etag"]
    assert "immutable" not in ask(app, "GET", "/assets/map.css").headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/key.pem",
        "/secret.json",
        "/..%2fsecret.json",
        "/%2e%2e/secret.json",
        "/assets/..%2f..%2fsecret.json",
        "/assets/%2e%2e/%2e%2e/secret.json",
        "/assets",
        "/assets/",
        "/index.html%00",
        "/nothing",
    ],
)
def test_nothing_else_is_served(app: PortalFiles, path: str) -> None:
    """No other file, no folder, whatever the spelling."""
    assert ask(app, "GET", path).status_code == 404


def test_nothing_can_be_written(app: PortalFiles) -> None:
    """Only GET and HEAD."""
    answer = ask(app, "POST", "/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_without_a_portal_there_is_a_page_that_says_so(tmp_path: Path) -> None:
    """Plain words on how to build it."""
    page = ask(PortalFiles(tmp_path / "none"), "GET", "/")
    assert page.status_code == 200
    assert "make portal" in page.text


def test_a_page_that_is_whole_has_a_policy_of_its_own(tmp_path: Path) -> None:
    """Just its own scripts and styles run; a page of files has none, and gets that of all."""
    (tmp_path / "index.html").write_text('<script type="module" src="./a.js"></script>')
    script = 'let a = "<style>b</style> &amp; ê";\nlet b = 1 < 2;'
    (tmp_path / "verify.html").write_text(
        f"<!doctype html><style>p {{}}</style><p>a</p><script type=module>{script}</script>", "utf-8"
    )
    app = PortalFiles(tmp_path)
    assert "content-security-policy" not in ask(app, "GET", "/").headers
    policy = ask(app, "GET", "/verify.html").headers["content-security-policy"]
    digests = [b64encode(sha256(text.encode()).digest()).decode() for text in (script, "p {}")]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digests[0]}'; style-src 'sha256-{digests[1]}';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
