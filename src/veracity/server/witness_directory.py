"""A witness's directory: its key, what it cosigned last, and the forks it found.

::

    DIR/
      witness.key    the private key (mode 0600); the last file that a first run writes
      witness.db     the last checkpoint cosigned of each log
      witness.json   the name, and which file witness.db is
      forks/         proofs that a log signed two trees of one size

The key must never sign on a state that is not the one it left. So a state that is missing, or is
not the very file the first run made (its inode number tells a restored or copied one), stops it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from veracity.home.directory import write_new, write_whole
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.cosignatures import Cosigner
from veracity.log.errors import ForkFound, LogError, MalformedKey
from veracity.log.notes import parse_note
from veracity.log.subtree_cosignatures import SubtreeCosigner
from veracity.log.witness_keys import WitnessCosigner, parse_witness_key
from veracity.server.errors import (
    NoWitness,
    OtherWitness,
    WitnessStateCopied,
    WitnessStateLost,
    WitnessUnusable,
)
from veracity.stores.database import Database
from veracity.stores.witness_state import WITNESS_METADATA

_SCHEMA = "veracity.witness-directory/v1"
_MAX_BYTES = 65_536
_MAX_FORKS = 1000


@dataclass(frozen=True)
class WitnessDirectory:
    """The places in one directory."""

    root: Path

    @property
    def key(self) -> Path:
        """The private key."""
        return self.root / "witness.key"

    @property
    def database(self) -> Path:
        """What was cosigned last."""
        return self.root / "witness.db"

    @property
    def about(self) -> Path:
        """The name, and which file the database is."""
        return self.root / "witness.json"

    @property
    def forks(self) -> Path:
        """Proofs of forks."""
        return self.root / "forks"

    def read_key(self) -> WitnessCosigner:
        """Read the private key; NoWitness where there is none."""
        try:
            text = self.key.read_bytes()[:_MAX_BYTES].decode("ascii", "replace")
        except FileNotFoundError as exc:
            raise NoWitness(f"witness: want a directory made by `witness serve`, got {self.root}") from exc
        except OSError as exc:
            raise WitnessUnusable(f"witness: want to read {self.key}, got {exc.strerror}") from exc
        return parse_witness_key(text.strip())

    def open_database(self, *, read_only: bool = False) -> Database:
        """Open the state."""
        return Database(self.database, metadata=WITNESS_METADATA, read_only=read_only)

    def keep_fork(self, fork: ForkFound) -> Path | None:
        """Keep both notes of a fork, one file each; return the new one's, None if it is kept already."""
        name = sha256(fork.theirs).hexdigest()[:16]
        size = parse_checkpoint(parse_note(fork.theirs).text).size
        with _usable(self.root):
            self.forks.mkdir(exist_ok=True)
            theirs = self.forks / f"{size}-{name}.theirs"
            if theirs.exists() or sum(1 for _ in self.forks.iterdir()) >= 2 * _MAX_FORKS:
                return None
            write_whole(self.forks / f"{size}-{name}.ours", fork.ours)
            write_whole(theirs, fork.theirs)
        return theirs

    def n_forks(self) -> int:
        """Return how many proofs of forks are kept."""
        return sum(1 for _ in self.forks.glob("*.theirs")) if self.forks.is_dir() else 0


def prepare(
    root: Path, name: str, *, ml_dsa: bool = False, start_over: bool = False, moved: bool = False
) -> tuple[WitnessDirectory, WitnessCosigner, bool]:
    """Make a witness's directory, or check that it is whole; say whether the key is new.

    Parameters
    ----------
    start_over
        Set the old key and state aside, and make new ones. The old key never signs again.
    moved
        Take the state though it is another file: the directory was moved, and is nowhere else.

    Raises
    ------
    WitnessStateLost, WitnessStateCopied
        If the key's own state is not there.
    OtherWitness
        If the key has another name or type.
    WitnessUnusable
        If the directory cannot be read or written.
    """
    directory = WitnessDirectory(root)
    make = SubtreeCosigner.generate if ml_dsa else Cosigner.generate
    with _usable(root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if start_over:
            _set_aside(directory)
        if not directory.key.exists():
            cosigner = make(name)
            directory.open_database().close()
            _write_about(directory, name)
            write_new(directory.key, f"{cosigner.format()}\n".encode(), 0o600)
            return directory, cosigner, True
        cosigner = directory.read_key()
        if cosigner.name != name or isinstance(cosigner, SubtreeCosigner) != ml_dsa:
            kind = "ML-DSA-44" if isinstance(cosigner, SubtreeCosigner) else "Ed25519"
            raise OtherWitness(
                f"witness: want {name}{' with --ml-dsa' if ml_dsa else ''}, got {cosigner.name} with an "
                f"{kind} key in {root}"
            )
        _check_state(directory, moved=moved)
        if moved:
            _write_about(directory, name)
    return directory, cosigner, False


def _check_state(directory: WitnessDirectory, *, moved: bool) -> None:
    if not directory.database.exists():
        raise WitnessStateLost(
            f"witness: want its state {directory.database}, got none; its key must not sign again: "
            "--start-over makes a new key and a new state"
        )
    if not moved and _made_inode(directory) != directory.database.stat().st_ino:
        raise WitnessStateCopied(
            f"witness: want the state that was made here, got a copy at {directory.database}; --moved takes "
            "it if the whole directory was moved, --start-over if it was restored"
        )


def _made_inode(directory: WitnessDirectory) -> int | None:
    try:
        document = json.loads(directory.about.read_bytes()[:_MAX_BYTES])
        inode = document["state_inode"]
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return inode if isinstance(inode, int) else None


def _write_about(directory: WitnessDirectory, name: str) -> None:
    inode = directory.database.stat().st_ino
    document = {"schema": _SCHEMA, "name": name, "state_inode": inode}
    write_whole(directory.about, (json.dumps(document, indent=2) + "\n").encode())


def _set_aside(directory: WitnessDirectory) -> None:
    """Rename key and state, the key first, so that no run in between finds one without the other."""
    if not directory.key.exists():
        return
    try:
        label = directory.read_key().verifier.key_id.hex()
    except MalformedKey:
        label = "unreadable"
    for path in (directory.key, *sorted(directory.root.glob("witness.db*")), directory.about):
        if path.exists() and ".retired-" not in path.name:
            path.rename(path.with_name(f"{path.name}.retired-{label}"))


@contextmanager
def _usable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        where = os.fspath(exc.filename) if exc.filename else root
        raise WitnessUnusable(f"witness: want to read and write {where}, got {exc.strerror or exc}") from exc


def latest_of(note: bytes) -> tuple[int, str]:
    """Return the size and the root, as hex, of a note that a state holds."""
    try:
        checkpoint = parse_checkpoint(parse_note(note).text)
    except LogError as exc:
        raise WitnessUnusable(f"witness state: want a checkpoint, got: {exc}") from exc
    return checkpoint.size, checkpoint.root.hex()
