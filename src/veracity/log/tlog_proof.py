"""The ``c2sp.org/tlog-proof@v1`` text: one file that proves one entry, offline (C2SP tlog-proof)."""

from dataclasses import dataclass
from typing import Self

from veracity.log.errors import MalformedProof
from veracity.log.merkle import HASH_BYTES, MAX_PATH, leaf_hash, verify_inclusion
from veracity.log.notes import MAX_NOTE_BYTES
from veracity.log.policy import Accepted, Policy
from veracity.log.text import format_base64, parse_base64, parse_decimal

_MAGIC = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = MAX_NOTE_BYTES + 131_072


@dataclass(frozen=True)
class TlogProof:
    """An entry's index, its inclusion path (sibling first) and the checkpoint note, verbatim.

    ``extra`` is not covered by any signature; nothing here looks at it.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint_note: bytes
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: str | bytes) -> Self:
        """Read the text form.

        Raises
        ------
        MalformedProof
            For anything the format forbids; the checkpoint's own form is left to ``verify``.
        """
        lines, note = _split(data)
        if lines[0] != _MAGIC:
            raise MalformedProof(f"first line: want {_MAGIC!r}, got {lines[0][:40]!r}")
        rest, extra = lines[1:], None
        if rest and rest[0].startswith("extra "):
            extra = parse_base64("extra", rest[0].removeprefix("extra "), MalformedProof)
            rest = rest[1:]
        if not rest or not rest[0].startswith("index "):
            raise MalformedProof(f"index line: want 'index <decimal>', got {''.join(rest[:1])[:40]!r}")
        index = parse_decimal("index", rest[0].removeprefix("index "), MalformedProof)
        if len(rest) - 1 > MAX_PATH:
            raise MalformedProof(f"inclusion path: want at most {MAX_PATH} hashes, got {len(rest) - 1}")
        path = tuple(parse_base64("proof hash", line, MalformedProof, HASH_BYTES) for line in rest[1:])
        return cls(index, path, note, extra)

    def format(self) -> str:
        """Write the text form; ``parse`` gives an equal proof."""
        lines = [_MAGIC]
        if self.extra is not None:
            lines.append(f"extra {format_base64(self.extra)}")
        lines += [f"index {self.index}", *map(format_base64, self.path), "", ""]
        return "\n".join(lines) + self.checkpoint_note.decode("utf-8")

    def verify(self, entry: bytes, policy: Policy) -> Accepted:
        """Check that ``entry`` is in a log that ``policy`` believes, at ``self.index``.

        Returns
        -------
        Accepted
            The checkpoint the proof stands on, and who signed it.

        Raises
        ------
        InclusionRejected
            If the path does not lead from the entry to the checkpoint's root.
        PolicyRejected
            If the checkpoint does not meet the policy.
        MalformedNote, MalformedCheckpoint
            If it is none.
        """
        accepted = policy.check(self.checkpoint_note)
        tree = accepted.checkpoint
        verify_inclusion(leaf_hash(entry), self.index, tree.size, self.path, tree.root)
        return accepted


def _split(data: str | bytes) -> tuple[list[str], bytes]:
    """Part the proof lines from the checkpoint note at the first blank line."""
    if len(data) > MAX_PROOF_BYTES:
        raise MalformedProof(f"proof: want at most {MAX_PROOF_BYTES} bytes, got {len(data)}")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        head, blank, tail = text.partition("\n\n")
        note = tail.encode("utf-8")
    except UnicodeError as exc:
        raise MalformedProof("proof: want UTF-8, got other bytes") from exc
    if not blank:
        raise MalformedProof("proof: want a blank line before the checkpoint, got none")
    return head.split("\n"), note
