"""A folder into which others put files: NDJSON, JSON or CSV.

A file is taken piece by piece, each with a note, in the same commit, of the file and how far it was read;
then it is moved to ``done/``. So every line is taken once, whenever the gateway ends. Who writes a file
should write it elsewhere and rename it in; one that is still being written is left until it has not
changed for ``settle_s``. While the store is full it stays.
"""

import os
import stat
import threading
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path

from veracity.gateway.errors import SourceFault
from veracity.gateway.fields import number, text, whole
from veracity.gateway.inlet import Inlet
from veracity.gateway.readings import Reader, Stamp, parse_reader, parse_stamp
from veracity.provenance.fields import Fields

DONE, FAILED = "done", "failed"
PIECE_BYTES = 262_144  #: of a file at once, and at most as much again to the end of a line
_MOST_FILES = 1_000  #: looked at in one round


@dataclass(frozen=True)
class Folder:
    """A folder, the names that count in it, and how its files are read."""

    name: str
    feed: str
    folder: Path
    pattern: str
    every_s: float
    settle_s: float
    max_file_bytes: int
    header: bool
    after: str
    reader: Reader
    stamp: Stamp

    def run(self, inlet: Inlet, stop: threading.Event) -> None:
        """Look until told to stop; StoreFull leaves the file where it is."""
        while not stop.is_set():
            for path in self._waiting():
                if stop.is_set():
                    break
                self._take(path, inlet)
            inlet.well()
            stop.wait(self.every_s)

    def _waiting(self) -> list[Path]:
        """Return the files that have settled, in order of their names."""
        found: list[Path] = []
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if not fnmatchcase(entry.name, self.pattern):
                        continue
                    state = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(state.st_mode) and time.time() - state.st_mtime >= self.settle_s:
                        found.append(Path(entry.path))
                    if len(found) >= _MOST_FILES:
                        break
        except OSError as exc:
            raise SourceFault(f"folder {self.folder}: want to read it, got {exc.strerror}") from exc
        return sorted(found)

    def _take(self, path: Path, inlet: Inlet) -> None:
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size > self.max_file_bytes:
                    inlet.refuse([f"{path.name}: want at most {self.max_file_bytes} bytes, got more"])
                    where = FAILED
                else:
                    self._take_pieces(file, path.name, inlet)
                    where = DONE
        except OSError as exc:
            raise SourceFault(f"folder: want to read {path}, got {exc.strerror}") from exc
        self._move(path, where)

    def _take_pieces(self, file: BufferedReader, name: str, inlet: Inlet) -> None:
        """Take what was not taken before the gateway ended the last time."""
        which = f"{name} {file_digest(file, sha256).hexdigest()}"
        before, _, end = (inlet.mark() or "").rpartition(" ")
        file.seek(int(end) if before == which else 0)
        if self.header and file.tell() == 0:
            file.readline(PIECE_BYTES)
        while piece := file.read(PIECE_BYTES):
            piece += file.readline(PIECE_BYTES)  # to the end of its last line
            records, wrong = self.reader.read(piece, self.stamp, inlet.now_ns())
            inlet.put(records, f"{which} {file.tell()}")
            inlet.refuse(wrong)

    def _move(self, path: Path, where: str) -> None:
        try:
            if where == DONE and self.after == "delete":
                path.unlink()
                return
            target = self.folder / where
            target.mkdir(exist_ok=True)
            path.replace(target / path.name)
        except OSError as exc:
            raise SourceFault(f"folder: want to move {path} to {where}, got {exc.strerror}") from exc


def parse_folder(name: str, feed: str, fields: Fields, base: Path) -> Folder:
    """Read ``folder``, ``files``, ``every_s``, ``settle_s``, ``max_file_bytes``, ``header``, ``after``."""
    after = text(fields, "after", "move")
    if after not in ("move", "delete"):
        raise fields.fail("after", "move or delete", after)
    return Folder(
        name,
        feed,
        base / fields.text("folder"),
        text(fields, "files", "*"),
        number(fields, "every_s", 0.05, 86_400, 5),
        number(fields, "settle_s", 0, 86_400, 2),
        whole(fields, "max_file_bytes", 1, 2**40, 1_073_741_824),
        fields.flag("header") if "header" in fields else False,
        after,
        parse_reader(fields),
        parse_stamp(fields),
    )
