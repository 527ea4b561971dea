"""A city of things, served, and accounts that post to it: of an agency, of another, of the city itself."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

import pytest
import urllib3
from fastapi import FastAPI

from accounts_city import granting, listed_writes
from small_city import AGENCY, clock, key
from things_city import Client, serving_app, things_city
from veracity.home.accounts.granting import add_account, make_token
from veracity.home.accounts.lines import Line
from veracity.home.clock import Clock
from veracity.home.enrolments import add_agency
from veracity.home.home import Home, open_writer
from veracity.home.live.rates import Rate
from veracity.server.accounts.pace import Limits
from veracity.server.app import make_app
from veracity.server.sensorthings import gathering, taking
from veracity.server.settings import ServerSettings

OTHER, STAFF, READER = "another-office", "staff", "reader"
DEADLINE_S = 60
ONE = "/v1.1/Observations"
Post = tuple[str, Any, str]  #: path, body, account
_MANY = Rate(10_000.0, 10_000)


@dataclass(frozen=True)
class Posting:
    """A city, and a token of each account."""

    root: Path
    tokens: dict[str, str]


def posting_city(root: Path, n: int = 30, time: Clock | None = None) -> Posting:
    """Make a city with accounts: publishers of two agencies, one of none, and a viewer.

    Their tokens are of the city's time, or of another: a server in a process of its own has the real one.
    """
    things_city(root, n)
    people = {AGENCY: AGENCY, OTHER: OTHER, STAFF: None, READER: None}
    with granting(root, time) as (home, store):
        add_agency(home, OTHER, key(OTHER).public)
        for name, agency in people.items():
            add_account(home, store, name, ["viewer" if name == READER else "publisher"], agency)
        return Posting(root, {name: make_token(home, store, name)[0].text for name in people})


class Poster(Client):
    """Asks a server, and posts to it. ``app`` is what it serves, if that runs in this process."""

    def __init__(self, base: str, tokens: dict[str, str], app: FastAPI | None = None) -> None:
        super().__init__(base)
        self.tokens, self._app = tokens, app

    @property
    def n_waiting(self) -> int:
        """How many posts wait to be sealed."""
        assert self._app is not None, "asked of a server in this process"
        service = getattr(self._app.state, "sensorthings", None)
        return 0 if service is None else int(service.n_waiting)

    def send(
        self, path: str, body: Any, account: str | None = AGENCY, method: str = "POST"
    ) -> urllib3.BaseHTTPResponse:
        """Send a body, as JSON unless it is bytes."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if account is None else {"Authorization": f"Bearer {self.tokens[account]}"}
        return self._pool.request(method, self.base + path, body=sent, headers=headers, timeout=60)

    def made(self, path: str, body: Any, account: str = AGENCY) -> Any:
        """Send a body that is taken; return what is at the address that the answer names."""
        said = self.send(path, body, account)
        assert said.status == 201, said.data
        return self.json(said.headers["Location"])

    def refused(self, path: str, body: Any, account: str | None = AGENCY) -> tuple[int, str]:
        """Send a body that is not taken; return the status and the code."""
        said = self.send(path, body, account)
        return said.status, said.json()["code"]


@contextmanager
def posted_to(posting: Posting) -> Iterator[Poster]:
    """Serve the city."""
    limits = Limits(writes=_MANY, account=_MANY, network=_MANY)
    app = make_app(ServerSettings(posting.root, clock=clock, limits=limits))
    app.state.accounts.clock = clock  # the tokens are of that time
    with serving_app(app) as base:
        yield Poster(base, posting.tokens, app)
    app.state.accounts.close()
    app.state.city.close()


@pytest.fixture
def posting(tmp_path: Path) -> Posting:
    """A city with a registry and two batches, and accounts."""
    return posting_city(tmp_path / "city")


@pytest.fixture
def city(posting: Posting) -> Iterator[Poster]:
    """It served."""
    with posted_to(posting) as client:
        yield client


def one(minute: int, result: float = 1.5, gauge: str = "G01", account: str = AGENCY) -> Post:
    """An observation at a minute of an hour without others."""
    stream = {"@iot.id": f"rain:{gauge}:rain"}
    body = {"phenomenonTime": f"2026-09-02T00:{minute:02}:00Z", "result": result, "Datastream": stream}
    return ONE, body, account


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = monotonic() + DEADLINE_S
    while not is_so():
        assert monotonic() < end, "it never came to be so"
        sleep(0.01)


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold the lock of the home, as another program does."""
    with open_writer(root, clock):
        yield


@contextmanager
def patient() -> Iterator[None]:
    """Let posts wait for the home as long as tests do: a busy machine takes its time to send them all."""
    with (
        patch.object(taking, "WAIT_S", float(DEADLINE_S)),
        patch.object(gathering, "MAX_WAIT_S", float(DEADLINE_S)),
    ):
        yield


def together(city: Poster, root: Path, posts: Sequence[Post]) -> list[urllib3.BaseHTTPResponse]:
    """Send posts that all wait before the first can be sealed; return the answers, in their order."""
    with patient(), ThreadPoolExecutor(len(posts)) as clients:
        with held(root):
            sent = [clients.submit(city.send, *post) for post in posts]
            wait_for(lambda: city.n_waiting == len(posts))
        return [answer.result(DEADLINE_S) for answer in sent]


def written(root: Path) -> dict[str, Line]:
    """Return what the journal's lists in the log say, by the digest of the body."""
    with closing(Home.open(root, clock)) as home:
        return {w.body_sha256: w for w in listed_writes(home)}
