"""One contradiction."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contradiction:
    """A statement that cannot be true beside what the log said before.

    ``what`` is a stable code (see ``docs/monitor.md``), ``against`` the log index of the statement
    that it contradicts, None where it is none in particular.
    """

    what: str
    detail: str
    against: int | None = None
