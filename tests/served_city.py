"""A small city served in this process, with an account and a token of each role."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from accounts_city import Time, with_accounts
from asked import ask
from small_city import clock, ndjson, new_city
from veracity.home.accounts.account import Role
from veracity.home.accounts.sessions import begin_session
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

Made = tuple[Path, dict[Role, str]]  #: a home, and a token of each role
ORIGIN = "http://city.example"


class ServedCity:
    """An application, the tokens of its accounts (``the-viewer`` …), and the real time, moved by hand."""

    def __init__(self, root: Path, tokens: dict[Role, str], **settings: Any) -> None:
        self.root, self.tokens, self.time = root, tokens, Time()
        plain = ServerSettings(root, clock=clock, seal_after_s=None)
        self.app: FastAPI = make_app(replace(plain, **settings))
        self.app.state.accounts.clock = self.time

    def ask(self, role: Role | None, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask with the token of a role, or with none."""
        headers = {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}
        return ask(self.app, method, path, headers=headers | more.pop("headers", {}), **more)

    def session(self, role: Role) -> str:
        """Return the cookie of a new session of the account of a role."""
        secret = begin_session(self.app.state.accounts.store, f"the-{role}", frozenset({role}))
        return f"veracity-session={secret}"

    def close(self) -> None:
        self.app.state.accounts.close()
        self.app.state.city.close()


def made_city(folder: Path) -> Made:
    """Make a city with a batch of rain and the accounts."""
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 200)])
    return root, with_accounts(root)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A city with accounts, to be copied."""
    return made_city(tmp_path_factory.mktemp("secured"))


@pytest.fixture(scope="module")
def city(made_once: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCity]:
    """A served copy of it, for the tests of a file."""
    with serving(made_once, tmp_path_factory.mktemp("served")) as served:
        yield served


@contextmanager
def serving(made: Made, folder: Path, **settings: Any) -> Iterator[ServedCity]:
    """Serve a copy of such a city."""
    root = Path(shutil.copytree(made[0], folder / "served"))
    city = ServedCity(root, made[1], **settings)
    try:
        yield city
    finally:
        city.close()
