"""Fixtures for every test; the helpers beside this file are importable from all of them."""

import pytest
from hypothesis import settings

from authority import authority
from places import files, new_states
from run_cli import Here
from servers import postgres, postgres_server, s3, s3_server
from threats import this
from tokens import softhsm, token

__all__ = [
    "authority",
    "files",
    "here",
    "new_states",
    "postgres",
    "postgres_server",
    "s3",
    "s3_server",
    "softhsm",
    "this",
    "token",
]

# Machines are shared: how long an example takes says nothing of the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """The command line, in this process, at the time of the small city."""
    return Here(capsys, monkeypatch)
