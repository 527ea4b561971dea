"""The page of ``veracity feed check``: what would become of files, with pictures.

One file of HTML without scripts, fonts, links to elsewhere or anything to load. It is below a
million bytes whatever was checked: each section has so many bytes, fills them with what matters
most, and says what it leaves out. The same survey gives the same bytes.
"""

from collections.abc import Callable

from veracity.data.survey.survey import Survey
from veracity.pages.check_distributions import distributions
from veracity.pages.check_flagged import flagged
from veracity.pages.check_gaps import gaps
from veracity.pages.check_head import head
from veracity.pages.check_rules import rules
from veracity.pages.document import document
from veracity.pages.html import Html, shown, tag

PAGE_BYTES = 1_000_000
_SECTIONS: tuple[tuple[str, str, Callable[[Survey, int], Html], int], ...] = (
    ("rules", "Rules that rows broke", rules, 220_000),
    ("gaps", "Gaps", gaps, 220_000),
    ("distributions", "Distributions", distributions, 220_000),
    ("flagged", "Flagged points, rule by rule", flagged, 260_000),
)
HEAD_BYTES = 60_000


def check_page(survey: Survey) -> bytes:
    """Return the page as UTF-8, at most ``PAGE_BYTES``."""
    sections = [
        tag("section", tag("h2", title, id=name), write(survey, most), aria_labelledby=name)
        for name, title, write, most in _SECTIONS
    ]
    links = [tag("a", title, href=f"#{name}") for name, title, _, _ in _SECTIONS]
    title = f"Check of {survey.contract.feed} {shown(survey.contract.version, 40)}"
    nav = tag("nav", *links, aria_label="Sections")
    page = document(title, head(survey, HEAD_BYTES), nav, *sections)
    assert len(page) <= PAGE_BYTES, "the sections keep to their bytes"
    return page
