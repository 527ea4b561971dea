"""A model card as the gate takes it in: kept by its digest, its facts held against the evidence."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from veracity.feeds.file_info import read_file
from veracity.home.home import Home, Writer
from veracity.home.models.gate_checks import CheckCard, card_path
from veracity.models.app import App

MAX_CARD_BYTES = 4_194_304


def keep_card(home: Writer, path: Path) -> str:
    """Put a card's file into the store as it is, and return its digest."""
    text = read_file(path, MAX_CARD_BYTES)
    digest = sha256(text).hexdigest()
    home.objects.put(card_path(digest), text)
    return digest


def check_card(find: Callable[[str], App]) -> CheckCard:
    """Return what compares a card with the evidence; ``find`` returns an app by its name."""

    def check(home: Home, text: bytes) -> Sequence[str]:
        raise NotImplementedError

    return check
