"""The check of a whole log: each planted fault is found, under its path and position."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
from log_fakes import SIGNER, memory_objects, new_log, numbered

from veracity.log.bundles import format_bundle
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.fsck import fsck
from veracity.log.notes import Note, Signer, parse_note, sign_note
from veracity.stores.objects import StoredObjects

SIZE = 65_536 + 256 + 44
SOURCE = memory_objects()
LOG = new_log(SIZE, SOURCE)
FILES = {path: SOURCE.get(path) for path in SOURCE.list("")}


def planted(path: str, change: Callable[[bytes], bytes] | None) -> list[tuple[str, str, int | None]]:
    """Check the log with one file changed (or gone); return path, code and position of all findings."""
    kept = SOURCE.get(path) if SOURCE.exists(path) else None
    if change is None:
        SOURCE.delete(path)
    else:
        SOURCE.put(path, change(kept or b""))
    try:
        return [(f.path, f.code, f.position) for f in fsck(SOURCE, SIGNER.verifier).findings]
    finally:
        SOURCE.delete(path)
        if kept is not None:
            SOURCE.put(path, kept)


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_sound_log_has_no_findings() -> None:
    """A log as written passes, in whole."""
    report = fsck(SOURCE, SIGNER.verifier)
    assert (report.is_sound, report.n_unpublished) == (True, 0)
    assert report.checkpoint == LOG.checkpoint


@pytest.mark.parametrize(
    ("path", "change", "want"),
    [
        ("tile/entries/000", flip(5), ("tile/entries/000", "mismatch", 0)),
        ("tile/entries/256", flip(3), ("tile/entries/256", "mismatch", 65_536)),
        ("tile/entries/257.p/44", flip(3), ("tile/entries/257.p/44", "mismatch", 65_792)),
        ("tile/0/000", flip(33), ("tile/0/000", "mismatch", 1)),
        ("tile/0/257.p/44", flip(64), ("tile/0/257.p/44", "mismatch", 65_794)),
        ("tile/1/000", flip(96), ("tile/1/000", "mismatch", 3)),
        ("tile/1/001.p/1", flip(0), ("tile/1/001.p/1", "mismatch", 256)),
        ("tile/2/000.p/1", flip(31), ("tile/2/000.p/1", "mismatch", 0)),
        ("tile/entries/007", None, ("tile/entries/007", "missing", None)),
        ("tile/entries/257.p/44", None, ("tile/entries/257.p/44", "missing", None)),
        ("tile/0/007", None, ("tile/0/007", "missing", None)),
        ("tile/0/257.p/44", None, ("tile/0/257.p/44", "missing", None)),
        ("tile/1/000", None, ("tile/1/000", "missing", None)),
        ("tile/2/000.p/1", None, ("tile/2/000.p/1", "missing", None)),
        ("tile/entries/001", lambda d: d + b"\0", ("tile/entries/001", "malformed-bundle", 512)),
        ("tile/entries/001", lambda d: d[:-1], ("tile/entries/001", "malformed-bundle", 511)),
        (
            "tile/entries/257.p/44",
            lambda d: d + format_bundle(numbered(SIZE - 1, SIZE)),
            ("tile/entries/257.p/44", "malformed-bundle", SIZE),
        ),
        ("tile/entries/001", lambda d: b"", ("tile/entries/001", "malformed-bundle", 256)),
        ("tile/0/257.p/44", lambda d: d + d[-32:], ("tile/0/257.p/44", "malformed-tile", SIZE)),
        ("tile/0/001", lambda d: d[:-1], ("tile/0/001", "malformed-tile", 511)),
        ("tile/0/258.p/1", lambda d: bytes(32), ("tile/0/258.p/1", "leftover", 66_048)),
        ("tile/0/257", lambda d: bytes(8192), ("tile/0/257", "leftover", SIZE)),
        ("tile/0/257.p/45", lambda d: bytes(32 * 45), ("tile/0/257.p/45", "leftover", SIZE)),
        ("tile/entries/258.p/1", lambda d: b"\0\0", ("tile/entries/258.p/1", "leftover", 66_048)),
        ("tile/3/000.p/1", lambda d: bytes(32), ("tile/3/000.p/1", "leftover", 0)),
        ("tile/0/0000", lambda d: bytes(8192), ("tile/0/0000", "leftover", None)),
        ("tile/00/000", lambda d: bytes(8192), ("tile/00/000", "leftover", None)),
        ("tile/0/000.p/007", lambda d: bytes(224), ("tile/0/000.p/007", "leftover", None)),
        ("tile/0/000.p/0", lambda d: b"", ("tile/0/000.p/0", "leftover", None)),
        ("tile/0/000.p/256", lambda d: bytes(8192), ("tile/0/000.p/256", "leftover", None)),
        ("tile/entries/000.p/0", lambda d: b"", ("tile/entries/000.p/0", "leftover", None)),
        ("tile/entries/000.p/256", lambda d: b"", ("tile/entries/000.p/256", "leftover", None)),
        ("tile/0/x000/003", lambda d: bytes(8192), ("tile/0/x000/003", "leftover", None)),
        ("tile/64/000.p/1", lambda d: bytes(32), ("tile/64/000.p/1", "leftover", None)),
        ("tile/63/000.p/1", lambda d: bytes(32), ("tile/63/000.p/1", "leftover", 0)),
        ("tile/8/0/000", lambda d: bytes(8192), ("tile/8/0/000", "leftover", None)),
        ("tile/0/000.json", lambda d: b"{}", ("tile/0/000.json", "leftover", None)),
        ("Tile/0/000", lambda d: bytes(8192), ("Tile/0/000", "leftover", None)),
        ("tile/0/003.p/2", lambda d: b"", ("tile/0/003.p/2", "malformed-tile", 768)),
        ("tile/0/003.p/2", lambda d: FILES["tile/0/003"][:95], ("tile/0/003.p/2", "malformed-tile", 770)),
        ("tile/0/003.p/2", lambda d: FILES["tile/0/003"][:63] + b"x", ("tile/0/003.p/2", "mismatch", 769)),
        ("tile/1/000.p/9", lambda d: bytes(288), ("tile/1/000.p/9", "mismatch", 0)),
        ("tile/entries/003.p/1", lambda d: b"\0", ("tile/entries/003.p/1", "malformed-bundle", 768)),
        (
            "tile/entries/003.p/2",
            lambda d: format_bundle([*numbered(768, 769), b"x"]),
            ("tile/entries/003.p/2", "mismatch", 769),
        ),
        ("notes.txt", lambda d: b"hello", ("notes.txt", "leftover", None)),
        ("tile/0/003.p/2", lambda d: bytes(64), ("tile/0/003.p/2", "mismatch", 768)),
        ("tile/entries/003.p/1", lambda d: b"\0\1x", ("tile/entries/003.p/1", "mismatch", 768)),
    ],
)
def test_each_planted_fault_is_found(
    path: str, change: Callable[[bytes], bytes] | None, want: tuple[str, str, int | None]
) -> None:
    """One fault gives one finding, which names the file at fault."""
    assert planted(path, change) == [want]


def test_a_right_partial_file_of_an_earlier_size_may_stay() -> None:
    """A partial tile or bundle that begins its full one is no fault."""
    assert planted("tile/0/003.p/2", lambda _: FILES["tile/0/003"][:64]) == []
    entry = numbered(768, 769)
    assert planted("tile/entries/003.p/1", lambda _: format_bundle(entry)) == []


def test_all_faults_are_reported_at_once() -> None:
    """Faults in many files are all found in one pass."""
    objects = memory_objects()
    objects.put_many([(p, d) for p, d in FILES.items() if p != "tile/0/009"])
    objects.put("tile/entries/002", flip(4)(FILES["tile/entries/002"]))
    objects.put("tile/0/005", flip(40)(FILES["tile/0/005"]))
    objects.put("tile/0/x001/000", b"")
    report = fsck(objects, SIGNER.verifier)
    assert [(f.path, f.code) for f in report.findings] == [
        ("tile/entries/002", "mismatch"),
        ("tile/0/005", "mismatch"),
        ("tile/0/009", "missing"),
        ("tile/0/x001/000", "leftover"),
    ]
    assert fsck(objects, SIGNER.verifier, max_findings=1).n_findings == 4
    assert "\n" not in str(report.findings[0])


def small() -> StoredObjects:
    objects = memory_objects()
    new_log(5, objects)
    return objects


def codes(objects: StoredObjects, key: Signer = SIGNER) -> list[tuple[str, str]]:
    return [(f.path, f.code) for f in fsck(objects, key.verifier).findings]


ROOT = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{SIGNER.name}\n05\n{ROOT}\n", "malformed-checkpoint"),
        (f"{SIGNER.name}\n5\n{ROOT[:-2]}B=\n", "malformed-checkpoint"),
        (f"{SIGNER.name}\n5\nAAAA\n", "malformed-checkpoint"),
        (f"{SIGNER.name}\n0\n{ROOT}\n", "wrong-empty-root"),
        (f"example.org/town\n5\n{ROOT}\n", "signature-rejected"),
    ],
)
def test_a_malformed_checkpoint_is_found(text: str, code: str) -> None:
    """A checkpoint that the format forbids is a finding, even when well signed."""
    objects = small()
    objects.put("checkpoint", sign_note(text, [SIGNER]))
    assert ("checkpoint", code) in codes(objects)


def test_a_checkpoint_that_is_missing_or_no_note_is_found() -> None:
    """No checkpoint, or bytes that are none, is one finding."""
    objects = small()
    objects.put("checkpoint", b"hello")
    assert codes(objects) == [("checkpoint", "malformed-note")]
    objects.delete("checkpoint")
    assert codes(objects) == [("checkpoint", "missing")]


def test_a_wrong_signature_is_found_and_the_tree_still_checked() -> None:
    """A checkpoint of another key is a finding, and so is each fault under it."""
    objects = small()
    other = Signer(SIGNER.name, bytes(32))
    assert codes(objects, other) == [("checkpoint", "signature-rejected")]
    note = parse_note(objects.get("checkpoint"))
    objects.put("checkpoint", Note(note.text, (other.sign("other\n"),)).format())
    objects.delete("tile/0/000.p/5")
    assert ("tile/0/000.p/5", "missing") in codes(objects)


def test_another_root_is_found() -> None:
    """Entries and tiles that agree but do not lead to the signed root are found."""
    objects = small()
    objects.put("checkpoint", sign_note(Checkpoint(SIGNER.name, 5, bytes(32)).format(), [SIGNER]))
    assert codes(objects) == [("checkpoint", "mismatch")]


def test_a_checkpoint_larger_than_the_tiles_is_found() -> None:
    """A size that the directory does not hold shows as missing files."""
    objects = small()
    objects.put("checkpoint", sign_note(Checkpoint(SIGNER.name, 300, bytes(32)).format(), [SIGNER]))
    found = codes(objects)
    assert {("tile/entries/000", "missing"), ("tile/0/000", "missing")} <= set(found)


def test_extension_lines_are_found() -> None:
    """A checkpoint with more than origin, size and root says what nobody can check."""
    objects = small()
    signed = parse_checkpoint(parse_note(objects.get("checkpoint")).text)
    text = replace(signed, extensions=("a line",)).format()
    objects.put("checkpoint", sign_note(text, [SIGNER]))
    assert codes(objects) == [("checkpoint", "extension-lines")]


def test_a_signature_twice_is_found() -> None:
    """Two lines of one key, both right, are one too many."""
    objects = small()
    note = parse_note(objects.get("checkpoint"))
    objects.put("checkpoint", Note(note.text, note.signatures * 2).format())
    assert codes(objects) == [("checkpoint", "duplicate-signature")]


def test_a_key_that_is_not_named_as_the_origin_is_found() -> None:
    """A checkpoint of this origin, signed by a key of another name, is not this log's."""
    objects = small()
    other = Signer("example.org/other", SIGNER.seed)
    objects.put("checkpoint", sign_note(parse_note(objects.get("checkpoint")).text, [other]))
    assert codes(objects, other) == [("checkpoint", "signature-rejected")]


