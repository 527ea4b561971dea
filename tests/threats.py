"""The threats of the design, and the attacks that tests carry out: who notices each, and by which command.

A test declares its attack with ``@attack(...)`` and shows it with ``Attack.notice``: the command that is
named is run, and must say what is named. ``docs/make_attacks.py`` writes the table from the declarations.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from run_cli import Done, Here

#: each threat of the design; where it is not carried out yet, the part of Veracity that it belongs to
THREATS: dict[str, str | None] = {
    "tampered record": None,
    "tampered table or file": None,
    "dropped or reordered records": None,
    "replayed or backdated message": None,
    "forged or revoked key": None,
    "log rewritten": None,
    "log forked": None,
    "log rolled back to an old backup": None,
    "log shown differently to two people": None,
    "receipt edited": None,
    "swapped model file": None,
    "unreleased model serving": None,
    "decision changed after the fact": None,
    "bad forecast deleted": None,
    "card that lies": None,
    "approval forged or replayed": None,
    "hostile submission in the sandbox": "sandbox",
    "curious partner in a federation": "federation",
    "stolen token": None,
    "flood of input": None,
}


@dataclass(frozen=True)
class Attack:
    """One attack, and how it comes out.

    Attributes
    ----------
    threat
        One of ``THREATS``.
    act
        What an insider does who can write every file; a clause.
    notices
        Who comes to know.
    command
        The command that says so: its words, without options and values.
    sees
        A text that it prints.
    code
        Its exit code.
    test
        The file and the function that show it.
    """

    threat: str
    act: str
    notices: str
    command: str
    sees: str
    code: int
    test: str = ""

    def notice(self, here: Here, *arguments: str | Path) -> Done:
        """Run the command and hold it to its word; return how it ended."""
        words = self.command.split()[1:]
        assert [str(a) for a in arguments[: len(words)]] == words, "another command is declared"
        done = here(*arguments)
        assert done.code == self.code, f"want exit {self.code}, got {done}"
        assert self.sees in done.out + done.err, f"want {self.sees!r}, got {done}"
        return done


ATTACKS: dict[str, Attack] = {}
_Test = TypeVar("_Test", bound=Callable[..., None])


def attack(
    threat: str, *, act: str, notices: str, command: str, sees: str, code: int = 1
) -> Callable[[_Test], _Test]:
    """Declare what a test carries out. The test has its declaration as the fixture ``this``."""
    assert threat in THREATS, f"not a threat of the design: {threat}"
    assert THREATS[threat] is None, f"{threat}: carried out, so it no longer waits"

    def enter(test: _Test) -> _Test:
        file = Path(test.__code__.co_filename).name
        name = f"{file}::{test.__name__}"
        ATTACKS[name] = replace(Attack(threat, act, notices, command, sees, code), test=name)
        return test

    return enter


def declared(test: Callable[..., None]) -> Attack:
    """Return the attack that a test declares."""
    return ATTACKS[f"{Path(test.__code__.co_filename).name}::{test.__name__}"]


@pytest.fixture
def this(request: pytest.FixtureRequest) -> Attack:
    """What the test declares."""
    return declared(request.function)
