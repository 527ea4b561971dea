"""What a monitor remembers between rounds and runs: one JSON file, replaced whole, under a digest of its own.

It holds the last checkpoint believed, how far entries were checked, the keys enrolled, what
contradictions are judged by, and what is open. It grows with keys and feeds, not with the log.
"""

import fcntl
import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from veracity.errors import VeracityError
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.notes import parse_note
from veracity.monitor.errors import MalformedMonitorState, MonitorUnusable
from veracity.monitor.findings import Book, OpenFinding
from veracity.monitor.witnesses import AHEAD_S
from veracity.provenance.agencies import Agencies
from veracity.provenance.contradictions import Contradictions
from veracity.provenance.dsse import open_envelope
from veracity.provenance.plain import check_plain

SCHEMA = "veracity.monitor-state/v1"
MAX_STATE_BYTES = 512 * 1024 * 1024


@dataclass
class Seen:
    """What a witness showed last: the note, when it cosigned it (POSIX seconds), when we saw it."""

    note: bytes
    cosigned_s: int
    seen_s: float

    @property
    def believed_s(self) -> float:
        """When it cosigned, and at the latest when we saw it: a time far ahead stands in no way of others."""
        return self.seen_s if self.cosigned_s > self.seen_s + AHEAD_S else self.cosigned_s


@dataclass
class State:
    """All that a monitor knows.

    Attributes
    ----------
    note
        The last checkpoint believed; None before the first.
    changed_s
        Our clock when it was first seen.
    n_checked
        Entries 0 up to this one have been checked.
    enrolments
        The ``enrol`` entries taken in, by log index.
    agencies, contradictions
        Folded from the entries checked.
    witnesses
        The newest checkpoint of each witness, by its name in the policy.
    larger
        Checkpoints larger than we were shown: the witness's note, and since when (our clock).
    """

    note: bytes | None = None
    changed_s: float = 0.0
    n_checked: int = 0
    enrolments: list[tuple[int, bytes]] = field(default_factory=list)
    agencies: Agencies = field(default_factory=Agencies)
    contradictions: Contradictions = field(default_factory=Contradictions)
    witnesses: dict[str, Seen] = field(default_factory=dict)
    larger: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    book: Book = field(default_factory=Book)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The last checkpoint believed."""
        return None if self.note is None else parse_checkpoint(parse_note(self.note).text)

    def format(self) -> bytes:
        """Write it as the file's content."""
        body = {
            "note": None if self.note is None else self.note.decode("utf-8"),
            "changed_s": self.changed_s,
            "n_checked": self.n_checked,
            "enrolments": [[index, b64encode(entry).decode()] for index, entry in self.enrolments],
            "contradictions": self.contradictions.to_object(),
            "witnesses": {
                n: [s.note.decode("utf-8"), s.cosigned_s, s.seen_s] for n, s in self.witnesses.items()
            },
            "larger": {n: [note.decode("utf-8"), since] for n, (note, since) in self.larger.items()},
            "open": [o.to_object() for o in self.book.opened],
            "more": dict(self.book.n_more),
        }
        raw = orjson.dumps(body)
        head = json.dumps({"schema": SCHEMA, "sha256": hashlib.sha256(raw).hexdigest()}).encode()
        return head + b"\n" + raw + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> "State":
        """Read a file's content; MalformedMonitorState if it is not, byte for byte, what ``format`` wrote."""
        head, _, rest = data.partition(b"\n")
        raw = rest.removesuffix(b"\n")
        try:
            said = orjson.loads(head)
            if said != {"schema": SCHEMA, "sha256": hashlib.sha256(raw).hexdigest()}:
                raise ValueError(f"want {SCHEMA} and the digest of what follows, got another")
            return cls._read(orjson.loads(raw))
        except (VeracityError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as exc:
            why = " ".join(str(exc).split())[:200]
            raise MalformedMonitorState(f"monitor's memory: want one as it was written, got: {why}") from exc

    @classmethod
    def _read(cls, body: dict[str, Any]) -> "State":
        enrolments = [
            (check_plain(index, int), b64decode(entry, validate=True)) for index, entry in body["enrolments"]
        ]
        note = None if body["note"] is None else _note(body["note"])
        size = 0 if note is None else parse_checkpoint(parse_note(note).text).size
        if check_plain(body["n_checked"], int) > size:
            raise ValueError(f"n_checked: want at most the {size} entries of the note, got more")
        return cls(
            note=note,
            changed_s=check_plain(body["changed_s"], int | float),
            n_checked=body["n_checked"],
            enrolments=enrolments,
            agencies=Agencies.fold((index, open_envelope(entry)) for index, entry in enrolments),
            contradictions=Contradictions.from_object(body["contradictions"]),
            witnesses={
                n: Seen(_note(note), check_plain(at, int), check_plain(seen, int | float))
                for n, (note, at, seen) in body["witnesses"].items()
            },
            larger={
                n: (_note(note), check_plain(at, int | float)) for n, (note, at) in body["larger"].items()
            },
            book=Book(
                map(OpenFinding.from_object, body["open"]),
                {kind: check_plain(n, int) for kind, n in body["more"].items()},
            ),
        )


def _note(text: str) -> bytes:
    """Return the bytes of a note of a checkpoint; an error of the log's if it is none."""
    note: bytes = check_plain(text, str).encode("utf-8")
    parse_checkpoint(parse_note(note).text)
    return note


class StateFile:
    """A state on disk; with no path, one that is forgotten at the end."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def read(self) -> State:
        """Return what the file holds, or a state that knows nothing.

        Raises
        ------
        MalformedMonitorState
            If there is a file that is no monitor's memory.
        MonitorUnusable
            If it cannot be read.
        """
        if self.path is None:
            return State()
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_STATE_BYTES + 1)
        except FileNotFoundError:
            return State()
        except OSError as exc:
            raise MonitorUnusable(f"state: want to read {self.path}, got {exc.strerror}") from exc
        return State.parse(data)

    def write(self, state: State) -> None:
        """Replace the file, durably and whole; MonitorUnusable if that fails."""
        if self.path is not None:
            write_whole(self.path, state.format())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other monitors off this file; MonitorUnusable if one has it."""
        if self.path is None:
            yield
            return
        lock = self.path.with_name(self.path.name + ".lock")
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise MonitorUnusable(f"state: want to write beside {self.path}, got {exc.strerror}") from exc
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as exc:
            raise MonitorUnusable(f"state: want {self.path} alone, got another monitor on it") from exc
        finally:
            os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, make it durable, and put it there; MonitorUnusable if that fails."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            beside.replace(path)
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise MonitorUnusable(f"write {path}: {exc.strerror}") from exc
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
