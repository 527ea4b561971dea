"""Checkpoints (C2SP tlog-checkpoint): what a log signs about its tree."""

from dataclasses import dataclass

from veracity.log.errors import MalformedCheckpoint, WrongEmptyRoot
from veracity.log.merkle import EMPTY_ROOT, HASH_BYTES
from veracity.log.text import MAX_INTEGER, format_base64, parse_base64, parse_decimal


@dataclass(frozen=True)
class Checkpoint:
    """A tree: whose it is, how many entries it has, and its root hash (32 bytes).

    ``extensions`` are further lines of the text. They are allowed by the format, never written
    by us, and mean nothing here.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or any(c < " " or c == "\x7f" for c in self.origin):
            raise MalformedCheckpoint(f"origin: want one line that is not empty, got {self.origin[:40]!r}")
        if not 0 <= self.size <= MAX_INTEGER:
            raise MalformedCheckpoint(f"tree size: want 0 to 2**63 - 1, got {self.size}")
        if len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"root hash: want {HASH_BYTES} bytes, got {len(self.root)}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise WrongEmptyRoot(f"root of size 0: want {EMPTY_ROOT.hex()}, got {self.root.hex()}")
        if any(not line or "\n" in line for line in self.extensions):
            raise MalformedCheckpoint("extension lines: want none that is empty, got one")

    def format(self) -> str:
        """Write the text that a note signs."""
        lines = [self.origin, str(self.size), format_base64(self.root), *self.extensions]
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    r"""Parse the text of a checkpoint note (no signatures).

    Raises
    ------
    MalformedCheckpoint
        For anything the format forbids.

    Examples
    --------
    >>> text = "example.org/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    >>> parse_checkpoint(text).size
    0
    """
    if not text.endswith("\n"):
        raise MalformedCheckpoint("checkpoint: want a text that ends in a newline, got another")
    lines = text.split("\n")[:-1]
    if len(lines) < 3:
        raise MalformedCheckpoint(f"checkpoint: want origin, size and root lines, got {len(lines)} lines")
    size = parse_decimal("tree size", lines[1], MalformedCheckpoint)
    root = parse_base64("root hash", lines[2], MalformedCheckpoint, HASH_BYTES)
    return Checkpoint(lines[0], size, root, tuple(lines[3:]))
