"""What must hold of a log whatever happened to its writers."""

from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass, field

from log_appender import SIGNER

from veracity.log.append import Log
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import LogState, ObjectMissing, Objects
from veracity.log.fsck import fsck
from veracity.log.merkle import leaf_hash, root_from_leaf_hashes
from veracity.log.reader import CHECKPOINT_PATH, open_checkpoint


@dataclass
class Answers:
    """What writers were told: their entries' indices, and every checkpoint that anyone saw."""

    indices: dict[bytes, int] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)  # ``code: message``
    after: list[str] = field(default_factory=list)  # answers to an append after an error
    pid: int | None = None

    def take(self, output: str) -> "Answers":
        """Add what an appender said. A last line that was cut off by a kill was not said."""
        for line in output.split("\n")[:-1]:
            word, _, rest = line.partition(" ")
            if word == "answered":
                index, entry = rest.split(" ")
                self.answered(entry.encode(), int(index))
            elif word == "checkpoint":
                self.saw(open_checkpoint(b64decode(rest), SIGNER.verifier))
            elif word == "error":
                self.errors.append(rest)
            elif word == "then":
                self.after.append(rest)
            else:
                assert word == "pid", f"not what an appender says: {line}"
                self.pid = int(rest)
        return self

    def answered(self, entry: bytes, index: int) -> None:
        """Note an answer: an entry keeps its index for ever."""
        assert self.indices.setdefault(entry, index) == index, f"{entry!r}: two indices"

    def saw(self, checkpoint: Checkpoint) -> None:
        """Note a checkpoint: no two of one size may differ."""
        size, root = checkpoint.size, checkpoint.root
        assert self.roots.setdefault(size, root) == root, f"two checkpoints of size {size}"


def look(objects: Objects, state: LogState, answers: Answers) -> None:
    """Note the checkpoints that lie in the stores, before anyone opens the log again."""
    last = state.last(SIGNER.name)
    if last is not None:
        answers.saw(open_checkpoint(last.note, SIGNER.verifier))
        if last.previous is not None:
            answers.saw(open_checkpoint(last.previous, SIGNER.verifier))
    with suppress(ObjectMissing):
        answers.saw(open_checkpoint(objects.get(CHECKPOINT_PATH), SIGNER.verifier))


def check_log(objects: Objects, state: LogState, answers: Answers, tried: list[bytes]) -> Log:
    """Open the log again and hold it to everything that was answered.

    Nothing answered is lost and nothing is doubled; the log holds nothing but what was tried; every
    checkpoint ever seen is a prefix of it; ``fsck`` is content; and it goes on.
    """
    look(objects, state, answers)
    log = Log.open(objects, state, SIGNER)
    answers.saw(log.checkpoint)
    held = list(log.entries())
    assert len(set(held)) == len(held), "an entry is doubled"
    assert set(held) <= set(tried), "an entry that nobody appended"
    for entry, index in answers.indices.items():
        assert index < len(held), f"{entry!r}: answered {index}, lost"
        assert held[index] == entry, f"{entry!r}: another stands at {index}"
    leaves = [leaf_hash(entry) for entry in held]
    for size, root in answers.roots.items():
        assert size <= len(leaves), f"a checkpoint of {size} was seen, the log has {len(leaves)}"
        assert root == root_from_leaf_hashes(leaves[:size]), f"the checkpoint of {size} is of another log"
    report = fsck(objects, SIGNER.verifier)
    assert (report.findings, report.n_unpublished) == ((), 0)
    for entry, index in zip(tried, log.append(tried), strict=True):
        answers.answered(entry, index)
    answers.saw(log.checkpoint)
    assert sorted(answers.indices[entry] for entry in tried) == list(range(len(tried)))
    assert log.size == len(tried)
    report = fsck(objects, SIGNER.verifier)
    assert (report.findings, report.n_unpublished) == ((), 0)
    return log
