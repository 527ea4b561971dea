"""The six categories of an air-quality index, as Vietnam's and the United States' name and colour them."""

from collections.abc import Sequence
from dataclasses import dataclass

from veracity.models.app import Words


@dataclass(frozen=True)
class Category:
    """A range of an index.

    Attributes
    ----------
    level
        From 1, the best, to 6.
    code
        ``[a-z-]``, the same in every language.
    low, high
        The index, whole numbers, both ends included.
    rgb
        Its colour, as the source gives it.
    words
        Its name for people.
    """

    level: int
    code: str
    low: int
    high: int
    rgb: tuple[int, int, int]
    words: Words

    @property
    def css(self) -> str:
        """The colour as CSS has it."""
        return "#" + "".join(f"{part:02x}" for part in self.rgb)


_COLOURS = ((0, 228, 0), (255, 255, 0), (255, 126, 0), (255, 0, 0), (143, 63, 151), (126, 0, 35))
_RANGES = ((0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500))


def _made(names: Sequence[tuple[str, str, str, str]]) -> tuple[Category, ...]:
    return tuple(
        Category(i + 1, code, *_RANGES[i], _COLOURS[i], {"en": en, "vi": vi, "id": id_})
        for i, (code, en, vi, id_) in enumerate(names)
    )


#: Decision 1459/QD-TCMT of 2019, table 1; the English and Indonesian names are ours.
VN_CATEGORIES = _made(
    (
        ("good", "Good", "Tốt", "Baik"),
        ("moderate", "Moderate", "Trung bình", "Sedang"),
        ("poor", "Poor", "Kém", "Kurang baik"),
        ("bad", "Bad", "Xấu", "Buruk"),
        ("very-bad", "Very bad", "Rất xấu", "Sangat buruk"),
        ("hazardous", "Hazardous", "Nguy hại", "Berbahaya"),
    )
)

#: EPA-454/B-24-002 (May 2024), tables 1 and 2; the Vietnamese and Indonesian names are ours.
US_CATEGORIES = _made(
    (
        ("good", "Good", "Tốt", "Baik"),
        ("moderate", "Moderate", "Trung bình", "Sedang"),
        (
            "unhealthy-for-sensitive-groups",
            "Unhealthy for sensitive groups",
            "Không tốt cho nhóm nhạy cảm",
            "Tidak sehat bagi kelompok sensitif",
        ),
        ("unhealthy", "Unhealthy", "Không tốt cho sức khỏe", "Tidak sehat"),
        ("very-unhealthy", "Very unhealthy", "Rất không tốt cho sức khỏe", "Sangat tidak sehat"),
        ("hazardous", "Hazardous", "Nguy hại", "Berbahaya"),
    )
)


def category_of(index: float, categories: tuple[Category, ...]) -> Category:
    """Return the category of an index; of one above 500, the last.

    Examples
    --------
    >>> category_of(100, VN_CATEGORIES).code, category_of(101, VN_CATEGORIES).code
    ('moderate', 'poor')
    """
    return next((c for c in categories if index <= c.high), categories[-1])
