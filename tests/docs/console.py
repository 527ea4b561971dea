"""Run a document: its ``console`` blocks, as written, against the output that it shows.

In a fenced block marked ``console`` a line that begins with ``$ `` is a command (a backslash at its
end continues it on the next line); the lines under it are what it prints, both streams as they
come. ``…`` stands for any text within a line; a line of nothing but ``…`` for any lines. A command
under which nothing is shown may print anything. It must succeed, unless the command says otherwise
itself in a comment: ``# exit 1``.

A block with ``<!-- not run: reason -->`` directly above is passed over. A block of any kind with
``<!-- file: NAME -->`` directly above is the content of a file, written where the commands run.
Blocks run in order, with the directory and the exported variables that the ones before left.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warm_command import warm_command

FENCE = re.compile(r"(`{3,})(\w*)\s*$")
NOTE = re.compile(r"<!-- (file|not run): (.+?) -->\s*$")
EXIT = re.compile(r"#\s*exit ([0-9]{1,3})\s*$")
TIMEOUT_S = 300


@dataclass(frozen=True)
class Block:
    """A fenced block: the line it begins at, its language, the note above it, its lines."""

    line: int
    language: str
    note: str | None
    value: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A command, the line it stands at, and the lines shown under it."""

    line: int
    text: str
    shown: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """What it must exit with."""
        match = EXIT.search(self.text)
        return int(match.group(1)) if match else 0


class DocumentDiffers(AssertionError):
    """A command of a document does not do what the document shows."""


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a Markdown text, in order."""
    note, value = None, ""
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        fence = FENCE.match(line)
        if fence is None:
            found = NOTE.match(line)
            note, value = (found.group(1), found.group(2)) if found else (None, "")
            continue
        body = []
        for _, inner in lines:
            if inner.rstrip() == fence.group(1):
                break
            body.append(inner)
        else:
            raise DocumentDiffers(f"line {number}: want a fence that closes, got none")
        yield Block(number, fence.group(2), note, value, tuple(body))
        note, value = None, ""


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a ``console`` block."""
    text: str | None = None
    at, shown = 0, list[str]()
    for number, line in enumerate(block.lines, block.line + 1):
        if text is not None and text.endswith("\\") and not shown:
            text += "\n" + line
        elif line.startswith("$ "):
            if text is not None:
                yield Command(at, text, tuple(shown))
            text, at, shown = line[2:], number, []
        elif text is None:
            raise DocumentDiffers(f"line {number}: want a command ($ …) first, got {line!r}")
        else:
            shown.append(line)
    if text is not None:
        yield Command(at, text, tuple(shown))


def matches(shown: tuple[str, ...], printed: str) -> bool:
    """Tell whether what a command printed is what is shown, ``…`` standing for anything.

    Examples
    --------
    >>> matches(("log size …", "…", "done"), "log size 4\\na\\nb\\ndone\\n")
    True
    >>> matches(("log size 5",), "log size 4\\n")
    False
    """
    pattern = ""
    for line in shown:
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.rstrip().split("…"))) + r"[ \t\r]*\n"
    text = printed if printed.endswith("\n") or not printed else printed + "\n"
    return re.fullmatch(pattern, text) is not None


def run_document(document: Path, directory: Path, *, is_warm: bool = True) -> int:
    """Run a document's commands in ``directory``; return how many there were.

    With ``is_warm``, ``veracity`` has all it needs loaded when it is called (``warm_command``).

    Raises
    ------
    DocumentDiffers
        At the first command with another exit code or other output than the document shows.
    """
    session = _Session(directory, is_warm)
    n = 0
    for block in blocks(document.read_text(encoding="utf-8")):
        if block.note == "file":
            (session.directory / block.value).write_text("\n".join(block.lines) + "\n", encoding="utf-8")
        if block.language != "console" or block.note is not None:
            continue
        for command in commands(block):
            code, printed = session.run(command.text)
            n += 1
            said = f"{document.name}:{command.line}: $ {command.text}\n"
            if code != command.exit_code:
                raise DocumentDiffers(f"{said}want exit {command.exit_code}, got {code}:\n{printed}")
            if command.shown and not matches(command.shown, printed):
                wanted = "\n".join(command.shown)
                raise DocumentDiffers(f"{said}want:\n{wanted}\ngot:\n{printed}")
    return n


class _Session:
    """A shell in pieces: each command in its own bash, in the directory and environment left before."""

    def __init__(self, directory: Path, is_warm: bool) -> None:
        self.directory = directory
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("VERACITY_", "PYTEST_", "COV_"))}
        folders = [str(warm_command().parent)] if is_warm else []
        folders += [str(Path(sys.executable).parent), kept.get("PATH", "")]
        self._environment = kept | {"PATH": os.pathsep.join(folders)}

    def run(self, command: str) -> tuple[int, str]:
        """Run one command; return its exit code and what it printed on both streams."""
        reader, writer = os.pipe()
        script = f"{command}\n__code=$?\n{{ pwd; env -0; }} >&{writer}\nexit $__code"
        try:
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[writer],
                timeout=TIMEOUT_S,
                check=False,
            )
        finally:
            os.close(writer)
        with os.fdopen(reader, "rb") as left:
            where, _, variables = left.read().partition(b"\n")
        if where:
            self.directory = Path(os.fsdecode(where))
            pairs = (os.fsdecode(v).partition("=") for v in variables.split(b"\0") if v)
            self._environment = {k: v for k, _, v in pairs if not k.startswith("__")}
        return done.returncode, done.stdout.decode("utf-8", "replace")
