"""Model cards of a home: computed, kept by digest, and held against the evidence they were computed from."""

from collections.abc import Callable, Sequence

from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.models.facts import gather
from veracity.home.models.gate_checks import card_path, check_card_kept
from veracity.home.models.registry import ModelRow, find_model, load_model
from veracity.models.app import App
from veracity.models.card import Card, Words, parse_card
from veracity.models.card_truth import Difference, check_card, make_card, staleness
from veracity.models.description import Description
from veracity.models.facts import Known

FindApp = Callable[[str], App]  #: an app by its name; raises our own error for one that there is not


def known_of(home: Home, find_app: FindApp, model: str) -> Known:
    """Return what is known now of a model, by name or by the beginning of its digest.

    Raises
    ------
    UnknownModel, ModelAltered
        If there is no such model, or its files are not as they were signed.
    BadName
        If it was made for no app: a card is of a system's model.
    """
    row = find_model(home, model)
    return gather(home, _app_of(home, find_app, row), row)


def make(home: Home, find_app: FindApp, model: str, words: Sequence[Words] = ()) -> Card:
    """Compute the card of a model with what people add; CardDenied if their words claim what is not so."""
    return make_card(known_of(home, find_app, model), words)


def keep(home: Writer, card: Card) -> str:
    """Put a card into the store; return its digest."""
    home.objects.put(card_path(card.sha256), card.format())
    return card.sha256


def read(home: Home, sha256: str) -> Card:
    """Return a card kept; CardRejected if the store has none of that digest."""
    return parse_card(check_card_kept(home, sha256))


def differences(home: Home, find_app: FindApp, card: Card) -> list[Difference]:
    """Return where a card says other than the evidence did at the size of the log that the card is of.

    Raises
    ------
    BadName
        If the card is of another log, or of a size that this log has not reached.
    """
    if card.origin != home.directory.origin:
        raise BadName(f"card: want one of the log {home.directory.origin}, got one of {card.origin[:80]}")
    row = find_model(home, card.model_sha256)
    return check_card(card, gather(home, find_app(card.system), row, card.size))


def check(home: Home, find_app: FindApp, text: bytes) -> list[str]:
    """Return a line for each fact of a card that the evidence denies: what the release gate asks.

    Raises
    ------
    MalformedCard
        If it is no card.
    """
    return [str(d) for d in differences(home, find_app, parse_card(text))]


def stale(home: Home, find_app: FindApp, card: Card) -> list[Difference]:
    """Return the facts of a card that are no longer so."""
    row = find_model(home, card.model_sha256)
    return staleness(card, gather(home, find_app(card.system), row))


def _app_of(home: Home, find_app: FindApp, row: ModelRow) -> App:
    system = Description.of(load_model(home, row.sha256)).system
    if system is None:
        raise BadName(f"model {row.train.name}: want one made for an app, got one made for none")
    return find_app(system)
