"""Which of a table's files are to become one: small neighbours, oldest first, each rewritten few times.

Live feeds leave a file a second. Files are grouped as they stand, by batch, so that a group's rows
joined are the rows of the new file in the order of arrival. A file that is larger than all that
follows it in its group waits until they have caught up: a row is rewritten about as often as a file's
size doubles on the way to a million rows, however often compaction runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_ROWS = 1_048_576  #: of a file made of others …
MAX_BYTES = 128 * 1024 * 1024  #: … and the sum of theirs
MAX_FILES = 1_024  #: that become one at a time: about a second, in which no batch is sealed
MIN_FILES = 8  #: fewer are not worth a commit


@dataclass(frozen=True)
class TableFile:
    """A data file as Delta's log has it: its least and greatest batch, and how much is in it.

    ``is_ours`` says whether its name has the digest of its bytes: others' files stay as they are.
    """

    name: str
    first: int
    last: int
    n_rows: int
    n_bytes: int
    is_ours: bool = True

    @property
    def is_small(self) -> bool:
        """Whether it should be one with its neighbours."""
        return self.is_ours and self.n_rows < MAX_ROWS // 2 and self.n_bytes < MAX_BYTES // 2


def plan(files: Sequence[TableFile], up_to_batch: int) -> list[list[TableFile]]:
    """Return the groups of files to become one each; none has rows of a batch after ``up_to_batch``.

    ``files`` stand in the order of their batches. Empty when nothing is left to do: carried out and
    asked again, it ends.
    """
    worth = (_without_large_heads(group) for group in _neighbours(files, up_to_batch))
    return [group for group in worth if len(group) >= MIN_FILES]


def _neighbours(files: Sequence[TableFile], up_to_batch: int) -> Iterator[list[TableFile]]:
    """Yield runs of small files, each within the bounds of one file to be."""
    group: list[TableFile] = []
    for file in files:
        joins = file.is_small and file.last <= up_to_batch
        if group and not (joins and _fits(group, file)):
            yield group
            group = []
        if joins:
            group.append(file)
    if group:
        yield group


def _fits(group: Sequence[TableFile], file: TableFile) -> bool:
    return (
        len(group) < MAX_FILES
        and group[-1].last < file.first
        and sum(f.n_rows for f in group) + file.n_rows <= MAX_ROWS
        and sum(f.n_bytes for f in group) + file.n_bytes <= MAX_BYTES
    )


def _without_large_heads(group: list[TableFile]) -> list[TableFile]:
    after = sum(f.n_rows for f in group)
    for i, file in enumerate(group):
        after -= file.n_rows
        if file.n_rows <= after:
            return group[i:]
    return []
