"""What the running city says: lines for people on a terminal, or one JSON object a line for programs.

Times are those of the machine, also where the city's own time is simulated.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

MAX_MESSAGE_CHARS = 4_000
_LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error"}


def fields(**values: Any) -> dict[str, Any]:
    """Return what ``extra`` takes, so that a line carries these values by name.

    Examples
    --------
    >>> fields(feed="air", n_records=3)
    {'fields': {'feed': 'air', 'n_records': 3}}
    """
    return {"fields": values}


class JsonLines(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``area``, ``message``, and ``fields`` if there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, in ASCII, whatever is in the message."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": _level(record),
            "area": _area(record.name),
            "message": _message(self, record),
        }
        given = getattr(record, "fields", None)
        if given:
            line["fields"] = given
        return json.dumps(line, default=str)


class PlainLines(logging.Formatter):
    """A line for people; what would move a terminal's cursor is shown as its code."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        given = getattr(record, "fields", {})
        told = "".join(f"  {name}={value}" for name, value in given.items())
        level = "" if record.levelno <= logging.INFO else f" {_level(record).upper()}"
        line = f"{_time(record)[11:19]}{level} {_area(record.name)}: {_message(self, record)}{told}"
        return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)


def configure(*, as_json: bool, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Have everything that is logged in this process written to standard error, one line each."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # of libraries
    logging.getLogger("veracity").setLevel(level)


def _time(record: logging.LogRecord) -> str:
    stamp = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    return stamp.isoformat(timespec="milliseconds") + "Z"


def _level(record: logging.LogRecord) -> str:
    return _LEVELS.get(record.levelno, record.levelname.lower())


def _area(name: str) -> str:
    return name.removeprefix("veracity.")


def _message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + formatter.formatException(record.exc_info)
    return text[:MAX_MESSAGE_CHARS]
