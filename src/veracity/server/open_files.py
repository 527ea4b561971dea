"""How many files this process may open: connections are files too, and so is all that answers them."""

import resource
from contextlib import suppress

from veracity.server.errors import TooFewFiles

LEAST = (
    256  #: opened homes of all threads, and a few dozen clients; one that starts with less may never answer
)


def allow_files(n: int) -> None:
    """Ask the system for that many open files; it may not give them, and then refuses connections.

    What this process starts afterwards may open as many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n if hard == resource.RLIM_INFINITY else min(n, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def ensure_files(least: int = LEAST) -> None:
    """Take as many open files as are needed at the least, where the limit can be raised to that.

    Raises
    ------
    TooFewFiles
        If it cannot.
    """
    allow_files(least)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < least:
        raise TooFewFiles(f"open files: want a limit of {least} or more (ulimit -n), got {soft}")
