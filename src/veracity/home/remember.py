"""What the rules remember, made again from the evidence where it was lost or changed."""

from dataclasses import dataclass

from veracity.home.audit_batch import BatchAudit
from veracity.home.errors import StateBehind
from veracity.home.home import Home, Writer
from veracity.home.state import read_memory, state_after, state_path


@dataclass(frozen=True)
class Remembered:
    """A feed's states: how many its batches left, how many of them were made again, and which are lost.

    ``lost`` names batches: the state after each cannot be made again, because the evidence of a batch
    up to there is gone or is not as it was signed.
    """

    batches: int
    written: int
    lost: tuple[int, ...]


def remember(home: Writer, feed: str) -> Remembered:
    """Make what a feed's rules remember again: every batch from the first on, from the evidence.

    A state is written only where none of its digest can be read, and only if what was made again has
    the digest that the batch's statement gives. Costs as much as an audit of the feed.

    Raises
    ------
    UnknownFeed
        If there is no such feed.
    StateBehind
        If the last batch's state, which the next begins from, cannot be made again.
    """
    home.feed(feed)
    rows = home.index.batches(feed)
    again = BatchAudit(home, home.reader(), feed)
    found: list[str] = []
    written, lost = 0, []
    for row in rows:
        made = again.audit(row.batch, row.idx)
        found += [f"batch {row.batch}: {what}: {detail}" for what, detail in made.findings if what != "state"]
        want = state_after(home, feed, row.batch)
        if want is None or _is_held(home, row.idx, want):
            continue
        before, memory = again.remembered
        if before == row.batch + 1 and memory.digest == want:
            home.objects.put(state_path(feed, want), memory.write())
            written += 1
        else:
            lost.append(row.batch)
    if rows and lost and lost[-1] == rows[-1].batch:
        why = found[0] if found else "another was made"
        raise StateBehind(
            f"state of {feed}: want the one that batch {lost[-1]} left, made again from the evidence,"
            f" got none: {why}"[:600]
        )
    return Remembered(len(rows), written, tuple(lost))


def _is_held(home: Home, idx: int, sha256: str) -> bool:
    contract = home.contract(str(home.index.predicate(idx)["contract"]))
    try:
        read_memory(home, contract, sha256)
    except StateBehind:
        return False
    return True
