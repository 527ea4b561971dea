"""The one table from kinds of error to exit codes."""

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError

UNREACHED = 4
EXIT_CODES: list[tuple[type[Exception], int]] = [
    (Rejected, 1),  # done; the answer is no
    (Malformed, 3),  # malformed input
    (Unavailable, UNREACHED),  # something needed was out of reach; trying again may help
]
USAGE, INTERRUPTED, BUG = 2, 130, 70


def exit_code(error: VeracityError) -> int:
    """Return the exit code of an error by its kind."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
