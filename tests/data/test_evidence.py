"""Evidence: pages give back the bytes that were received, and nothing else passes for them."""

from contextlib import suppress
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from veracity.data.errors import EvidenceMismatch
from veracity.data.evidence import (
    PAGES_PER_FRAME,
    EvidenceStore,
    check_page,
    format_pages,
    page_ends,
    parse_pages,
    seal_pages,
)
from veracity.data.text import RECORDS_PER_PAGE
from veracity.log.doors import StoreUnavailable
from veracity.log.merkle import EMPTY_ROOT, leaf_hash, root_from_leaf_hashes, verify_inclusion
from veracity.stores.objects import StoredObjects

FILE = sha256(b"a file").hexdigest()


def records(n: int, seed: int = 0) -> tuple[bytes, np.ndarray]:
    """``n`` records of different lengths, newline included, and where each ends."""
    rng = np.random.default_rng(seed)
    parts = [b"%d," % i + b"x" * int(rng.integers(0, 40)) + b"\n" for i in range(n)]
    return b"".join(parts), np.cumsum([len(p) for p in parts], dtype=np.int64)


def store() -> EvidenceStore:
    return EvidenceStore(StoredObjects(MemoryStore()), "rain")


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 128, 1000])
def test_a_page_is_64_records_and_a_leaf(n: int) -> None:
    """Pages are runs of 64 records, the last one shorter; their hashes are RFC 6962 leaves."""
    data, ends = records(n)
    pages = seal_pages(data, ends)
    cut = [0, *ends[RECORDS_PER_PAGE - 1 :: RECORDS_PER_PAGE].tolist()]
    if n % RECORDS_PER_PAGE:
        cut.append(len(data))
    want = [leaf_hash(data[a:b]) for a, b in pairwise(cut)]
    assert pages.hashes == want
    assert len(want) == -(-n // RECORDS_PER_PAGE)
    assert pages.root == (root_from_leaf_hashes(want) if n else EMPTY_ROOT)
    for page in range(len(want)):
        verify_inclusion(want[page], page, len(want), pages.path(page), pages.root)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40_000), st.data())
@example(PAGES_PER_FRAME * RECORDS_PER_PAGE, None)
@example(PAGES_PER_FRAME * RECORDS_PER_PAGE + 1, None)
def test_any_run_of_pages_comes_back(n: int, data: st.DataObject | None) -> None:
    """What is stored comes back to the byte, whole or any run of pages of it."""
    body, ends = records(n)
    pages, evidence = seal_pages(body, ends), store()
    evidence.put(FILE, 0, pages, body)
    back = evidence.pages(FILE, 0, pages.root)
    assert back.hashes == pages.hashes
    assert back.ends.tolist() == pages.ends.tolist()
    if not n:
        return
    last = len(pages.hashes) - 1
    assert evidence.read(FILE, 0, back, 0, last) == body
    if data is not None:
        first = data.draw(st.integers(0, last))
        until = data.draw(st.integers(first, last))
        want = body[pages.span(first)[0] : pages.span(until)[1]]
        assert evidence.read(FILE, 0, back, first, until) == want


def test_the_same_evidence_twice_is_the_same_objects() -> None:
    """Written again after a crash, evidence is the same to the byte."""
    objects = StoredObjects(MemoryStore())
    evidence = EvidenceStore(objects, "rain")
    body, ends = records(300)
    pages = seal_pages(body, ends)
    evidence.put(FILE, 0, pages, body)
    before = {path: objects.get(path) for path in objects.list("")}
    evidence.put(FILE, 0, pages, body)
    assert {path: objects.get(path) for path in objects.list("")} == before


def test_another_root_is_refused() -> None:
    """Pages are not given out under a root that is not theirs."""
    body, ends = records(100)
    evidence = store()
    evidence.put(FILE, 0, seal_pages(body, ends), body)
    with pytest.raises(EvidenceMismatch, match="want root"):
        evidence.pages(FILE, 0, bytes(32))


def test_every_bit_of_a_small_index() -> None:
    """With any bit of the stored index flipped, what is read is what was received, or refused."""
    objects = StoredObjects(MemoryStore())
    evidence = EvidenceStore(objects, "rain")
    body, ends = records(130)
    pages = seal_pages(body, ends)
    evidence.put(FILE, 0, pages, body)
    path = evidence.path(FILE, "0.pages")
    index, n_read = objects.get(path), 0
    for bit in range(len(index) * 8):
        flipped = bytearray(index)
        flipped[bit // 8] ^= 1 << bit % 8
        objects.put(path, bytes(flipped))
        with suppress(EvidenceMismatch, StoreUnavailable):
            assert evidence.read(FILE, 0, evidence.pages(FILE, 0, pages.root), 0, 2) == body
            n_read += 1
    assert n_read <= 32  # the last page's length: beyond the end there is nothing to show


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.integers(0, 80))
def test_an_index_that_is_none(junk: bytes, at: int) -> None:
    """Whatever stands in an index, parsing it fails only as ours."""
    body, ends = records(200)
    good = format_pages(seal_pages(body, ends), [7, 8])
    for data in (junk, good[:at] + junk, good + junk, good[: len(good) - at - 1]):
        if data != good:
            with pytest.raises(EvidenceMismatch, match="want"):
                parse_pages(data, "pages")


def test_index_round_trip() -> None:
    """What is formatted parses to the same lengths and hashes."""
    body, ends = records(1000)
    pages = seal_pages(body, ends)
    back, frames = parse_pages(format_pages(pages, [3, 1, 4]), "pages")
    assert (back.hashes, back.ends.tolist(), frames) == (pages.hashes, pages.ends.tolist(), [3, 1, 4])


def test_a_page_is_its_hash() -> None:
    """A page passes for a hash only if it is the page of that hash."""
    check_page(b"a page\n", leaf_hash(b"a page\n"), "page 0")
    with pytest.raises(EvidenceMismatch, match="page 0: want leaf hash"):
        check_page(b"a Page\n", leaf_hash(b"a page\n"), "page 0")


def test_page_ends_keep_the_last() -> None:
    """Where pages end: every 64th record and the last, never twice the same."""
    assert page_ends(np.arange(1, 65, dtype=np.int64)).tolist() == [64]
    assert page_ends(np.arange(1, 67, dtype=np.int64)).tolist() == [64, 66]
    assert page_ends(np.array([], dtype=np.int64)).tolist() == []
