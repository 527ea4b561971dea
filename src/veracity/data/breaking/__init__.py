"""What a change of contract breaks: for those who read the table, and for those who send to it."""

from veracity.data.breaking.change import Breaks, Change
from veracity.data.breaking.compare import breaks_readers, compare, needs_new_feed
from veracity.data.breaking.version import Bump, bump_deserved, bump_made, obeys

__all__ = [
    "Breaks",
    "Bump",
    "Change",
    "breaks_readers",
    "bump_deserved",
    "bump_made",
    "compare",
    "needs_new_feed",
    "obeys",
]
