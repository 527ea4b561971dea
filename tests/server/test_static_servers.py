"""The same directory through servers that know nothing of logs: what docs/serving.md says of them."""

import http.server
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from log_fakes import SIGNER, new_log, numbered

from served import STOP_S, ask, serving
from servers import S3
from veracity.log.append import Log
from veracity.log.bundles import bundles_for_size
from veracity.log.fsck import fsck
from veracity.log.reader import LogReader
from veracity.log.tiles import tiles_for_size
from veracity.stores.http_objects import HttpObjects
from veracity.stores.objects import LocalObjects
from veracity.stores.opening import open_objects

SIZE = 700
GUIDE = Path(__file__).parents[2] / "docs" / "serving.md"
HEADERS = ("Content-Type", "Cache-Control", "Access-Control-Allow-Origin", "X-Content-Type-Options")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log of 700 entries in the directory ``log``."""
    log = new_log(300, LocalObjects(tmp_path / "log"))
    log.append(numbered(300, SIZE))
    return log


@contextmanager
def plain_server(directory: Path) -> Iterator[str]:
    """Python's own file server, which has no settings at all."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=directory)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def nginx(directory: Path, folder: Path) -> Iterator[str]:
    """nginx with the very settings of the guide, on a free port."""
    assert NGINX is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = re.search(r"<!-- file: log\.conf -->\n```nginx\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert found, "the guide has the settings of nginx"
    settings = found[1].replace("listen 80;", f"listen 127.0.0.1:{port};")
    settings = settings.replace("/srv/city/store/log", str(directory))
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if folder.owner() == "root" else ""
    (folder / "nginx.conf").write_text(
        f"daemon off;\n{user}pid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}{settings}}}\n"
    )
    process = subprocess.Popen(
        [NGINX, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            assert process.poll() is None, process.communicate()
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                threading.Event().wait(0.05)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=STOP_S)


def check_readable(url: str, log: Log) -> None:
    """Read the whole log through HTTP, each entry proven, and find it sound."""
    reader = LogReader.open(HttpObjects(url), SIGNER.verifier)
    assert reader.checkpoint == log.checkpoint
    assert list(reader.entries()) == numbered(0, SIZE)
    reader.prove(123)
    reader.prove_consistency(300)


def test_any_file_server_will_do(log: Log, tmp_path: Path) -> None:
    """The directory through a file server without a single setting reads as the same log."""
    with plain_server(tmp_path / "log") as url:
        check_readable(url, log)


def test_our_own_server(log: Log, tmp_path: Path) -> None:
    """The same reader, the same log, through our own server."""
    with serving("log", "serve", "--log", tmp_path / "log") as running:
        check_readable(running.url, log)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_as_the_guide_sets_it_up(log: Log, tmp_path: Path) -> None:
    """nginx serves the types, the caching and the CORS of our own server; partial tiles too, folders not."""
    (tmp_path / "nginx").mkdir()
    (tmp_path / "log" / "secret").write_text("secret")
    with (
        nginx(tmp_path / "log", tmp_path / "nginx") as url,
        serving("log", "serve", "--log", tmp_path / "log") as ours,
    ):
        check_readable(url, log)
        paths = [
            "checkpoint",
            *(t.path for t in tiles_for_size(SIZE)),
            *(b.path for b in bundles_for_size(SIZE)),
        ]
        for path in paths:
            theirs, mine = ask("GET", f"{url}/{path}"), ask("GET", f"{ours.url}/{path}")
            assert theirs.data == mine.data
            for name in HEADERS:
                assert theirs.headers[name] == mine.headers[name], (path, name)
        bundle = f"{url}/tile/entries/000"
        assert ask("GET", bundle, headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
        etag = ask("GET", bundle).headers["ETag"]
        assert ask("GET", bundle, headers={"If-None-Match": etag}).status == 304
        for path in ("", "secret", "tile/", "tile/0/", "tile/0/000.p/", "tile/0/..%2f..%2fsecret"):
            assert ask("GET", f"{url}/{path}").status in (400, 403, 404)
        for method in ("PUT", "POST", "DELETE"):
            assert ask(method, f"{url}/checkpoint").status in (403, 405)


def test_a_log_on_s3_is_served(s3: S3) -> None:
    """A log whose files are in an S3 bucket is served like any other, and can be checked through it."""
    log = new_log(300, open_objects(s3.url))
    log.append(numbered(300, SIZE))
    with serving("log", "serve", "--log", s3.url) as running:
        check_readable(running.url, log)
    assert not fsck(open_objects(s3.url), SIGNER.verifier).findings
