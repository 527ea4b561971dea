"""Objects of the store read only if they are no larger than what they can be."""

from veracity.errors import Rejected
from veracity.home.errors import HomeError
from veracity.home.home import Home

MAX_TEXT_BYTES = 16_777_216  #: of a card, a report or a policy
MAX_ROWS_BYTES = 1_073_741_824  #: of a file of rows


class ObjectTooLarge(HomeError, Rejected):
    """An object in the store is larger than any of its kind can be: it is not what was put there."""

    code = "object-too-large"


def get_bounded(home: Home, path: str, most_bytes: int) -> bytes:
    """Return an object of at most so many bytes.

    Raises
    ------
    ObjectMissing
        If there is none.
    ObjectTooLarge
        If it is larger: nothing of it is read.
    """
    if (size := home.objects.size(path)) > most_bytes:
        raise ObjectTooLarge(f"{path}: want at most {most_bytes:,} bytes, got {size:,}")
    return home.objects.get(path)