def test_a_size_that_no_store_can_hold_ends_the_check() -> None:
    """Whoever holds the key may sign 2**62 entries: the check gives up after some, and says so."""
    objects = small()
    text = Checkpoint(SIGNER.name, 2**62, bytes(32)).format()
    objects.put("checkpoint", sign_note(text, [SIGNER]))
    report = fsck(objects, SIGNER.verifier)
    assert ("checkpoint", "gave-up", 262_144) in [(f.path, f.code, f.position) for f in report.findings]


def test_a_log_that_grows_meanwhile_has_no_leftovers() -> None:
    """Files of a later checkpoint, signed while the check ran, are no fault of the earlier."""
    objects = small()

    class Growing(StoredObjects):
        """Publishes five more entries when it is listed."""

        def get(self, path: str) -> bytes:
            data = super().get(path)
            if path == "tile/entries/000.p/5":
                grown = memory_objects()
                new_log(10, grown)
                self.put_many([(p, grown.get(p)) for p in grown.list("")])
            return data

    assert fsck(Growing(objects._store), SIGNER.verifier).is_sound


def test_without_a_list_earlier_files_are_asked_for() -> None:
    """Over HTTP nobody can say what is extra; what contradicts the tree is found all the same."""
    objects = small()
    objects.put("tile/0/000.p/3", bytes(96))
    objects.put("tile/entries/000.p/2", format_bundle([numbered(0, 1)[0], b"other"]))
    objects.put("notes.txt", b"hello")
    found = fsck(objects, SIGNER.verifier, is_listed=False).findings
    assert [(f.path, f.code, f.position) for f in found] == [
        ("tile/0/000.p/3", "mismatch", 0),
        ("tile/entries/000.p/2", "mismatch", 1),
    ]


