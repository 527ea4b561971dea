"""Kill a task with key files at each of its system calls, before and after; then open the key, do it again.

Run as a process of its own, which has no other threads: it forks for each kill. Prints how many there were.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veracity.home.key_care import encrypt_key, move_key
from veracity.home.key_places import LOG, OPERATOR_KEY, KeyPlace, open_key
from veracity.log.notes import Signer
from veracity.provenance.keys import SigningKey
from veracity.provenance.secret_files import write_secret

KEY = SigningKey(bytes(range(32)))
ORIGIN = "test.example/city"
CALLS = ("open", "link", "replace", "unlink", "fsync")
KILLED = 9


def keys(folder: Path) -> Path:
    """A home's key directory with both keys in it."""
    made = folder / "keys"
    made.mkdir(parents=True)
    write_secret(made / "log.key", (Signer(ORIGIN, KEY.seed).format() + "\n").encode())
    write_secret(made / "operator.pem", KEY.to_pem())
    write_secret(folder / "passphrase", b"correct horse\n")
    return made


def encrypt(name: str) -> Callable[[Path], object]:
    return lambda made: encrypt_key(KeyPlace(made, name), lambda _: b"correct horse")


def move(name: str, to: str) -> Callable[[Path], object]:
    return lambda made: move_key(KeyPlace(made, name), to.format(made.parent), ORIGIN)


def back(name: str) -> Callable[[Path], object]:
    """Move a key out, then home again: the second of the two is what is killed."""
    return lambda made: move_key(KeyPlace(made, name), "home", ORIGIN)


TASKS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "encrypt operator": (OPERATOR_KEY, encrypt(OPERATOR_KEY), ".p12"),
    "encrypt log": (LOG, encrypt(LOG), ".p12"),
    "move operator": (OPERATOR_KEY, move(OPERATOR_KEY, "file:{}/elsewhere.pem"), ".ref"),
    "move log": (LOG, move(LOG, "file:{}/elsewhere.pem"), ".ref"),
    "move operator home": (OPERATOR_KEY, back(OPERATOR_KEY), ".pem"),
    "move log home": (LOG, back(LOG), ".key"),
}


def kill_at(number: int, after: bool) -> None:
    """End this process at its system call of that number, as SIGKILL would: nothing is cleaned up."""
    n_calls = 0

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal n_calls
            n_calls += 1
            if n_calls == number and not after:
                os._exit(KILLED)
            result = call(*args, **kwargs)
            if n_calls == number:
                os._exit(KILLED)
            return result

        return counted

    for name in CALLS:
        setattr(os, name, around(getattr(os, name)))


def run(folder: Path, title: str) -> int:
    """Kill a task everywhere; return how often."""
    name, task, ending = TASKS[title]
    n_kills, number, done = 0, 0, False
    while not done:
        number += 1
        for after in (False, True):
            made = keys(folder / f"{number}-{after}")
            if title.endswith("home"):
                move(name, "file:{}/elsewhere.pem")(made)
            child = os.fork()
            if child == 0:
                kill_at(number, after)
                task(made)
                os._exit(0)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert status in (0, KILLED), f"{title}: call {number} ended with {status}"
            done = done or (status == 0 and not after)  # a call that failed took no effect to die after
            n_kills += status == KILLED
            place = KeyPlace(made, name)
            assert open_key(place).public == KEY.public, f"{title}: lost at call {number}, after: {after}"
            task(made)
            assert [p.suffix for p in place.held()] == [ending], f"{title}: half done at call {number}"
            assert open_key(place).public == KEY.public
            left = sorted(p.name for p in made.iterdir())
            assert len(left) == 2, f"{title}: left behind at call {number}: {left}"
            assert not list(made.parent.glob("*.part")), f"{title}: left behind at call {number}"
            shutil.rmtree(made.parent)
    return n_kills


if __name__ == "__main__":
    root = Path(sys.argv[1])
    secret = root / "passphrase"
    write_secret(secret, b"correct horse\n")
    os.environ["VERACITY_PASSPHRASE_FILE"] = str(secret)
    for title in TASKS:
        sys.stdout.write(f"{title}: {run(root, title)}\n")
