"""Check every byte of a tlog-tiles directory against its signed checkpoint.

Reads each bundle and each tile once, keeps one tile of each level in memory, and goes on after
a fault: the answer is every fault, with the file and the position in the log.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import LogError, ObjectMissing, StoreUnavailable
from veracity.log.fsck_files import stray_files
from veracity.log.fsck_findings import Finding
from veracity.log.fsck_tree import TreeCheck
from veracity.log.notes import Verifier, parse_note
from veracity.log.reader import CHECKPOINT_PATH, open_checkpoint

__all__ = ["Finding", "Report", "check_tree", "fsck"]


@dataclass(frozen=True)
class Report:
    """What a check found: ``findings`` holds the first ones, ``n_findings`` counts them all."""

    checkpoint: Checkpoint | None
    findings: tuple[Finding, ...]
    n_findings: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing at all was wrong."""
        return self.n_findings == 0


def fsck(objects: Objects, verifier: Verifier, max_findings: int = 10_000) -> Report:
    """Check a whole log and return every fault (the first ``max_findings`` of them in full).

    Raises
    ------
    StoreUnavailable
        If the store cannot be read. Faults of the log itself are findings, never errors.
    """
    findings: list[Finding] = []
    n_findings = 0
    checkpoint, fault = _read_checkpoint(objects, verifier)
    if fault is not None:
        findings.append(fault)
        n_findings += 1
    if checkpoint is not None:
        for finding in check_tree(objects, checkpoint):
            n_findings += 1
            if len(findings) < max_findings:
                findings.append(finding)
    return Report(checkpoint, tuple(findings), n_findings)


def check_tree(objects: Objects, checkpoint: Checkpoint) -> Iterator[Finding]:
    """Yield every fault of bundles, tiles and stray files under a checkpoint taken as given."""
    yield from TreeCheck(objects, checkpoint).run()
    yield from stray_files(objects, checkpoint)


def _read_checkpoint(objects: Objects, verifier: Verifier) -> tuple[Checkpoint | None, Finding | None]:
    """Read the published checkpoint; one that is not signed is a finding, yet still says a tree to check."""
    try:
        note = objects.get(CHECKPOINT_PATH)
    except ObjectMissing as exc:
        return None, Finding(CHECKPOINT_PATH, "missing", None, str(exc))
    try:
        return open_checkpoint(note, verifier), None
    except StoreUnavailable:
        raise
    except LogError as exc:
        fault = Finding(CHECKPOINT_PATH, exc.code, None, str(exc))
    try:
        return parse_checkpoint(parse_note(note).text), fault
    except LogError:
        return None, fault
