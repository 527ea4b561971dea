"""An application of ours behind a real socket on loopback, for clients that want one."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serve until the block ends; gives the address, without a slash at its end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[server])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join()
