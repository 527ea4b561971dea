"""The request of ``sign-subtree`` (C2SP tlog-witness, optional), as bytes.

::

    subtree <start> <end>
    <root over those entries, base64>
    — <name> <cosignature of the subtree>     0 to 8 of them; none is asked for here
    <hash of the subtree's proof, base64>     0 to 63 of them
    <blank line>
    <checkpoint note>                         or its text alone, without a blank line
"""

from dataclasses import dataclass
from itertools import takewhile

from veracity.log.add_checkpoint import parse_proof, split_request
from veracity.log.errors import MalformedNote, MalformedRequest
from veracity.log.merkle import HASH_BYTES
from veracity.log.notes import DASH, Signature, parse_note, parse_signature
from veracity.log.text import format_base64, parse_base64, parse_decimal

MAX_SIGNATURES = 8  #: of the subtree, and of the checkpoint
_MAX_LINE = 4096


@dataclass(frozen=True)
class SignSubtree:
    """Someone asks for a cosignature of a part of a tree that the witness cosigned."""

    start: int
    end: int
    root: bytes
    proof: tuple[bytes, ...]
    text: str
    signatures: tuple[Signature, ...] = ()

    def format(self) -> bytes:
        """Write the request's body."""
        lines = [f"subtree {self.start} {self.end}", *map(format_base64, (self.root, *self.proof)), ""]
        tail = "\n" + "".join(s.format() for s in self.signatures) if self.signatures else ""
        return ("".join(f"{line}\n" for line in lines) + self.text + tail).encode()


def parse_sign_subtree(body: bytes) -> SignSubtree:
    """Read a request.

    Raises
    ------
    MalformedRequest, MalformedNote
        For any other spelling, or more lines than the specification allows.
    """
    lines, rest = split_request(body, _MAX_LINE)
    words = lines[0].split(" ")
    if len(words) != 3 or words[0] != "subtree" or len(lines) < 2:
        raise MalformedRequest(f"request: want 'subtree <start> <end>' and a hash, got {lines[0][:60]!r}")
    start, end = (parse_decimal("subtree", word, MalformedRequest) for word in words[1:])
    root = parse_base64("subtree hash", lines[1], MalformedRequest, HASH_BYTES)
    cosignatures = [*takewhile(lambda line: line.startswith(DASH), lines[2:])]
    text, signatures = _parse_reference(rest)
    if max(len(cosignatures), len(signatures)) > MAX_SIGNATURES:
        raise MalformedRequest(f"request: want at most {MAX_SIGNATURES} signatures of a kind, got more")
    for line in cosignatures:
        parse_signature(line)
    return SignSubtree(start, end, root, parse_proof(lines[2 + len(cosignatures) :]), text, signatures)


def _parse_reference(rest: bytes) -> tuple[str, tuple[Signature, ...]]:
    """Read a checkpoint with or without signatures."""
    if b"\n\n" in rest:
        note = parse_note(rest)
        return note.text, note.signatures
    try:
        return rest.decode(), ()
    except UnicodeDecodeError as exc:
        raise MalformedNote(f"checkpoint: want UTF-8, got byte 0x{rest[exc.start]:02x}") from exc
