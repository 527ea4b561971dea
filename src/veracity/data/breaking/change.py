"""One difference between two contracts, and for whom it matters."""

from dataclasses import dataclass
from typing import Literal

Breaks = Literal["readers", "senders", "no"]


@dataclass(frozen=True)
class Change:
    """A difference between two contracts of a feed.

    Attributes
    ----------
    kind
        What sort of change, such as ``column-removed`` or ``range-widened``.
    what
        The column, rule or setting.
    old, new
        As text for people; None where there is none.
    breaks
        ``readers``: a program that reads the table may go wrong, by an error or in silence.
        ``senders``: readings that were accepted are set aside, refused, or read as absent.
        ``no``: neither.
    why
        In plain words.
    """

    kind: str
    what: str
    old: str | None
    new: str | None
    breaks: Breaks
    why: str
