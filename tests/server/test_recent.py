"""Answers kept for a few seconds: not longer, and not too many."""

from functools import partial

from veracity.server import recent
from veracity.server.recent import Recent


def test_kept_for_seconds() -> None:
    """Made once, again when it is old; the oldest of too many go."""
    now, made = [0.0], list[str]()
    keeper = Recent(10.0, lambda: now[0])

    def make(name: str) -> str:
        made.append(name)
        return name

    for at, name in ((0.0, "a"), (10.0, "a"), (10.1, "a"), (10.1, "b")):
        now[0] = at
        assert keeper.kept(name, partial(make, name)) == name
    assert made == ["a", "a", "b"]
    for number in range(recent.MAX_KEPT):
        keeper.kept(number, lambda: 0)
    keeper.kept("a", partial(make, "a"))
    assert made == ["a", "a", "b", "a"]
