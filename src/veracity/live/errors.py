"""Errors of the running city."""

from veracity.errors import Malformed, Unavailable, VeracityError


class LiveError(VeracityError):
    """Root of the errors of ``live``."""

    code = "live-error"


class ForeignSubject(LiveError, Malformed):
    """A message came on a subject that is of no feed."""

    code = "foreign-subject"


class BrokerUnavailable(LiveError, Unavailable):
    """The broker cannot be started or reached, or does not answer."""

    code = "broker-unavailable"


class BrokerFull(LiveError, Unavailable):
    """The broker takes no more: who published keeps the message and tries again."""

    code = "broker-full"


class DamagedDocument(LiveError, Malformed):
    """A document that is kept is not the one of its digest."""

    code = "damaged-document"


class DamagedState(LiveError, Malformed):
    """The file of what sources remember is none."""

    code = "damaged-state"


class CannotStart(LiveError, Unavailable):
    """A program that is needed is not there or cannot be started."""

    code = "cannot-start"


class AlreadyUp(LiveError, Unavailable):
    """The city runs already: another process has its broker."""

    code = "already-up"


class UnknownDevice(LiveError, Malformed):
    """The broker lets no device of this name in."""

    code = "unknown-device"


class MalformedCredentials(LiveError, Malformed):
    """The file of who may connect is none."""

    code = "malformed-credentials"
