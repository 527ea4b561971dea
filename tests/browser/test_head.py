"""The head of every page on narrow phones: nothing in it is cut, lies over another part, or sticks out."""

from typing import Any

import pytest

from recorded_city import RecordedCity

#: Boxes that are narrower than what they show, parts that overlap, parts beyond the page's edge.
FAULTS = """() => {
    const head = document.querySelector('header.top'), faults = [];
    const edge = document.documentElement.clientWidth;
    for (const box of head.querySelectorAll('select')) {
        const style = getComputedStyle(box), whole = document.createElement('select');
        const {font, padding, fieldSizing} = style;
        Object.assign(whole.style, {position: 'absolute', font, padding, fieldSizing});
        whole.append(new Option(box.selectedOptions[0].textContent));
        document.body.append(whole);
        const want = whole.getBoundingClientRect().width;
        whole.remove();
        const got = box.getBoundingClientRect().width;
        if (got + 0.5 < want) faults.push(`${box.value} is cut: ${got} of ${want}`);
    }
    const parts = [...head.querySelectorAll('.brand > *, .live .dot, .who, select, nav a')];
    const places = parts.map(part => part.getBoundingClientRect());
    parts.forEach((part, i) => {
        const a = places[i], name = part.textContent.slice(0, 20) || part.className;
        if (a.left < 0 || a.right > edge + 0.5) faults.push(`${name} is beyond the edge`);
        if (part.scrollWidth > part.clientWidth + 1 && part.matches('a, span')) faults.push(`${name} is cut`);
        places.forEach((b, j) => {
            if (i >= j) return;
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            const other = parts[j].textContent.slice(0, 20);
            if (across > 0.5 && down > 0.5) faults.push(`${name} lies over ${other}`);
        });
    });
    return faults;
}"""


@pytest.mark.parametrize("language", ["en", "vi", "id"])
@pytest.mark.parametrize("size", ["100%", "200%"])
@pytest.mark.parametrize("width", [320, 360, 390, 400, 641, 800])
def test_the_head_is_whole(city: RecordedCity, tab: Any, width: int, size: str, language: str) -> None:
    """The language and the colours can be read in their boxes, whichever is chosen and however large."""
    page = tab(viewport={"width": width, "height": 700}, locale=language)
    page.goto(f"{city.url}/#/verify")
    page.wait_for_selector("main h1")
    page.wait_for_selector("header .who")
    page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
    assert page.evaluate(FAULTS) == []
    for theme in ("light", "dark"):
        page.locator("header select").last.select_option(theme)
        assert page.evaluate(FAULTS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
