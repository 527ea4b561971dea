"""The portal's files: by name, cached as they may be, and nothing beside them."""

import asyncio
import gzip
import shutil
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from asked import ask
from veracity.server.portal_build import Build, BuiltFile
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


def build(folder: Path, name: str) -> None:
    """Put a build there as Vite does: the folder is emptied first, the page that stands alone comes last."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / f"assets/index-{name}.js").write_text(f"let a = '{name}';")
    (folder / "index.html").write_text(f'<script type="module" src="./assets/index-{name}.js"></script>')
    (folder / "verify.html").write_text(f"<!doctype html><script>let a = '{name}';</script>")


def test_a_new_build_is_shown_by_a_server_that_runs(tmp_path: Path) -> None:
    """The old one is whole while the new one is made; then the new one is, with the parts of open pages."""
    folder = tmp_path / "portal"
    build(folder, "AAAAAAAA")
    app = PortalFiles(folder)
    old = ask(app, "GET", "/")
    policy = ask(app, "GET", "/verify.html").headers["content-security-policy"]
    shutil.rmtree(folder)
    for path in ("/", "/verify.html", "/assets/index-AAAAAAAA.js"):
        assert ask(app, "GET", path).status_code == 200, path
    build(folder, "BBBBBBBB")
    (folder / "verify.html").unlink()
    assert ask(app, "GET", "/").text == old.text, "the new one is not whole yet"
    build(folder, "BBBBBBBB")
    new = ask(app, "GET", "/", headers={"If-None-Match": old.headers["etag"]})
    assert (new.status_code, "BBBBBBBB" in new.text) == (200, True)
    assert ask(app, "GET", "/assets/index-BBBBBBBB.js").text == "let a = 'BBBBBBBB';"
    assert ask(app, "GET", "/assets/index-AAAAAAAA.js").text == "let a = 'AAAAAAAA';"
    alone = ask(app, "GET", "/verify.html")
    assert alone.headers["content-security-policy"] != policy
    assert "BBBBBBBB" in alone.text
    build(folder, "CCCCCCCC")
    assert "CCCCCCCC" in ask(app, "GET", "/").text
    assert ask(app, "GET", "/assets/index-AAAAAAAA.js").status_code == 404, "one build before, and no more"


def test_a_portal_that_is_built_after_the_start_is_shown(tmp_path: Path) -> None:
    """The page that says how to build it makes room for what was built."""
    folder = tmp_path / "portal"
    app = PortalFiles(folder)
    assert "make portal" in ask(app, "GET", "/").text
    build(folder, "AAAAAAAA")
    assert "AAAAAAAA" in ask(app, "GET", "/").text
    assert ask(app, "GET", "/assets/index-AAAAAAAA.js").status_code == 200


def test_a_new_build_is_read_once_for_all_who_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many who come at once: one reads its files, and all are shown it."""
    folder = tmp_path / "portal"
    app = PortalFiles(folder)
    build(folder, "AAAAAAAA")
    n_read, read = 0, Build.read

    def counted(place: Path) -> Build:
        nonlocal n_read
        n_read += 1
        return read(place)

    async def all_at_once() -> list[BuiltFile | None]:
        return await asyncio.gather(*(app._find("index.html") for _ in range(8)))

    monkeypatch.setattr(Build, "read", counted)
    shown = asyncio.run(all_at_once())
    assert all(file is not None and b"AAAAAAAA" in file.body for file in shown)
    assert n_read == 1
