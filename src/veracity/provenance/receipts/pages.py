"""A page of evidence shown in full, and the records in it."""

from dataclasses import dataclass

from veracity.log.merkle import leaf_hash, verify_inclusion

RECORD_BYTES = 65_536  #: a longer record is cut into pieces of this length, each a record


@dataclass(frozen=True)
class ProvenPage:
    """Page ``index`` of a batch, its bytes, and its inclusion path (sibling first)."""

    index: int
    content: bytes
    path: tuple[bytes, ...]

    def verify(self, n_pages: int, root: bytes) -> None:
        """Return if this is page ``index`` of ``n_pages`` under ``root``, else raise InclusionRejected."""
        verify_inclusion(leaf_hash(self.content), self.index, n_pages, self.path, root)


def line_ends(page: bytes) -> list[int]:
    r"""Return where each record of a page ends, if every newline ends one.

    So it is in NDJSON, and in CSV without a quote on the page. A record longer than
    ``RECORD_BYTES`` is cut there.

    Examples
    --------
    >>> line_ends(b"a;1\nb;2\nc")
    [4, 8, 9]
    """
    ends: list[int] = []
    start = 0
    while start < len(page):
        newline = page.find(b"\n", start, start + RECORD_BYTES)
        start = newline + 1 if newline >= 0 else min(start + RECORD_BYTES, len(page))
        ends.append(start)
    return ends


def is_on_lines(page: bytes, start: int, end: int) -> bool:
    """Say whether ``page[start:end]`` begins and ends where a line of the page does."""
    begins = start == 0 or page[start - 1 : start] == b"\n"
    return begins and (end == len(page) or page[end - 1 : end] == b"\n")
