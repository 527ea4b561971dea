"""Structured logs: one JSON object a line on stderr."""

import json
import logging
import sys

from veracity.gateway.clock import format_ns

_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Writes a record of the log, and what it carries besides, as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": format_ns(int(record.created * 1e9)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _PLAIN},
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send the gateway's log to stderr, and of libraries what is a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("veracity").setLevel(level)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
