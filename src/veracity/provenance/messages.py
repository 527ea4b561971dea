"""Signed messages: what a device or a gateway sends, and how its signature covers each record of it.

A signed message is one line, and then the records just as a bare message would have them::

    veracity-message/v1 <key ID> <signature> [zstd]
    {"station":"S1","observed_at":"2026-09-14T17:00:00Z","pm25":12.3}

The key ID is 64 lowercase hex digits, the signature Ed25519 in base64. With ``zstd`` what follows the
line is one Zstandard frame that gives its content's size. What is signed is not the message but this
text, of five lines that each end in LF::

    veracity-message/v1
    <feed>
    <agency>/<device>
    <number of records>
    <root>

The root is that of the RFC 6962 tree over the records, each without its line end, as lowercase hex: for
a single record SHA-256 of a zero byte and the record. So a device needs SHA-256 and Ed25519 and no JSON
library, and one record of ten thousand can be shown with its signature and fourteen hashes, without
the others. Feed and device are signed, so that a message counts nowhere else.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from veracity.log.merkle import leaf_hash, root_from_leaf_hashes
from veracity.provenance.errors import MalformedMessage
from veracity.provenance.keys import MessageSigner

MAGIC = b"veracity-message/v1"
MAX_MESSAGE_BYTES = 1_048_576  #: of a message, and of what is in it when it is no longer compressed
MAX_MESSAGE_RECORDS = 65_536
_PREFIX = b"veracity-message/"
_HEAD = re.compile(rb"veracity-message/v1 ([0-9a-f]{64}) ([A-Za-z0-9+/]{86}==)( zstd)?\n")


@dataclass(frozen=True)
class Message:
    """What a payload holds: the records' bytes, and whose signature they came with, if any.

    ``keyid`` and ``signature`` are both None for a bare message. Nothing is verified yet.
    """

    body: bytes
    keyid: str | None = None
    signature: bytes | None = None


def records_root(records: Sequence[bytes]) -> bytes:
    """Return the root over records without their line ends, 32 bytes."""
    return root_from_leaf_hashes([leaf_hash(r) for r in records])


def signed_text(feed: str, device: str, n_records: int, root: bytes) -> bytes:
    """Return the text that a message's signature is over; ``device`` is its enrolled name.

    Examples
    --------
    >>> root = records_root([b'{"pm25":12.3}'])
    >>> print(signed_text("air", "city/s1", 1, root).decode(), end="")
    veracity-message/v1
    air
    city/s1
    1
    b96a1fb57a54422fa11047269a5a20e97bde5396b801df5b75b4081f8ea1f314
    """
    return b"%s\n%s\n%s\n%d\n%s\n" % (MAGIC, feed.encode(), device.encode(), n_records, root.hex().encode())


def sign_message(
    body: bytes,
    records: Sequence[bytes],
    feed: str,
    device: str,
    key: MessageSigner,
    *,
    compress: bool = False,
) -> bytes:
    """Return a signed message.

    Parameters
    ----------
    body, records
        The bytes sent, and the records in them without their line ends.
    feed, device
        Where it is sent, and the enrolled name of who signs, ``<agency>/<device>``.
    compress
        Send the body as a Zstandard frame.
    """
    signature = key.sign(signed_text(feed, device, len(records), records_root(records)))
    head = b"%s %s %s" % (MAGIC, key.public.keyid.encode(), base64.b64encode(signature))
    if not compress:
        return head + b"\n" + body
    import zstandard

    return head + b" zstd\n" + zstandard.ZstdCompressor(level=3).compress(body)


def parse_message(payload: bytes) -> Message:
    """Parse a payload: a signed message, or a bare one.

    Raises
    ------
    MalformedMessage
        If it is too long, or begins like a signed message and is none.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise MalformedMessage(f"message: want at most {MAX_MESSAGE_BYTES} bytes, got {len(payload)}")
    if not payload.startswith(_PREFIX):
        return Message(payload)
    head = _HEAD.match(payload)
    if head is None:
        raise MalformedMessage(
            "message: want 'veracity-message/v1 <key ID> <signature> [zstd]' as its first line,"
            f" got {payload[:40]!r}"
        )
    body = payload[head.end() :]
    if head[3]:
        body = _decompressed(body)
    try:
        signature = base64.b64decode(head[2], validate=True)
    except binascii.Error as exc:
        raise MalformedMessage(f"message: want a signature in base64, got {head[2][:24]!r}") from exc
    return Message(body, head[1].decode("ascii"), signature)


def _decompressed(frame: bytes) -> bytes:
    import zstandard

    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= MAX_MESSAGE_BYTES:
            raise MalformedMessage(f"message: want at most {MAX_MESSAGE_BYTES} bytes inside, got {size}")
        return zstandard.ZstdDecompressor().decompress(
            frame, max_output_size=MAX_MESSAGE_BYTES, allow_extra_data=False
        )
    except zstandard.ZstdError as exc:
        raise MalformedMessage(f"message: want a Zstandard frame, got: {exc}") from exc
