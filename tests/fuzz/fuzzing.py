"""What a fuzz target is, and what must hold for every input of every one.

A target is a function of bytes. It may return, or raise one of our errors about what it was given
(``Malformed``, ``Rejected``). Anything else is a finding: another error, an error whose message is
not one short line, a promise of the target that does not hold (``promise``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from veracity.errors import Malformed, Rejected

MAX_MESSAGE = 1_000  #: characters of an error's message


class Finding(AssertionError):
    """An input for which a promise does not hold."""


@dataclass(frozen=True)
class Target:
    """One thing that takes input from outside; ``max_bytes`` is the longest input that is tried."""

    name: str
    run: Callable[[bytes], None]
    max_bytes: int


TARGETS: dict[str, Target] = {}


def target(max_bytes: int = 4_096) -> Callable[[Callable[[bytes], None]], Callable[[bytes], None]]:
    """Enter a function among the targets, under its own name."""

    def enter(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
        name = run.__name__.replace("_", "-")
        other = TARGETS.get(name)
        file = run.__code__.co_filename  # pytest imports a module of targets twice
        assert other is None or other.run.__code__.co_filename == file, f"two targets are called {name}"
        TARGETS[name] = Target(name, run, max_bytes)
        return run

    return enter


def accepts(fuzzed: Target, data: bytes) -> bool:
    """Give ``data`` to a target and say whether it took it; Finding if a promise does not hold."""
    try:
        fuzzed.run(data)
    except (Malformed, Rejected) as exc:
        message = str(exc)
        if not message or len(message) > MAX_MESSAGE or "\n" in message:
            raise Finding(f"message: want one short line, got {message[:200]!r}") from exc
        return False
    return True


@contextmanager
def promise(what: str) -> Iterator[None]:
    """Make any error inside a finding: here the input has been taken, and nothing may fail any more."""
    try:
        yield
    except Exception as exc:
        raise Finding(f"{what}: {type(exc).__name__}: {exc}") from exc


def same(what: str, got: object, want: object) -> None:
    """Raise Finding unless both are equal."""
    if got != want:
        raise Finding(f"{what}: want {want!r:.300}, got {got!r:.300}")


def edited(original: bytes, edits: bytes) -> bytes:
    """Return a valid artefact with up to eight edits, of five bytes each: where, how, from where or what.

    So a fuzzer that knows nothing of base64 or JSON still gets past their parsers.
    """
    body = original
    for i in range(0, min(len(edits), 40) - 4, 5):
        at = int.from_bytes(edits[i : i + 2], "big") % (len(body) + 1)
        how, other, value = edits[i + 2] % 6, int.from_bytes(edits[i + 3 : i + 5], "big"), edits[i + 4]
        length = 1 + value % 64
        if how == 0:
            body = body[:at] + bytes([value]) + body[at + 1 :]
        elif how == 1:
            body = body[:at] + bytes([value]) + body[at:]
        elif how == 2:
            body = body[:at] + body[at + length :]
        elif how == 3:
            body = body[:at] + body[at : at + length] + body[at:]
        elif how == 4:
            body = body[:at]
        else:
            start = other % (len(original) + 1)
            body = body[:at] + original[start : start + length] + body[at + length :]
    return body
