"""The door to whoever must agree before a checkpoint is published: a log's witnesses."""

from typing import Protocol

from veracity.log.reader import LogReader


class PublishedNote(Protocol):
    """A checkpoint that may be published."""

    @property
    def note(self) -> bytes:
        """The note, with every signature and cosignature that came."""


class Publisher(Protocol):
    """Gathers what a signed checkpoint needs before anyone may see it."""

    def publish(self, note: bytes, reader: LogReader) -> PublishedNote:
        """Return the note to publish, or raise QuorumNotMet.

        Parameters
        ----------
        note
            The checkpoint as the log signed it.
        reader
            The log at that checkpoint, for proofs of consistency.
        """
