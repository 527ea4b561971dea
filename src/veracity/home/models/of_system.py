"""What the log says of one system: its runs, scorings, overrides and releases, in their order."""

from typing import Any

from veracity.home.home import Home


def said_of(home: Home, kind: str, system: str) -> list[tuple[int, dict[str, Any]]]:
    """Return (index, predicate) of a system's statements of a kind, in log order."""
    return [(idx, p) for idx, p in home.index.predicates(kind) if p.get("system") == system]
