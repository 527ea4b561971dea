"""HTML from outside text."""

import pytest

from veracity.pages.html import fitting, shown, tag, trusted

HOSTILE = [
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    '" onload="alert(1)',
    "' onload='alert(1)",
    "&lt;b&gt;",
    "]]><svg/onload=alert(1)>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(text: str) -> None:
    """No text can open a tag or leave an attribute, wherever it stands."""
    made = tag("p", text, title=text)
    inside = made.removeprefix('<p title="').removesuffix("</p>")
    assert inside.count('"') == 1
    assert "<" not in inside
    assert "'" not in inside


def test_marks_that_turn_text_around_are_shown() -> None:
    """Control characters, bidirectional marks and halves of surrogate pairs are written as codes."""
    made = tag("p", "a\x00b\x1b\u202ec\u2066d\ud800e\r")
    assert made == "<p>a\\u0000b\\u001b\\u202ec\\u2066d\\ud800e\\u000d</p>"
    made.encode()


@pytest.mark.parametrize("most", range(2, 30))
def test_shown_is_never_longer(most: int) -> None:
    """What is shown has at most so many characters, and no code in it is cut in half."""
    text = shown("ab\x1b" * 9, most)
    assert len(text) <= most
    assert text.endswith("…")
    assert text.removesuffix("…").replace("ab\\u001b", "").replace("ab", "") in ("", "a")


def test_short_text_is_shown_whole() -> None:
    """Text that fits is not cut."""
    assert shown("Trạm Hải Châu", 13) == "Trạm Hải Châu"


def test_fitting_counts_bytes() -> None:
    """Parts are taken while their bytes in UTF-8 fit, not their characters."""
    parts = [trusted("é" * 10)] * 3
    assert [len(fitting(parts, n)) for n in (19, 20, 59, 60)] == [0, 1, 2, 3]
