"""What the app says of itself to people, in English, Vietnamese and Indonesian.

The Vietnamese and Indonesian texts await a native reader: ``docs/environment.md`` says so.
"""

from typing import Literal

from veracity.models.app import Words

Risk = Literal["low", "medium", "high"]

TITLE: Words = {
    "en": "Air quality: now and the next two days",
    "vi": "Chất lượng không khí: hiện tại và hai ngày tới",
    "id": "Kualitas udara: saat ini dan dua hari ke depan",
}
PURPOSE: Words = {
    "en": (
        "Says how clean the air is at each station, how it will be in the next 48 hours, how sure "
        "that is, and what people may do to protect themselves. It advises; it closes no street and "
        "fines nobody."
    ),
    "vi": (
        "Cho biết không khí tại từng trạm sạch đến mức nào, sẽ ra sao trong 48 giờ tới, mức độ chắc "
        "chắn, và người dân có thể làm gì để tự bảo vệ. Hệ thống chỉ khuyến cáo; không cấm đường và "
        "không xử phạt ai."
    ),
    "id": (
        "Menyatakan seberapa bersih udara di tiap stasiun, bagaimana 48 jam ke depan, seberapa pasti, "
        "dan apa yang dapat dilakukan warga untuk melindungi diri. Sistem ini memberi saran; tidak "
        "menutup jalan dan tidak mendenda siapa pun."
    ),
}
AFFECTED: Words = {
    "en": (
        "Everybody who breathes the city's air; above all children, older people, pregnant women, "
        "people with asthma, heart or lung disease, and those who work outdoors."
    ),
    "vi": (
        "Mọi người hít thở không khí của thành phố; trước hết là trẻ em, người cao tuổi, phụ nữ mang "
        "thai, người mắc hen, bệnh tim hoặc bệnh phổi, và người làm việc ngoài trời."
    ),
    "id": (
        "Semua orang yang menghirup udara kota; terutama anak-anak, lansia, ibu hamil, penderita "
        "asma, penyakit jantung atau paru-paru, dan mereka yang bekerja di luar ruangan."
    ),
}
APPEAL: Words = {
    "en": (
        "Tell the owner which station, which hour and what was wrong. Every forecast is logged before "
        "its outcome is known, so it can be looked up and cannot be changed. The answer, and what was "
        "corrected, is kept in the public register as an incident."
    ),
    "vi": (
        "Hãy báo cho cơ quan phụ trách trạm nào, giờ nào và điều gì sai. Mỗi dự báo được ghi lại "
        "trước khi biết kết quả, nên có thể tra cứu và không thể bị sửa. Câu trả lời và việc khắc "
        "phục được lưu trong sổ đăng ký công khai như một sự cố."
    ),
    "id": (
        "Sampaikan kepada pengelola stasiun mana, jam berapa dan apa yang salah. Setiap prakiraan "
        "dicatat sebelum hasilnya diketahui, sehingga dapat diperiksa dan tidak dapat diubah. Jawaban "
        "dan perbaikannya disimpan dalam daftar publik sebagai insiden."
    ),
}
RISK: tuple[Risk, str] = (
    "medium",
    (
        "Advice on health that people may follow, given to the public in the city's name; it decides nothing"
        " about any person, uses no personal data, and a wrong forecast can be seen and is scored in public."
    ),
)
BY_MODEL: Words = {
    "en": "Forecast by the released model from what was measured in the last hours.",
    "vi": "Dự báo bằng mô hình đã được phê duyệt, từ số liệu đo trong những giờ gần nhất.",
    "id": "Prakiraan oleh model yang telah disetujui, dari hasil pengukuran beberapa jam terakhir.",
}
BY_NEIGHBOURS: Words = {
    "en": "Not measured here at this hour: estimated from the other stations and from earlier hours.",
    "vi": "Giờ này trạm không có số đo: giá trị được ước tính từ các trạm khác và các giờ trước.",
    "id": "Tidak terukur di sini pada jam ini: diperkirakan dari stasiun lain dan jam-jam sebelumnya.",
}
BY_SEASON: Words = {
    "en": (
        "Recent measurements are missing, or no model is in force: the same hours of the days before "
        "are shown."
    ),
    "vi": (
        "Thiếu số đo gần đây hoặc chưa có mô hình được phê duyệt: hiển thị giá trị cùng giờ của những "
        "ngày trước."
    ),
    "id": (
        "Pengukuran terbaru tidak ada, atau tidak ada model yang berlaku: ditampilkan jam yang sama "
        "pada hari-hari sebelumnya."
    ),
}
BY_CLIMATE: Words = {
    "en": (
        "Nothing was measured here for more than a day: what is usual at this hour is shown, with a "
        "wide range."
    ),
    "vi": (
        "Hơn một ngày không có số đo tại đây: hiển thị mức thường gặp vào giờ này, với khoảng dao động rộng."
    ),
    "id": (
        "Tidak ada pengukuran di sini lebih dari sehari: ditampilkan nilai yang biasa pada jam ini, "
        "dengan rentang lebar."
    ),
}
UNKNOWN: Words = {
    "en": "We do not know: nothing was measured here for weeks. No forecast and no advice is given.",
    "vi": "Không rõ: nhiều tuần không có số đo tại đây. Không đưa ra dự báo hay khuyến cáo.",
    "id": (
        "Tidak diketahui: tidak ada pengukuran di sini selama berminggu-minggu. Tidak ada prakiraan "
        "atau saran."
    ),
}
