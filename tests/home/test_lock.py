"""The lock of a home passes from one writer to the next: on one machine, and between machines."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest

from run_cli import start
from shared_city import KEYS, Places, cut_off, joined, shared_places
from small_city import AGENCY, ORIGIN, clock, key
from veracity.home.enrolments import add_agency
from veracity.home.errors import HomeBusy
from veracity.home.founding import init
from veracity.home.home import Home, Writer, open_writer
from veracity.stores.errors import LockLost

__all__ = ["shared_places"]  # a fixture
DEADLINE_S = 60
Homes = tuple[Path, Path]


@pytest.fixture(params=["one machine", "two machines"])
def homes(request: pytest.FixtureRequest, tmp_path: Path) -> Homes:
    """A home as two writers see it: both in one directory, or each on its own machine."""
    root = tmp_path / "city"
    if request.param == "one machine":
        init(root, ORIGIN, clock, KEYS)
        return root, root
    init(root, ORIGIN, clock, KEYS, **request.getfixturevalue("shared_places"))
    return root, joined(root, tmp_path / "other")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def waiting(root: Path, do: Callable[[Writer], object]) -> Iterator[None]:
    """Another writer in line for the lock, which does something once it has it."""

    def write() -> None:
        with open_writer(root, clock, wait_s=DEADLINE_S) as writer:
            do(writer)

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_who_waits_is_seen_and_comes_next(homes: Homes) -> None:
    """The holder sees that somebody waits; who comes again at once stands behind that one."""
    order: list[str] = []
    with ExitStack() as others:
        with open_writer(homes[0], clock, passes_on=True) as writer:
            assert not writer.is_wanted()
            others.enter_context(waiting(homes[1], lambda _: order.append("who waited")))
            wait_until(writer.is_wanted)
            order.append("first")
        with open_writer(homes[0], clock, wait_s=DEADLINE_S) as writer:
            order.append("first again")
            assert not writer.is_wanted()
    assert order == ["first", "who waited", "first again"]


def test_what_another_wrote_in_between_is_there(homes: Homes) -> None:
    """A writer that is opened after itself goes on where the other ended."""
    with ExitStack() as others:
        with open_writer(homes[0], clock) as before:
            others.enter_context(waiting(homes[1], lambda w: add_agency(w, AGENCY, key(AGENCY).public)))
            wait_until(before.is_wanted)
        with open_writer(homes[0], clock, wait_s=DEADLINE_S, after=before) as writer:
            assert writer.log.size == writer.index.size == 2
            assert [a.agency for a in writer.agencies().enrolled()] == ["operator", AGENCY]
            assert writer.append(writer.log.entry(1)) == 1
            add_agency(writer, "river-office", key("river-office").public)
            assert writer.log.size == 3


def test_the_wait_is_bounded(homes: Homes) -> None:
    """A holder that keeps the lock is not waited for, or as long as was said; the error names it."""
    with open_writer(homes[0], clock) as writer:
        for wait_s in (None, 0.0, 0.2):
            with pytest.raises(HomeBusy, match="held by"), open_writer(homes[1], clock, wait_s=wait_s):
                pass
        assert not writer.is_wanted()
    with open_writer(homes[1], clock):
        pass


def test_a_command_waits_for_a_holder_that_lets_others_in(homes: Homes) -> None:
    """Beside the live worker a command that writes waits for its turn by itself, and then is done."""
    with open_writer(homes[0], clock, passes_on=True) as writer:
        command = start("log", "publish", "--home", homes[1])
        wait_until(writer.is_wanted)
        assert command.poll() is None
    out, err = command.communicate(timeout=DEADLINE_S)
    assert (command.returncode, err) == (0, ""), out


def test_who_is_killed_waits_no_more(tmp_path: Path) -> None:
    """A waiting process that is killed is in nobody's way."""
    root = tmp_path / "city"
    init(root, ORIGIN, clock, KEYS)
    with open_writer(root, clock, passes_on=True) as writer:
        command = start("log", "publish", "--home", root)
        wait_until(writer.is_wanted)
        command.send_signal(signal.SIGKILL)
        command.communicate(timeout=DEADLINE_S)
        wait_until(lambda: not writer.is_wanted())


def test_a_writer_cut_off_writes_nothing_more(tmp_path: Path, shared_places: Places, postgres: str) -> None:
    """A writer whose session has ended stops: the library makes no new session behind its back."""
    root = tmp_path / "city"
    init(root, ORIGIN, clock, KEYS, **shared_places)
    with open_writer(root, clock) as writer:
        cut_off(postgres)
        for _ in range(2):
            with pytest.raises(LockLost) as caught:
                add_agency(writer, AGENCY, key(AGENCY).public)
            assert "\n" not in str(caught.value)
        with pytest.raises(LockLost):
            writer.index.settle("rain")
        with open_writer(joined(root, tmp_path / "other"), clock) as other:
            add_agency(other, AGENCY, key(AGENCY).public)
    home = Home.open(root, clock)
    assert home.reader().size == 2
    home.close()
