"""Documents of sources, kept as received before what was made of them is published.

A document is at ``documents/<feed>/<sha256>.zst``: a Zstandard frame under the digest of what is in it.
"""

import hashlib

from veracity.live.errors import DamagedDocument
from veracity.log.doors import Objects

MAX_DOCUMENT_BYTES = 67_108_864


def document_path(feed: str, sha256: str) -> str:
    """Return where a document is kept."""
    return f"documents/{feed}/{sha256}.zst"


def keep_document(objects: Objects, feed: str, document: bytes) -> str:
    """Keep a document, unless it is there; return its digest. Durable when it returns."""
    import zstandard

    sha256 = hashlib.sha256(document).hexdigest()
    path = document_path(feed, sha256)
    if not objects.exists(path):
        objects.put(path, zstandard.ZstdCompressor(level=3).compress(document))
    return sha256


def read_document(objects: Objects, feed: str, sha256: str) -> bytes:
    """Return a document by its digest.

    Raises
    ------
    ObjectMissing
        If it is not kept.
    DamagedDocument
        If what is kept is another, or none.
    """
    import zstandard

    frame = objects.get(document_path(feed, sha256))
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= MAX_DOCUMENT_BYTES:
            raise DamagedDocument(
                f"document {sha256[:16]}: want at most {MAX_DOCUMENT_BYTES} bytes, got more"
            )
        document = zstandard.ZstdDecompressor().decompress(frame, max_output_size=MAX_DOCUMENT_BYTES)
    except zstandard.ZstdError as exc:
        raise DamagedDocument(f"document {sha256[:16]}: want a Zstandard frame, got: {exc}") from exc
    digest = hashlib.sha256(document).hexdigest()
    if digest != sha256:
        raise DamagedDocument(f"document {sha256[:16]}: want that digest, got {digest[:16]}")
    return document
