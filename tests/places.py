"""Every place that a log's files and its state can be, opened as often as a test likes."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from veracity.log.doors import Objects
from veracity.stores.objects import LocalObjects, StoredObjects
from veracity.stores.opening import OpenState, open_objects, open_state

OpenFiles = Callable[[], Objects]  #: opens the same files again, as another process would
OpenStates = Callable[[Objects], OpenState]  #: opens the same state again, for a log with these files
NewStates = Callable[[], OpenStates]  #: makes one more empty place for states, of the same kind


@pytest.fixture(params=["memory", "directory", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> OpenFiles:
    """An empty place for files."""
    if request.param == "memory":
        store = MemoryStore()
        return lambda: StoredObjects(store)
    if request.param == "s3":
        url = request.getfixturevalue("s3").url
        return lambda: open_objects(url)
    return lambda: LocalObjects(tmp_path / "new" / "store")


@pytest.fixture(params=["sqlite", "postgresql", "s3"])
def new_states(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStates]:
    """Empty places for states."""
    opened: list[OpenState] = []

    def location() -> str:
        if request.param == "sqlite":
            return f"sqlite:///{tmp_path}/{secrets.token_hex(8)}.db"
        if request.param == "s3":
            return f"{request.getfixturevalue('s3').url}-states/{secrets.token_hex(8)}"
        server = request.getfixturevalue("postgres_server")
        url: str = server.fresh()
        request.addfinalizer(lambda: server.drop(url))
        return url

    def new() -> OpenStates:
        place = location()

        def opens(objects: Objects) -> OpenState:
            opened.append(open_state(place))
            return opened[-1]

        return opens

    yield new
    for state in opened:
        state.close()