def ahead(old: int, new: int) -> tuple[StoredObjects, list[str], Checkpoint]:
    """A log that has written and signed ``new`` entries in two steps, and published ``old``.

    Returns it with the files that lie beyond what is published, and what it signed last.
    """
    objects = memory_objects()
    log = new_log(old, objects)
    published, before = objects.get("checkpoint"), set(objects.list(""))
    log.append(numbered(old, old + (new - old) // 2))
    halfway = {path: objects.get(path) for path in objects.list("")}
    log.append(numbered(old + (new - old) // 2, new))
    objects.put_many([(path, data) for path, data in halfway.items() if not objects.exists(path)])
    objects.put("checkpoint", published)
    return objects, sorted(set(objects.list("")) - before), log.checkpoint


@pytest.mark.parametrize(
    ("old", "new"), [(0, 3), (5, 9), (5, 300), (255, 257), (256, 258), (300, 1_100), (65_500, 65_800)]
)
def test_what_is_signed_and_not_published_is_no_fault(old: int, new: int) -> None:
    """Seen from outside, files that go on from the published tree are counted and leave the log sound."""
    objects, beyond, signed = ahead(old, new)
    report = fsck(objects, SIGNER.verifier)
    assert (report.findings, report.n_unpublished, len(beyond) > 2) == ((), len(beyond), True)
    report = fsck(objects, SIGNER.verifier, signed=signed)
    assert (report.findings, report.n_unpublished) == ((), 0)


def test_beyond_what_the_log_signed_is_left_over() -> None:
    """Who knows where the log ends finds each file beyond it to be one too many."""
    objects, beyond, _ = ahead(5, 9)
    ends = parse_checkpoint(parse_note(objects.get("checkpoint")).text)
    report = fsck(objects, SIGNER.verifier, signed=ends)
    assert {(f.path, f.code) for f in report.findings} == {(path, "leftover") for path in beyond}


@pytest.mark.parametrize(
    ("path", "change", "want"),
    [
        ("tile/0/001.p/244", flip(32 * 50), ("tile/0/001.p/244", "mismatch", 306)),
        ("tile/0/001.p/244", lambda d: d[:-1], ("tile/0/001.p/244", "malformed-tile", 499)),
        ("tile/entries/001.p/244", lambda d: d + b"\0", ("tile/entries/001.p/244", "malformed-bundle", 500)),
        ("tile/entries/001.p/244", flip(3), ("tile/entries/001.p/244", "mismatch", 256)),
        ("tile/0/001.p/245", lambda _: bytes(32 * 245), ("tile/0/001.p/245", "leftover", 300)),
        ("tile/0/002.p/1", lambda _: bytes(32), ("tile/0/002.p/1", "leftover", 512)),
        ("tile/1/000.p/2", lambda _: bytes(64), ("tile/1/000.p/2", "leftover", 1)),
        ("tile/entries/002.p/1", lambda _: b"\0\0", ("tile/entries/002.p/1", "leftover", 512)),
    ],
)
def test_what_does_not_go_on_from_the_published_tree_is_found(
    path: str, change: Callable[[bytes], bytes], want: tuple[str, str, int | None]
) -> None:
    """A file beyond the end that is cut short, contradicts, or follows on nothing is a finding."""
    objects, _, _ = ahead(300, 500)
    objects.put(path, change(objects.get(path) if objects.exists(path) else b""))
    assert want in [(f.path, f.code, f.position) for f in fsck(objects, SIGNER.verifier).findings]


def test_an_entry_beyond_that_is_another_is_found_by_its_tile() -> None:
    """Of two files beyond the end that contradict each other one is a finding: the tile."""
    objects, _, _ = ahead(300, 500)
    objects.put("tile/entries/001.p/244", format_bundle([*numbered(256, 499), b"another"]))
    assert codes(objects) == [("tile/0/001.p/244", "mismatch")]
