"""Whether what a home holds is simulated, from what its log says of its contracts."""

from veracity.home.home import Home


def is_simulated(home: Home, feed: str | None = None, *, agency: str | None = None) -> bool:
    """Tell from the statements whether any feed is simulated: one feed, an agency's, or any of all."""
    said = home.index.predicates("contract", feed)
    return any(p["simulated"] is True for _, p in said if agency is None or p["agency"] == agency)
