"""How every command speaks: results on stdout, everything else on stderr, one object with --json."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from veracity.home.directory import write_whole
from veracity.home.errors import HomeUnusable, NoHome
from veracity.provenance.fields import MAX_COUNT


class Counted(Protocol):
    """Anything that counts records."""

    @property
    def received(self) -> int:
        """All that came."""

    @property
    def accepted(self) -> int:
        """In the table."""

    @property
    def quarantined(self) -> int:
        """Set aside with reasons."""

    @property
    def refused(self) -> int:
        """Unreadable, or of a file refused as a whole."""


class Judged(Protocol):
    """Anything that counts what sensor rules say of records."""

    @property
    def flagged(self) -> int:
        """Accepted, though they broke a rule."""

    @property
    def asked(self) -> int:
        """Set aside until a person decides."""


_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

COUNT = click.IntRange(0, MAX_COUNT)  #: a batch, a record, an entry, or how many of them

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def common(command: F) -> F:
    """Give a command ``--json`` (every command has it)."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def in_home(command: F) -> F:
    """Give a command ``--json`` and ``--home`` (or VERACITY_HOME)."""

    @wraps(command)
    def run(*args: Any, home: Path | None, **kwargs: Any) -> Any:
        if home is None:
            raise NoHome("home: want --home DIR or VERACITY_HOME, got neither")
        return command(*args, home=home, **kwargs)

    option = click.option(
        "--home", type=click.Path(path_type=Path), envvar="VERACITY_HOME", help="The city's directory."
    )
    return common(option(run))  # type: ignore[return-value]


def emit(schema: str, document: dict[str, Any], text: str, as_json: bool) -> None:
    """Print a result: the text, or the document as one JSON object with its schema."""
    if as_json:
        text = json.dumps({"schema": f"veracity.{schema}/v1", **document}, default=_plain, ensure_ascii=False)
    _say(visible(text))


def _say(text: str) -> None:
    """Print a result. A reader who went away changes nothing: the work is done, and its exit code stands."""
    try:
        print(text, flush=True)
    except OSError as exc:
        # Python flushes what is left once more at exit, and would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(exc, BrokenPipeError):
            raise HomeUnusable(f"stdout: want to write the result, got {exc.strerror}") from exc


def emit_error(code: str, detail: str, exit_code: int, as_json: bool, *, shown: bool = False) -> int:
    """Print an error, one line on stderr or one JSON object on stdout; return the exit code."""
    if as_json:
        error = {"schema": "veracity.error/v1", "code": code, "detail": detail, "exit": exit_code}
        _say(visible(json.dumps(error, ensure_ascii=False)))
    elif not shown:
        line = visible(" ".join(detail.split()))
        print(f"veracity: {line}", file=sys.stderr)
    return exit_code


def write_output(path: Path, body: bytes) -> None:
    """Write what a command was asked for to a file that appears whole or not at all."""
    try:
        write_whole(path, body)
    except OSError as exc:
        raise HomeUnusable(f"output: want to write {path}, got {exc.strerror}") from exc


def make_directory(path: Path) -> None:
    """Make a directory to write files into, if it is not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise HomeUnusable(f"output: want a directory at {path}, got {exc.strerror}") from exc


def note(text: str) -> None:
    """Say something on the side: on stderr."""
    print(visible(text), file=sys.stderr)


def visible(text: str, keep: str = "\n") -> str:
    r"""Show what a terminal would obey instead: control characters, and marks that turn text around.

    What others wrote (a name, a record, a receipt) must not move the cursor, clear the screen or
    print a second "VERIFIED". In JSON the same escapes stand for the same characters.

    Examples
    --------
    >>> print(visible("a\x1b[2Jb\u202e"))
    a\u001b[2Jb\u202e
    """
    return _UNSEEN.sub(lambda m: m.group() if m.group() in keep else f"\\u{ord(m.group()):04x}", text)


def counts(done: Counted) -> str:
    """Say where every record went: the sum that the signed statement holds."""
    return (
        f"{done.received:,} received = {done.accepted:,} accepted"
        f" + {done.quarantined:,} quarantined + {done.refused:,} refused"
    )


def told_apart(done: Judged) -> str:
    """Say which of the accepted and of the quarantined are told apart; nothing where there are none."""
    told = [f"{done.flagged:,} of the accepted flagged"] if done.flagged else []
    told += [f"{done.asked:,} of the quarantined waiting for a person"] if done.asked else []
    return "; " + ", ".join(told) if told else ""


def mark(simulated: bool) -> str:
    """Return what ends a line about simulated data; nothing for others."""
    return "  [SIMULATED]" if simulated else ""


def spread(ordered: Sequence[T], most: int) -> list[T]:
    """Return at most ``most`` (two or more) of some items, evenly, the first and the last among them.

    >>> spread([1, 2, 3, 4, 5, 6, 7], 3)
    [1, 4, 7]
    """
    steps = range(min(len(ordered), most))
    return [ordered[round(i * (len(ordered) - 1) / max(1, len(steps) - 1))] for i in steps]


def columns(rows: Iterable[Sequence[Any]], head: Sequence[str] = ()) -> str:
    """Lay rows out in aligned columns: numbers to the right, text to the left."""
    table = [[_cell(c) for c in row] for row in rows]
    raw = [list(head)] if head else []
    lines = raw + table
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    numeric = [all(_is_number(line[i]) for line in table) for i in range(len(widths))]
    out = []
    for line in lines:
        cells = [
            c.rjust(w) if right and table else c.ljust(w)
            for c, w, right in zip(line, widths, numeric, strict=True)
        ]
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible(str(value), "")


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").lstrip("-").isdigit()


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Path):
        return os.fspath(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
