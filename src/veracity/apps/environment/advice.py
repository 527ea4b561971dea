"""What to do, in plain words: for each category, for everyone and for those whom bad air harms first.

The English follows the sense of tables 4 and 5 of Decision 1459/QĐ-TCMT and of EPA-454/B-24-002, table 5, in
shorter words. The Vietnamese and the Indonesian were written for this package and await a native reader.
Advice to the public is no medical advice to a person.
"""

from dataclasses import dataclass
from typing import Literal

from veracity.apps.environment.categories import Category
from veracity.models.app import Words

Group = Literal["everyone", "sensitive"]

WHO_IS_SENSITIVE: Words = {
    "en": "Children, older people, pregnant women, and people with asthma, lung or heart disease.",
    "vi": "Trẻ em, người cao tuổi, phụ nữ mang thai, người mắc hen suyễn, bệnh phổi hoặc bệnh tim.",
    "id": "Anak-anak, orang lanjut usia, ibu hamil, dan penderita asma, penyakit paru atau jantung.",
}


@dataclass(frozen=True)
class Advice:
    """Advice of one level.

    Attributes
    ----------
    action
        ``[a-z-]``, the code that decisions carry.
    everyone, sensitive
        What each should do.
    """

    action: str
    everyone: Words
    sensitive: Words


_ADVICE = (
    Advice(
        "enjoy",
        {
            "en": "The air is good. Enjoy being outside.",
            "vi": "Không khí tốt. Bạn có thể thoải mái hoạt động ngoài trời.",
            "id": "Udara baik. Silakan beraktivitas di luar ruangan.",
        },
        {
            "en": "The air is good. Enjoy being outside.",
            "vi": "Không khí tốt. Bạn có thể thoải mái hoạt động ngoài trời.",
            "id": "Udara baik. Silakan beraktivitas di luar ruangan.",
        },
    ),
    Advice(
        "watch-symptoms",
        {
            "en": "The air is acceptable. You can be outside as usual.",
            "vi": "Không khí ở mức chấp nhận được. Bạn có thể ra ngoài như bình thường.",
            "id": "Udara masih dapat diterima. Anda dapat beraktivitas di luar seperti biasa.",
        },
        {
            "en": "You can be outside. Watch for coughing or short breath, and rest if they come.",
            "vi": "Bạn vẫn có thể ra ngoài. Nếu ho hoặc khó thở, hãy nghỉ ngơi.",
            "id": "Anda boleh di luar. Perhatikan batuk atau sesak napas, dan beristirahatlah bila terjadi.",
        },
    ),
    Advice(
        "shorten-effort",
        {
            "en": (
                "If your eyes or throat hurt or you cough, spend less time outside. "
                "Make long exercise shorter."
            ),
            "vi": (
                "Nếu đau mắt, đau họng hoặc ho, hãy bớt thời gian ở ngoài trời. "
                "Rút ngắn việc tập luyện kéo dài."
            ),
            "id": (
                "Bila mata atau tenggorokan sakit atau batuk, kurangi waktu di luar. "
                "Persingkat olahraga yang lama."
            ),
        },
        {
            "en": "Do less hard work and spend less time outside. With asthma, keep your medicine with you.",
            "vi": "Giảm việc nặng và bớt thời gian ở ngoài trời. Người bị hen suyễn nên mang theo thuốc.",
            "id": "Kurangi kerja berat dan waktu di luar. Penderita asma sebaiknya membawa obat.",
        },
    ),
    Advice(
        "less-outside",
        {
            "en": "Avoid long or hard exercise outside. Rest more indoors.",
            "vi": "Tránh vận động mạnh hoặc kéo dài ngoài trời. Nghỉ ngơi trong nhà nhiều hơn.",
            "id": "Hindari olahraga lama atau berat di luar. Lebih banyak beristirahat di dalam.",
        },
        {
            "en": (
                "Stay indoors and take it easy. "
                "If you must go out, wear a well-fitting mask (N95, KF94 or FFP2)."
            ),
            "vi": (
                "Ở trong nhà và vận động nhẹ. "
                "Nếu phải ra ngoài, hãy đeo khẩu trang kín khít (N95, KF94 hoặc FFP2)."
            ),
            "id": (
                "Tetap di dalam dan jangan bekerja berat. "
                "Bila harus keluar, pakai masker rapat (N95, KF94, FFP2)."
            ),
        },
    ),
    Advice(
        "stay-in",
        {
            "en": (
                "Stay indoors as far as you can. "
                "If you must go out, wear a well-fitting mask (N95, KF94 or FFP2)."
            ),
            "vi": (
                "Hạn chế tối đa ra ngoài. "
                "Nếu phải ra ngoài, hãy đeo khẩu trang kín khít (N95, KF94 hoặc FFP2)."
            ),
            "id": (
                "Sedapat mungkin tetap di dalam. Bila harus keluar, pakai masker rapat (N95, KF94 atau FFP2)."
            ),
        },
        {
            "en": "Stay indoors with windows shut and take it easy. Call a doctor if you feel unwell.",
            "vi": "Ở trong nhà, đóng cửa sổ và vận động nhẹ. Nếu thấy không khỏe, hãy liên hệ bác sĩ.",
            "id": "Tetap di dalam dengan jendela tertutup. Hubungi dokter bila merasa tidak sehat.",
        },
    ),
    Advice(
        "emergency",
        {
            "en": (
                "Stay indoors with doors and windows shut. Go out only if you must, with a well-fitting mask."
            ),
            "vi": (
                "Ở trong nhà, đóng kín cửa ra vào và cửa sổ. "
                "Chỉ ra ngoài khi thật cần và đeo khẩu trang kín khít."
            ),
            "id": "Tetap di dalam, tutup pintu dan jendela. Keluar hanya bila terpaksa, dengan masker rapat.",
        },
        {
            "en": (
                "Stay indoors with doors and windows shut. "
                "If breathing is hard or your chest hurts, get help now."
            ),
            "vi": "Ở trong nhà, đóng kín cửa. Nếu khó thở hoặc đau ngực, hãy gọi cấp cứu ngay.",
            "id": (
                "Tetap di dalam, tutup pintu dan jendela. "
                "Bila sesak atau nyeri dada, segera minta pertolongan."
            ),
        },
    ),
)

UNKNOWN: Words = {
    "en": "We do not know how the air is here now: too few sensors report.",
    "vi": "Hiện chưa biết chất lượng không khí ở đây: có quá ít cảm biến gửi số liệu.",
    "id": "Mutu udara di sini saat ini belum diketahui: terlalu sedikit sensor yang melapor.",
}

NOT_SURE: Words = {
    "en": "This is an estimate. It could also be: {}.",
    "vi": "Đây là ước tính. Cũng có thể là: {}.",
    "id": "Ini perkiraan. Bisa juga: {}.",
}


def advice_of(category: Category) -> Advice:
    """Return the advice of a category, of either scale."""
    return _ADVICE[category.level - 1]


def actions() -> tuple[str, ...]:
    """Return the codes of all advice, the best air first."""
    return tuple(one.action for one in _ADVICE)
