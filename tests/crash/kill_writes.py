"""Serve a small city to one request that writes, and be killed by it at a place: as SIGKILL would, at once.

``kill_writes.py HOME PLACE TOKEN METHOD PATH BODY``. Places: ``before`` the write, once it was put down who
asks; ``noting``, after the write and before the journal has it; ``dropping``, after one that the log says
whole; ``half``, when a token has ended and the log does not say so yet.
"""

import os
import signal
import sys
from pathlib import Path

from asked import ask
from small_city import clock
from veracity.server.accounts import token_routes
from veracity.server.accounts.recorded import Recorded
from veracity.server.api import deciding
from veracity.server.app import make_app
from veracity.server.sensorthings import taking
from veracity.server.settings import ServerSettings


def die(*_: object, **__: object) -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(root: str, place: str, token: str, method: str, path: str, body: str) -> None:
    """Serve, and ask."""
    if place == "before":
        for module, name in ((taking, "ingest"), (deciding, "release"), (deciding, "reject")):
            setattr(module, name, die)
    elif place == "half":
        setattr(token_routes, "say_revoked", die)  # noqa: B010 (mypy)
    else:
        setattr(Recorded, "_drop" if place == "dropping" else "_note", die)
    app = make_app(ServerSettings(Path(root), clock=clock, seal_after_s=None))
    app.state.accounts.clock = clock
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    got = ask(app, method, path, headers=headers, content=body.encode())
    sys.exit(f"not killed: {got.status_code} {got.text}")


if __name__ == "__main__":
    main(*sys.argv[1:])
