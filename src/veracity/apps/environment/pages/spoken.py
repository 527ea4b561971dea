from veracity.apps.environment.limits import CATEGORIES
from veracity.pages.html import Html, tag

_NAMES = {
    "good": {"en": "Good", "vi": "Tốt", "id": "Baik"},
    "moderate": {"en": "Moderate", "vi": "Trung bình", "id": "Sedang"},
    "poor": {"en": "Poor", "vi": "Kém", "id": "Kurang sehat"},
    "bad": {"en": "Bad", "vi": "Xấu", "id": "Tidak sehat"},
    "very-bad": {"en": "Very bad", "vi": "Rất xấu", "id": "Sangat tidak sehat"},
    "hazardous": {"en": "Hazardous", "vi": "Nguy hại", "id": "Berbahaya"},
}


def category_name(code: str, lang: str) -> str:
    return _NAMES[code][lang]


def spoken(code: str, lang: str) -> Html:
    return tag("p", "TODO advice")
