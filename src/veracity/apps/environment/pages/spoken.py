"""What people are told, as HTML in one language: for everyone and for those whom bad air harms first."""

from veracity.apps.environment.advice import WHO_IS_SENSITIVE, advice_of
from veracity.apps.environment.categories import VN_CATEGORIES
from veracity.models.app import Language
from veracity.pages.html import Html, joined, tag

LANGUAGES: dict[Language, str] = {"en": "English", "vi": "Tiếng Việt", "id": "Bahasa Indonesia"}


def category_name(place: int, language: Language = "en") -> str:
    """Return the name of VN_AQI's category at a place, from 0."""
    return VN_CATEGORIES[place].words[language]


def spoken(place: int, language: Language) -> Html:
    """Return the advice of a category."""
    advice = advice_of(VN_CATEGORIES[place])
    everyone, sensitive = advice.everyone[language], advice.sensitive[language]
    if everyone == sensitive:
        return tag("p", everyone)
    who = tag("span", WHO_IS_SENSITIVE[language], class_="soft")
    return joined([tag("p", everyone), tag("p", who, " ", tag("b", sensitive))])
