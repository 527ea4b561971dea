"""A certified provider of OpenID Connect on loopback (npm ``oidc-provider``), started for a test and stopped.

Its packages are locked by ``tests/oidc/package-lock.json`` and installed into ``build/oidc``.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from nodejs import node, npm, run

ROOT = Path(__file__).parents[1]
CLIENT, SECRET = "veracity-tests", "a secret for tests, no more"


@cache
def installed() -> Path:
    """Return the folder with the provider and its packages."""
    source, folder = ROOT / "tests" / "oidc", ROOT / "build" / "oidc"
    lock = (source / "package-lock.json").read_bytes()
    done = folder / "installed"
    if not done.exists() or done.read_bytes() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder)
        run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
        done.write_bytes(lock)
    shutil.copy(source / "provider.js", folder)
    return folder


@dataclass
class Provider:
    """A provider that runs, and the people it knows."""

    issuer: str
    path: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def knows(self, person: str, **claims: Any) -> None:
        """Have it say this of a person from now on."""
        self.settings["people"][person] = claims
        self.path.write_text(json.dumps(self.settings), encoding="utf-8")

    def signed_in(self, address: str, name: str) -> str:
        """Sign in as a browser would, from the address we send it to; return where it is sent back to."""
        with httpx.Client(follow_redirects=False, timeout=10) as browser:
            answer = browser.get(address)
            for _ in range(12):
                if answer.is_redirect:
                    target = urljoin(str(answer.url), answer.headers["location"])
                    if not target.startswith(self.issuer):
                        return target
                    answer = browser.get(target)
                    continue
                form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
                assert form is not None, answer.text
                said = {"prompt": "login", "login": name, "password": "any"}
                answer = browser.post(urljoin(str(answer.url), unescape(form[1])), data=said)
        raise AssertionError(f"no way back: {answer.status_code} {answer.text[:500]}")


@contextmanager
def running(folder: Path, redirect_uri: str, **more: Any) -> Iterator[Provider]:
    """Start a provider that sends people back to ``redirect_uri``; stop it at the end."""
    path = folder / "provider.json"
    settings = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uri": redirect_uri,
        "people": {},
    } | more
    path.write_text(json.dumps(settings), encoding="utf-8")
    with (folder / "provider.log").open("wb") as log:
        process = subprocess.Popen(
            [node(), "provider.js", str(path)], cwd=installed(), stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer, (folder / "provider.log").read_text()
        yield Provider(issuer, path, settings)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
