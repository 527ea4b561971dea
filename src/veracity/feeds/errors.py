"""Errors of the edges that bring data in."""

from veracity.errors import Malformed, Unavailable, VeracityError


class FeedError(VeracityError):
    """Root of the errors of ``feeds``."""

    code = "feed-error"


class UnreadableFile(FeedError, Unavailable):
    """The file is missing, is no regular file, or the system does not let us read it."""

    code = "unreadable-file"


class ChangedFile(FeedError, Unavailable):
    """The file is no longer the one that was inspected; what was read of it must not be used."""

    code = "changed-file"


class UnknownFileKind(FeedError, Malformed):
    """Neither name nor content says that this is a file we read."""

    code = "unknown-file-kind"


class BadFileName(FeedError, Malformed):
    """A name that no statement can carry: not UTF-8, too long, with a line break or a backslash."""

    code = "bad-file-name"


class CorruptFile(FeedError, Malformed):
    """The file begins as what it says it is and does not go on so."""

    code = "corrupt-file"


class SourceUnavailable(FeedError, Unavailable):
    """A source did not answer, answered with an error, or said to come back later.

    ``retry_after_s`` is how long it asked to be left alone, None if it did not say.
    """

    code = "source-unavailable"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class MalformedDocument(FeedError, Malformed):
    """What a source sent is not the document that its standard describes."""

    code = "malformed-document"


class BadSource(FeedError, Malformed):
    """A source is described in a way that it cannot be asked."""

    code = "bad-source"


class MissingExtra(FeedError, Unavailable):
    """A kind of source needs a library that is not installed; the message says which extra brings it."""

    code = "missing-source-extra"
