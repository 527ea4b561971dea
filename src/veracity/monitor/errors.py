"""Errors of following a log."""

from veracity.errors import Malformed, Unavailable, VeracityError


class MonitorError(VeracityError):
    """Root of the errors of ``monitor``."""

    code = "monitor-error"


class MalformedMonitorState(MonitorError, Malformed):
    """The file is not a monitor's memory, not this log's, or damaged. Another file begins anew."""

    code = "malformed-monitor-state"


class MalformedMisbehaviour(MonitorError, Malformed):
    """The file is not evidence of a log's misbehaviour."""

    code = "malformed-misbehaviour"


class UnknownFinding(MonitorError, Malformed):
    """No open finding has this name."""

    code = "unknown-finding"


class MonitorUnusable(MonitorError, Unavailable):
    """The monitor's own file or port cannot be used: rights, disk, another monitor."""

    code = "monitor-unusable"
