"""Sentences that say why a row is not as it should be: English, Vietnamese, Indonesian.

One tuple a sentence, with named places that ``words`` fills. By the kind of the reason, and after
a dot by what the rule's settings make of it.
"""

from collections.abc import Mapping

Sentence = tuple[str, str, str]

SENTENCES: Mapping[str, Sentence] = {
    "type.number": ("{x} is not a number", "{x} không phải là số", "{x} bukan angka"),
    "type.integer": ("{x} is not a whole number", "{x} không phải là số nguyên", "{x} bukan bilangan bulat"),
    "type.boolean": (
        "{x} is neither yes nor no",
        "{x} không phải là có hoặc không",
        "{x} bukan ya atau tidak",
    ),
    "type.timestamp": (
        "{x} cannot be read as a time",
        "{x} không đọc được thành ngày giờ",
        "{x} tidak terbaca sebagai waktu",
    ),
    "type.date": (
        "{x} cannot be read as a date",
        "{x} không đọc được thành ngày",
        "{x} tidak terbaca sebagai tanggal",
    ),
    "type.string": ("{x} cannot be read", "{x} không đọc được", "{x} tidak terbaca"),
    "required": ("{x} is missing", "thiếu {x}", "{x} tidak ada"),
    "range": ("{x} is {bounds}", "{x} {bounds}", "{x} {bounds}"),
    "pattern": (
        "{x} is not written in the agreed form",
        "{x} không được viết theo mẫu đã thống nhất",
        "{x} tidak ditulis dalam bentuk yang disepakati",
    ),
    "length": ("{x} has {bounds} characters", "{x} có {bounds} ký tự", "{x} memiliki {bounds} karakter"),
    "enum": (
        "{x} is not {values}",
        "{x} không phải là {values}",
        "{x} bukan {values}",
    ),
    "future": (
        "{x} is more than {tolerance} later than when the record was received",
        "{x} muộn hơn lúc nhận bản ghi quá {tolerance}",
        "{x} lebih dari {tolerance} setelah catatan diterima",
    ),
    "duplicate-key": (
        "an earlier record has the same {key}",
        "đã có một bản ghi trước đó với cùng {key}",
        "sudah ada catatan sebelumnya dengan {key} yang sama",
    ),
    "repeated-row": (
        "the very same record came before",
        "bản ghi y hệt đã được gửi trước đó",
        "catatan yang persis sama sudah diterima sebelumnya",
    ),
    "order": (
        "the reading came after a newer one of the same sensor",
        "số đo đến sau một số đo mới hơn của cùng cảm biến",
        "pembacaan datang setelah pembacaan yang lebih baru dari sensor yang sama",
    ),
    "order.tolerance": (
        "the reading is more than {tolerance} older than one that came before it from the same sensor",
        "số đo cũ hơn quá {tolerance} so với một số đo đã đến trước đó của cùng cảm biến",
        "pembacaan lebih tua dari {tolerance} dibanding pembacaan yang sudah datang dari sensor yang sama",
    ),
    "gap": (
        "before this the sensor gave no {x} for more than {longest}; it should every {every}",
        "trước đó cảm biến không gửi {x} trong hơn {longest}; đúng ra cứ mỗi {every} phải gửi",
        "sebelum ini sensor tidak mengirim {x} selama lebih dari {longest}; seharusnya setiap {every}",
    ),
    "freshness": (
        "the sensor has sent nothing for more than {longest}",
        "cảm biến không gửi gì trong hơn {longest}",
        "sensor tidak mengirim apa pun selama lebih dari {longest}",
    ),
    "rate.both": (
        "{x} changed faster than {rise} per {per}",
        "{x} thay đổi nhanh hơn {rise} mỗi {per}",
        "{x} berubah lebih cepat dari {rise} per {per}",
    ),
    "rate.rise": (
        "{x} rose faster than {rise} per {per}",
        "{x} tăng nhanh hơn {rise} mỗi {per}",
        "{x} naik lebih cepat dari {rise} per {per}",
    ),
    "rate.fall": (
        "{x} fell faster than {fall} per {per}",
        "{x} giảm nhanh hơn {fall} mỗi {per}",
        "{x} turun lebih cepat dari {fall} per {per}",
    ),
    "rate.each": (
        "{x} rose faster than {rise} or fell faster than {fall} per {per}",
        "{x} tăng nhanh hơn {rise} hoặc giảm nhanh hơn {fall} mỗi {per}",
        "{x} naik lebih cepat dari {rise} atau turun lebih cepat dari {fall} per {per}",
    ),
    "stuck": (
        "{x} stayed exactly the same for longer than is plausible for this sensor",
        "{x} giữ nguyên một giá trị lâu hơn mức hợp lý đối với cảm biến này",
        "{x} tetap pada nilai yang sama lebih lama dari yang wajar bagi sensor ini",
    ),
    "stuck.longest": (
        "{x} stayed exactly the same for more than {longest}",
        "{x} giữ nguyên một giá trị trong hơn {longest}",
        "{x} tetap pada nilai yang sama selama lebih dari {longest}",
    ),
    "spike": (
        "{x} leapt far away from the sensor's last {n} readings",
        "{x} nhảy vọt xa khỏi {n} số đo gần nhất của cảm biến",
        "{x} melonjak jauh dari {n} pembacaan terakhir sensor",
    ),
    "noise": (
        "the last {n} readings of {x} scatter more than {times} times as much as is usual for the sensor",
        "{n} số đo {x} gần nhất dao động mạnh hơn {times} lần so với mức thường thấy của cảm biến",
        "{n} pembacaan {x} terakhir berfluktuasi lebih dari {times} kali kebiasaan sensor",
    ),
    "noise.both": (
        "the last {n} readings of {x} scatter over {times} times more, or less, than is usual for the sensor",
        "{n} số đo {x} gần nhất dao động mạnh hơn hoặc yếu hơn {times} lần so với mức thường thấy",
        "{n} pembacaan {x} terakhir berfluktuasi {times} kali lebih besar, atau lebih kecil, dari biasanya",
    ),
    "shift": (
        "{x} jumped to another level and has stayed there for {n} readings",
        "{x} nhảy sang một mức khác và ở mức đó suốt {n} số đo",
        "{x} melompat ke tingkat lain dan bertahan di sana selama {n} pembacaan",
    ),
    "shift.least": (
        "{x} jumped by {least} or more and has stayed there for {n} readings",
        "{x} nhảy từ {least} trở lên và ở mức mới suốt {n} số đo",
        "{x} melompat {least} atau lebih dan bertahan di sana selama {n} pembacaan",
    ),
    "drift": (
        "{x} has crept in one direction throughout the last {n} readings",
        "{x} trôi dần về một phía suốt {n} số đo gần nhất",
        "{x} bergeser perlahan ke satu arah selama {n} pembacaan terakhir",
    ),
    "drift.neighbours": (
        "{x} has crept away from what the sensors within {km} km measure, throughout the last {n} readings",
        "{x} trôi dần khỏi mức của các cảm biến trong vòng {km} km suốt {n} số đo gần nhất",
        "{x} bergeser perlahan dari sensor dalam jarak {km} km selama {n} pembacaan terakhir",
    ),
    "drift.reference": (
        "{x} has crept away from what sensor {sensor} measures, throughout the last {n} readings",
        "{x} trôi dần khỏi mức của cảm biến {sensor} suốt {n} số đo gần nhất",
        "{x} bergeser perlahan dari sensor {sensor} selama {n} pembacaan terakhir",
    ),
    "reference": (
        "{x} less that of sensor {sensor} is {bounds}",
        "{x} trừ đi mức của cảm biến {sensor} {bounds}",
        "{x} dikurangi milik sensor {sensor} {bounds}",
    ),
    "neighbours": (
        "{x} differs more than usual from what the sensors within {km} km measure",
        "{x} lệch hơn thường lệ so với các cảm biến trong vòng {km} km",
        "{x} menyimpang lebih dari biasanya dari sensor dalam jarak {km} km",
    ),
    "misplaced": (
        "{x} does not rise and fall with the sensors within {km} km of the position given",
        "{x} không tăng giảm cùng các cảm biến trong vòng {km} km quanh vị trí đã khai",
        "{x} tidak naik turun bersama sensor dalam jarak {km} km dari posisi yang dinyatakan",
    ),
    "alone": (
        "fewer than {n} other sensors stand within {km} km of the position given",
        "trong vòng {km} km quanh vị trí đã khai có ít hơn {n} cảm biến khác",
        "kurang dari {n} sensor lain berada dalam jarak {km} km dari posisi yang dinyatakan",
    ),
    "unit": (
        "{x} looks as if it were in {others}, not in {unit}",
        "{x} có vẻ được ghi bằng {others} chứ không phải {unit}",
        "{x} tampaknya dalam {others}, bukan {unit}",
    ),
    "unit-column": (
        "the record gives {x} in another unit than {unit}",
        "bản ghi cho {x} bằng một đơn vị khác {unit}",
        "catatan memberi {x} dalam satuan selain {unit}",
    ),
    "inside.box": (
        "the position is outside the agreed area: longitude {west} to {east}, latitude {south} to {north}",
        "vị trí nằm ngoài khu vực đã thống nhất: kinh độ {west} đến {east}, vĩ độ {south} đến {north}",
        "posisi di luar wilayah yang disepakati: bujur {west} sampai {east}, lintang {south} sampai {north}",
    ),
    "inside.circle": (
        "the position is more than {km} km from longitude {longitude}, latitude {latitude}",
        "vị trí cách kinh độ {longitude}, vĩ độ {latitude} hơn {km} km",
        "posisi lebih dari {km} km dari bujur {longitude}, lintang {latitude}",
    ),
    "inside.polygon": (
        "the position is outside the area drawn in the contract",
        "vị trí nằm ngoài khu vực vẽ trong hợp đồng dữ liệu",
        "posisi di luar wilayah yang digambar dalam kontrak data",
    ),
    "registry": (
        "the register {feed} did not list this {key} at that time",
        "danh mục {feed} không có {key} này vào lúc đó",
        "daftar {feed} tidak memuat {key} ini pada saat itu",
    ),
    "registry.said": (
        "the register {feed} did not list this {key} at that time, or gives another {said}",
        "danh mục {feed} không có {key} này vào lúc đó, hoặc ghi {said} khác",
        "daftar {feed} tidak memuat {key} ini pada saat itu, atau mencatat {said} yang lain",
    ),
    "relation": (
        "the values contradict each other: it should be that {formula}",
        "các giá trị mâu thuẫn với nhau: đúng ra phải là {formula}",
        "nilai-nilainya saling bertentangan: seharusnya {formula}",
    ),
}
# Why a record gives no row, or a whole file is not taken in: by code.
REFUSALS: Mapping[str, Sentence] = {
    "fields": (
        "the line has fewer or more fields than its header",
        "dòng có số ô khác với dòng tiêu đề",
        "jumlah kolom pada baris berbeda dari judulnya",
    ),
    "quotes": (
        "a quotation mark is opened and not closed",
        "có dấu ngoặc kép mở mà không đóng",
        "ada tanda kutip yang dibuka dan tidak ditutup",
    ),
    "json": (
        "the line is not one JSON object",
        "dòng không phải là một đối tượng JSON",
        "baris bukan satu objek JSON",
    ),
    "encoding": (
        "the bytes are no text in the agreed encoding",
        "không đọc được chữ theo bảng mã đã thống nhất",
        "teks tidak terbaca dalam pengodean yang disepakati",
    ),
    "too-long": (
        "the line is longer than {longest} bytes",
        "dòng dài hơn {longest} byte",
        "baris lebih panjang dari {longest} bita",
    ),
    "truncated": (
        "the file ends in the middle of the record",
        "tệp kết thúc giữa chừng bản ghi",
        "berkas berakhir di tengah catatan",
    ),
    "unsigned": (
        "the file came without a signature",
        "tệp đến mà không có chữ ký",
        "berkas datang tanpa tanda tangan",
    ),
    "signature": (
        "the file's signature does not fit it",
        "chữ ký không khớp với tệp",
        "tanda tangan tidak cocok dengan berkas",
    ),
    "unknown-key": (
        "the file is signed with a key that the city does not know as the sender's",
        "tệp được ký bằng một khóa mà thành phố không biết là của bên gửi",
        "berkas ditandatangani dengan kunci yang tidak dikenal kota sebagai milik pengirim",
    ),
    "revoked-key": (
        "the file is signed with a key that is no longer valid",
        "tệp được ký bằng một khóa không còn hiệu lực",
        "berkas ditandatangani dengan kunci yang tidak berlaku lagi",
    ),
    "expired-key": (
        "the file is signed with a key that had expired when it came",
        "tệp được ký bằng một khóa đã hết hạn khi tệp đến",
        "berkas ditandatangani dengan kunci yang sudah kedaluwarsa ketika berkas tiba",
    ),
    "wrong-delivery": (
        "the signature is for another file or another feed",
        "chữ ký là của một tệp khác hoặc một nguồn dữ liệu khác",
        "tanda tangan itu untuk berkas lain atau aliran data lain",
    ),
}
OLD: Sentence = (
    "a rule of an earlier contract: {reason}",
    "một quy tắc của hợp đồng dữ liệu trước đây: {reason}",
    "aturan dari kontrak data sebelumnya: {reason}",
)
# What becomes of a row, by the rule's action.
ACTIONS: Mapping[str, Sentence] = {
    "flag": ("accepted and flagged", "được nhận và đánh dấu", "diterima dan ditandai"),
    "quarantine": ("set aside", "được để riêng", "disisihkan"),
    "refuse": ("refused", "bị từ chối", "ditolak"),
    "ask": ("waits for a person", "chờ người quyết định", "menunggu keputusan orang"),
}
