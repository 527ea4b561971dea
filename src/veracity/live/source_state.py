"""What sources remember, kept in ``sources.state.json`` so that a restart does not ask for all again.

The file only saves work: where it is lost or damaged, sources begin anew, and what comes twice is
recognised further on.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from veracity.feeds.source import Remembers, Source, Stream
from veracity.home.directory import usable, write_whole
from veracity.live.errors import DamagedState
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

FILE = "sources.state.json"
MAX_STATE_BYTES = 67_108_864
_SCHEMA = "veracity.sources-state/v1"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remembered:
    """What is kept of one source: its feed, when it was last asked with success, and its own memory."""

    feed: str
    asked_at: datetime | None = None
    memory: Mapping[str, Any] = field(default_factory=dict)


class SourceState:
    """The states of all sources, by name. Not safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._states = _read(path)

    def restore(self, source: Source | Stream) -> datetime | None:
        """Give a source its memory back; return when it was last asked, None for one that is new here.

        One that has another feed than before is new.
        """
        known = self._states.get(source.name)
        if known is None or known.feed != source.feed:
            return None
        if isinstance(source, Remembers):
            source.memory = dict(known.memory)
        return known.asked_at

    def keep(self, source: Source | Stream, asked_at: datetime) -> None:
        """Keep what a source remembers now; written when it returns. HomeUnusable if it cannot be.

        Where all of it is larger than is ever read, what was written last stays, and that is logged.
        """
        memory = dict(source.memory) if isinstance(source, Remembers) else {}
        self._states[source.name] = Remembered(source.feed, asked_at, memory)
        sources = {
            name: {
                "feed": state.feed,
                "asked_at": None if state.asked_at is None else state.asked_at.isoformat(),
                "memory": state.memory,
            }
            for name, state in sorted(self._states.items())
        }
        text = json.dumps({"schema": _SCHEMA, "sources": sources}).encode()
        if len(text) > MAX_STATE_BYTES:
            logger.error("%s: want at most %d bytes, got %d: not written", FILE, MAX_STATE_BYTES, len(text))
            return
        with usable(self._path.parent):
            write_whole(self._path, text)

    def forget_others(self, sources: list[Source | Stream]) -> None:
        """Forget sources that there are no longer, at the next ``keep``."""
        names = {source.name for source in sources}
        self._states = {name: state for name, state in self._states.items() if name in names}


def _read(path: Path) -> dict[str, Remembered]:
    try:
        with path.open("rb") as file:
            return _parse(file.read(MAX_STATE_BYTES + 1))
    except FileNotFoundError:
        return {}
    except (OSError, DamagedState) as exc:
        logger.warning("sources begin anew: %s", exc)
        return {}


def _parse(text: bytes) -> dict[str, Remembered]:
    document = Fields(parse_json(text, FILE, MAX_STATE_BYTES, DamagedState), FILE, DamagedState)
    document.choice("schema", [_SCHEMA])
    sources = document.take("sources")
    if not isinstance(sources, dict):
        raise document.fail("sources", "an object", sources)
    return {name: _remembered(value, name) for name, value in sources.items()}


def _remembered(value: Any, name: str) -> Remembered:
    fields = Fields(value, f"{FILE} {name[:60]}", DamagedState)
    memory, when = fields.take("memory"), fields.take("asked_at")
    if not isinstance(memory, dict):
        raise fields.fail("memory", "an object", memory)
    try:
        asked_at = None if when is None else datetime.fromisoformat(when)
    except (TypeError, ValueError) as exc:
        raise fields.fail("asked_at", "a time", when) from exc
    if asked_at is not None and asked_at.tzinfo is None:
        raise fields.fail("asked_at", "a time with an offset", when)
    return Remembered(fields.text("feed", 64), asked_at, memory)
