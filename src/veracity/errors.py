"""The errors this package raises on purpose.

Every error is two things: of an *area* (``LogError``, ``DataError`` …, declared in the
area's own ``errors.py``) and of a *kind*, declared here, which says what the caller can do
about it. Edges map kinds to exit codes and HTTP statuses in one table; cores never do.
"""


class VeracityError(Exception):
    """Root of every error this package raises on purpose.

    The message says what, wanted, got, in one line.
    """

    code = "error"  # stable: callers may match on it


class Malformed(VeracityError, ValueError):
    """The input is not what it says it is; nothing in it may be used."""

    code = "malformed"


class Rejected(VeracityError):
    """The input is well formed and the answer is no: a proof, a signature or a rule failed."""

    code = "rejected"


class Unavailable(VeracityError):
    """Something needed was out of reach: a file, a lock, a disk. Trying again may help."""

    code = "unavailable"
