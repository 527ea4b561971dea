"""Errors of the stores; what they say while in use are the two of ``log.doors``."""

from veracity.errors import Malformed
from veracity.log.errors import LogError, StoreUnavailable


class BadLocation(LogError, Malformed):
    """The text says no place for a log or its state. It is not repeated: it may hold a secret."""

    code = "bad-location"


class LockLost(StoreUnavailable):
    """The session that held the lock of a database has ended: another may write by now, we must not."""

    code = "lock-lost"
