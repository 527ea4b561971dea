"""Check every byte of a tlog-tiles directory against its signed checkpoint.

Reads each bundle and each tile once, keeps one tile of each level in memory, and goes on after
a fault: the answer is every fault, with the file and the position in the log.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import LogError, ObjectMissing, StoreUnavailable
from veracity.log.fsck_files import stray_answers, stray_files
from veracity.log.fsck_findings import Finding
from veracity.log.fsck_tree import TreeCheck
from veracity.log.notes import Verifier, parse_note
from veracity.log.reader import CHECKPOINT_PATH, open_checkpoint

__all__ = ["Finding", "Report", "fsck"]


@dataclass(frozen=True)
class Report:
    """What a check found: ``findings`` holds the first ones, ``n_findings`` counts them all.

    ``n_unpublished`` files go on from what is published: the witnesses of the log may be awaited. They
    are no fault of it.
    """

    checkpoint: Checkpoint | None
    findings: tuple[Finding, ...]
    n_findings: int
    n_unpublished: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing at all was wrong."""
        return self.n_findings == 0


def fsck(
    objects: Objects,
    verifier: Verifier,
    max_findings: int = 10_000,
    *,
    oddities: Iterable[tuple[str, str]] = (),
    is_listed: bool = True,
    signed: Checkpoint | None = None,
) -> Report:
    """Check a whole log and return every fault (the first ``max_findings`` of them in full).

    Parameters
    ----------
    objects
        The log. For one on disk ``stores.plain_files`` shows all that lies there.
    oddities
        What lies there and is no file, as (path, what it is): each is a finding.
    is_listed
        Whether the store can say which objects it has. If not, what is extra cannot all be found.
    signed
        What the log has signed beyond what is published, where its witnesses are awaited: the tree
        that the files must give, and nothing beyond it.

    Raises
    ------
    StoreUnavailable
        If the store cannot be read. Faults of the log itself are findings, never errors.
    """
    found: list[Finding] = []
    n_found = n_unpublished = 0
    for finding in _check(objects, verifier, oddities, is_listed, signed, checkpoint := _Published()):
        if finding.code == "unpublished":
            n_unpublished += 1
            continue
        n_found += 1
        if len(found) < max_findings:
            found.append(finding)
    return Report(checkpoint.value, tuple(found), n_found, n_unpublished)


class _Published:
    """The checkpoint that was read, once it was."""

    value: Checkpoint | None = None


def _check(
    objects: Objects,
    verifier: Verifier,
    oddities: Iterable[tuple[str, str]],
    is_listed: bool,
    signed: Checkpoint | None,
    published: _Published,
) -> Iterator[Finding]:
    yield from _check_checkpoint(objects, verifier, published)
    tree = signed or published.value
    if tree is not None:
        yield from TreeCheck(objects, tree).run()
        end = signed or _latest(objects, verifier, tree)
        if is_listed:
            yield from stray_files(objects, end, ends_here=signed is not None)
        else:
            yield from stray_answers(objects, end)
    for path, what in oddities:
        yield Finding(path, "leftover", None, f"want plain files and the folders they lie in, got {what}")


def _check_checkpoint(objects: Objects, verifier: Verifier, published: _Published) -> Iterator[Finding]:
    """Read the published checkpoint; one that is not signed is a finding, yet still says a tree to check."""
    try:
        note = objects.get(CHECKPOINT_PATH)
    except ObjectMissing as exc:
        yield Finding(CHECKPOINT_PATH, "missing", None, str(exc))
        return
    try:
        published.value = open_checkpoint(note, verifier)
    except StoreUnavailable:
        raise
    except LogError as exc:
        yield Finding(CHECKPOINT_PATH, exc.code, None, str(exc))
        try:
            published.value = parse_checkpoint(parse_note(note).text)
        except LogError:
            return
    yield from _extra_lines(note, published.value)


def _extra_lines(note: bytes, checkpoint: Checkpoint) -> Iterator[Finding]:
    """Yield the lines of a checkpoint that are allowed by the format, yet nobody can check or needs."""
    if checkpoint.extensions:
        detail = f"want origin, size and root alone, got {len(checkpoint.extensions)} more lines"
        yield Finding(CHECKPOINT_PATH, "extension-lines", None, detail)
    seen = set()
    for line in parse_note(note).signatures:
        key = line.name, line.key_id
        if key in seen:
            detail = f"want one signature of each key, got two of {line.name[:80]} ({line.key_id.hex()})"
            yield Finding(CHECKPOINT_PATH, "duplicate-signature", None, detail)
        seen.add(key)


def _latest(objects: Objects, verifier: Verifier, checked: Checkpoint) -> Checkpoint:
    """Return the checkpoint published by now: a log may grow while it is read, and its files with it."""
    try:
        latest = open_checkpoint(objects.get(CHECKPOINT_PATH), verifier)
    except StoreUnavailable:
        raise
    except LogError:
        return checked
    return latest if latest.size > checked.size else checked
