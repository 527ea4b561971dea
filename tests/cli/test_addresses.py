"""Where servers listen, as options give it."""

from typing import Any

import click
import pytest

from veracity.cli.addresses import host_and_port, public_url

NOTHING: Any = None


@pytest.mark.parametrize(
    ("text", "want"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:0", ("::1", 0)), ("::1:80", ("::1", 80)), (None, None)],  # noqa: S104
)
def test_host_and_port(text: str | None, want: tuple[str, int] | None) -> None:
    """In two parts; brackets of IPv6 are no part of the host."""
    assert host_and_port(NOTHING, NOTHING, text) == want


@pytest.mark.parametrize(
    "text", ["", "80", ":80", "[]:80", "[::1", "::1]:80", "a:65536", "a:-1", "a:²", "a:"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """With what is wanted and what was got."""
    with pytest.raises(click.BadParameter, match="want HOST:PORT"):
        host_and_port(NOTHING, NOTHING, text)


@pytest.mark.parametrize("text", ["ftp://x", "https://x/", "x"])
def test_what_is_no_url_is_refused(text: str) -> None:
    """Readers could not follow it."""
    with pytest.raises(click.BadParameter, match="want https://HOST"):
        public_url(NOTHING, NOTHING, text)
