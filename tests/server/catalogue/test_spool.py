"""Files for readers: made once, bounded in room, and never half a file."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from veracity.errors import Malformed
from veracity.server.catalogue.spool import MAX_AT_ONCE, MAX_CALLERS, Spool
from veracity.server.errors import SpoolFull


def text(content: bytes, made: list[bytes]) -> Callable[[Path], None]:
    """Return what makes a file, and notes that it did."""

    def make(path: Path) -> None:
        made.append(content)
        path.write_bytes(content)

    return make


def read(spool: Spool, name: str, content: bytes, made: list[bytes]) -> bytes:
    """Ask for a file and read it."""
    file, _ = spool.opened(("t", name), text(content, made))
    with file:
        return file.read()


def test_what_does_not_fit_goes_first_used_first() -> None:
    """The file asked for least recently is made again; its digest is known all along."""
    made: list[bytes] = []
    spool = Spool(20)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert read(spool, name, name.encode() * 10, made) == name.encode() * 10
    assert b"".join(m[:1] for m in made) == b"abcb"
    known = spool.known(("t", "c"))
    assert known is not None
    assert known.n_bytes == 10


def test_a_file_that_is_read_stays_whole() -> None:
    """Making room takes nothing from who reads already."""
    made: list[bytes] = []
    spool = Spool(10)
    file, _ = spool.opened(("t", "a"), text(b"a" * 10, made))
    read(spool, "b", b"b" * 10, made)
    with file:
        assert file.read() == b"a" * 10


def test_many_who_ask_at_once_get_one_file() -> None:
    """It is made once, and who comes meanwhile waits for it."""
    made: list[int] = []
    spool = Spool(1000)

    def make(path: Path) -> None:
        made.append(1)
        time.sleep(0.1)
        path.write_bytes(b"x")

    def ask() -> None:
        file, _ = spool.opened(("t", "x"), make)
        file.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_file_that_cannot_be_made_leaves_nothing() -> None:
    """An error is told to who asked; the next one asks anew; what is too large is refused before."""
    spool = Spool(1000)

    def make(path: Path) -> None:
        path.write_bytes(b"half")
        raise Malformed("no")

    for _ in range(2):
        with pytest.raises(Malformed):
            spool.opened(("t", "x"), make)
    assert read(spool, "x", b"whole", []) == b"whole"
    with pytest.raises(SpoolFull):
        spool.opened(("t", "y"), make, n_bytes_likely=1001)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SpoolFull, match="No space"):
        spool.opened(("t", "z"), full)


def test_too_many_who_wait_are_turned_away() -> None:
    """Readers of other things must not find every thread waiting for a file."""
    spool, started, go = Spool(1000), threading.Semaphore(0), threading.Event()

    def make(path: Path) -> None:
        started.release()
        assert go.wait(30)
        path.write_bytes(b"x")

    def ask(name: str) -> None:
        file, _ = spool.opened(("t", name), make)
        file.close()

    threads = [threading.Thread(target=ask, args=(f"{number}",)) for number in range(MAX_CALLERS)]
    for thread in threads:
        thread.start()
    for _ in range(MAX_AT_ONCE):
        assert started.acquire(timeout=30)
    while spool._callers._value:
        time.sleep(0.01)
    with pytest.raises(SpoolFull, match="fewer"):
        spool.opened(("t", "one more"), make)
    go.set()
    for thread in threads:
        thread.join()
    spool.opened(("t", "one more"), make)[0].close()
