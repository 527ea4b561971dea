"""Two signed checkpoints of one log, compared by the tiles under the larger."""

from veracity.log.checkpoints import Checkpoint
from veracity.log.errors import LogError
from veracity.log.reader import LogReader
from veracity.monitor.misbehaviour import Beginning, Misbehaviour


def fork(reader: LogReader, note: bytes, seen: Checkpoint, how: str) -> Misbehaviour | None:
    """Compare a checkpoint not larger than the reader's with what the reader's tree begins with.

    Parameters
    ----------
    note, seen
        The other checkpoint, signed by the log; ``seen.size <= reader.size``.
    how
        How the two came to be seen, in words.

    Returns
    -------
    misbehaviour
        Proof that both cannot be true; None if they agree.

    Raises
    ------
    MalformedTile, TileMismatch, ObjectMissing, StoreUnavailable
        If the log's own tiles do not show what the smaller tree is.
    """
    if seen.size == reader.size:
        same = seen.root == reader.checkpoint.root
        return None if same else Misbehaviour("split-view", note, reader.checkpoint_note, how)
    path = reader.prove_consistency(seen.size)
    root = reader.root_at(seen.size)
    if root == seen.root:
        return None
    return Misbehaviour("split-view", note, reader.checkpoint_note, how, Beginning(root, tuple(path)))


def unproven(reader: LogReader, note: bytes, exc: LogError, how: str) -> Misbehaviour:
    """Return what is kept where a log does not show that it contains what it signed: no proof, a lead."""
    return Misbehaviour("no-consistency", note, reader.checkpoint_note, f"{how}; {exc}"[:2_000])
