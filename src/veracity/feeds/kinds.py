"""The kinds of sources there are, and how one is made from what ``sources.yaml`` says of it.

Each kind is a module with ``make(config: Fields) -> Source | Stream``. It takes its settings from ``config``
(``settings.read_common`` those that all have) and leaves names that it does not know to be refused here.
Modules are imported when a source of the kind is made, and say here which library of an extra they need.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from veracity.feeds.errors import BadSource, MissingExtra
from veracity.feeds.source import Source, Stream
from veracity.provenance.fields import Fields


@dataclass(frozen=True)
class Kind:
    """Where a kind is made, and the library, with the extra that brings it, which it cannot do without."""

    module: str
    library: str | None = None
    extra: str | None = None


KINDS = {
    "open-meteo": Kind("veracity.feeds.open_meteo"),
    "sensorthings": Kind("veracity.feeds.sensorthings_client"),
    "ngsi-ld": Kind("veracity.feeds.ngsi_ld"),
    "gtfs-realtime": Kind("veracity.feeds.gtfs_realtime", "google.transit", "transit"),
    "open311": Kind("veracity.feeds.open311"),
    "ocds": Kind("veracity.feeds.ocds"),
    "cap": Kind("veracity.feeds.cap"),
    "kafka": Kind("veracity.feeds.kafka_source", "aiokafka", "kafka"),
}


def make_source(value: Any, where: str = "source") -> Source | Stream:
    """Make a source from what is said of it, an object with ``kind``, ``name``, ``feed`` and more.

    Raises
    ------
    BadSource
        If a setting is missing, wrong or unknown.
    MissingExtra
        If the kind needs a library that is not installed.
    """
    config = Fields(value, where, BadSource)
    name = config.choice("kind", KINDS)
    kind = KINDS[name]
    if kind.library is not None and not _is_there(kind.library):
        raise MissingExtra(
            f'{where} of kind {name}: want {kind.library} installed (pip install "veracity[{kind.extra}]"),'
            " got none"
        )
    made: Source | Stream = import_module(kind.module).make(config)
    config.done()
    return made


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # not even the package it is in
        return False
