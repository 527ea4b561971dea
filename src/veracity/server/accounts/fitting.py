"""What is well formed and does not fit what there is: 409, not a malformed request."""

from collections.abc import Iterator
from contextlib import contextmanager

from veracity.home.accounts.errors import DoesNotFit, MalformedAccount
from veracity.home.errors import UnknownAgency, UnknownFeed


@contextmanager
def fitting() -> Iterator[None]:
    """Raise ``DoesNotFit`` for an agency or feed that is not there, roles that are not had, one too many."""
    try:
        yield
    except (MalformedAccount, UnknownAgency, UnknownFeed) as exc:
        raise DoesNotFit(str(exc)) from exc
