"""Which files would survive a power cut, read from the system calls of a writer.

A file's content is safe once it was synced after its last write, and its name once its folder was synced
after the file came to it; a folder's own name likewise, up to the root of the store.
"""

import re
from pathlib import Path, PurePosixPath

_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
_FD = re.compile(r"^\d+<([^>]*)>")
_NAMES = re.compile(r'"([^"]*)"')


class DurableFiles:
    """Follows a trace below ``root``; whatever was there before is safe.

    The name of ``checkpoint`` is left out: should it be lost, the state still has it, and whoever opens
    the log next publishes it again.
    """

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self.unsynced: set[str] = set()  #: files with content that was never synced
        self.unnamed: dict[str, str] = {}  #: name -> the folder that must be synced for it

    def take(self, line: str) -> bool:
        """Follow one line of a trace; return whether it is an answer to whoever appended."""
        match = _CALL.match(line)
        if match is None or int(match[3]) < 0:
            return False
        call, given = match[1], match[2]
        names, held = _NAMES.findall(given), _FD.match(given)
        if call == "writev":
            return "answered" in given
        if call == "write" and held is not None:
            self._wrote(held[1])
        elif call in ("fsync", "fdatasync") and held is not None:
            self._synced(held[1])
        elif call == "mkdir" and names:
            self._named(names[0])
        elif call.startswith("rename") and len(names) == 2:
            self._renamed(*names)
        elif call.startswith("unlink") and names:
            self._gone(names[-1])
        return False

    def at_risk(self) -> list[str]:
        """Return what a power cut now could take away, or leave empty (but for half-written files)."""
        names = {name for name in self.unnamed if "#" not in name and name != f"{self._root}checkpoint"}
        return sorted({name for name in self.unsynced if "#" not in name} | names)

    def _wrote(self, name: str) -> None:
        if name.startswith(self._root):
            self.unsynced.add(name)

    def _synced(self, name: str) -> None:
        self.unsynced.discard(name)
        self.unnamed = {n: folder for n, folder in self.unnamed.items() if folder != name}

    def _named(self, name: str) -> None:
        if name.startswith(self._root):
            self.unnamed[name] = str(PurePosixPath(name).parent)

    def _renamed(self, old: str, new: str) -> None:
        if new.startswith(self._root):
            if old in self.unsynced:
                self.unsynced.add(new)
            self._gone(old)
            self._named(new)

    def _gone(self, name: str) -> None:
        self.unsynced.discard(name)
        self.unnamed.pop(name, None)
