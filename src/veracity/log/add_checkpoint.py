"""The request and the answers of ``add-checkpoint`` (C2SP tlog-witness), as bytes.

::

    old <size>
    <hash of the consistency proof, base64>   0 to 63 of them
    <blank line>
    <checkpoint note>
"""

from collections.abc import Sequence
from dataclasses import dataclass

from veracity.log.errors import MalformedRequest
from veracity.log.merkle import HASH_BYTES, MAX_PATH
from veracity.log.text import format_base64, parse_base64, parse_decimal

MAX_REQUEST_BYTES = 65_536  #: the proof, and a note with the 16 largest signatures a client must read
SIZE_TYPE = "text/x.tlog.size"
_MAX_LINE = 64


@dataclass(frozen=True)
class AddCheckpoint:
    """A log asks for a cosignature: a note, and the path to it from the tree last cosigned."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def format(self) -> bytes:
        """Write the request's body."""
        lines = [f"old {self.old_size}", *map(format_base64, self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.note


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read a request; the note in it is not looked at.

    Raises
    ------
    MalformedRequest
        For any other spelling, over 63 hashes, or over 64 KiB.
    """
    head, note = split_request(body)
    first = head[0]
    if not first.startswith("old "):
        raise MalformedRequest(f"first line: want 'old <size>', got {first[:40]!r}")
    old_size = parse_decimal("old size", first.removeprefix("old "), MalformedRequest)
    return AddCheckpoint(old_size, parse_proof(head[1:]), note)


def split_request(body: bytes, max_line: int = _MAX_LINE) -> tuple[list[str], bytes]:
    """Cut a request at its first blank line into ASCII lines of bounded length, and the rest."""
    if len(body) > MAX_REQUEST_BYTES:
        raise MalformedRequest(f"request: want at most {MAX_REQUEST_BYTES} bytes, got {len(body)}")
    head, blank, rest = body.partition(b"\n\n")
    if not blank:
        raise MalformedRequest("request: want a blank line before the checkpoint, got none")
    try:
        lines = head.decode("utf-8").split("\n")
    except UnicodeDecodeError as exc:
        raise MalformedRequest(f"request: want UTF-8, got byte 0x{head[exc.start]:02x}") from exc
    if any(len(line) > max_line for line in lines):
        raise MalformedRequest(f"request: want lines of at most {max_line} characters, got a longer one")
    return lines, rest


def parse_proof(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Read the hashes of a proof, one a line."""
    if len(lines) > MAX_PATH:
        raise MalformedRequest(f"proof: want at most {MAX_PATH} hashes, got {len(lines)}")
    return tuple(parse_base64("hash of the proof", line, MalformedRequest, HASH_BYTES) for line in lines)


def format_size(size: int) -> bytes:
    """Write the body of a 409 answer: the size the witness last cosigned."""
    return f"{size}\n".encode()


def parse_size(body: bytes) -> int:
    """Read the body of a 409 answer; MalformedRequest for anything but a decimal and a newline."""
    text = body[:32].decode("ascii", "replace")
    if not text.endswith("\n") or len(body) > 20:
        raise MalformedRequest(f"size: want a decimal and a newline, got {text!r}")
    return parse_decimal("size", text[:-1], MalformedRequest)
