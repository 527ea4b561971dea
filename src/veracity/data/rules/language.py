"""Numbers, units, durations and names of columns, as people write them in three languages.

English writes ``0.5`` and ``12,000``; Vietnamese and Indonesian write ``0,5`` and ``12.000``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from veracity.data.contract import Contract
from veracity.data.infer.names import words
from veracity.data.infer.quantities import quantity_of

Language = Literal["en", "vi", "id"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
GROUPED_FROM = 10_000  # 2019 stays 2019

_TIMES: tuple[tuple[int, Mapping[Language, str]], ...] = (
    (86_400, {"en": "d", "vi": "ngày", "id": "hari"}),
    (3_600, {"en": "h", "vi": "giờ", "id": "jam"}),
    (60, {"en": "min", "vi": "phút", "id": "menit"}),
    (1, {"en": "s", "vi": "giây", "id": "detik"}),
)
_OR: Mapping[Language, str] = {"en": "or", "vi": "hoặc", "id": "atau"}
_AND: Mapping[Language, str] = {"en": "and", "vi": "và", "id": "dan"}
_MORE: Mapping[Language, str] = {"en": "{n} more", "vi": "{n} giá trị khác", "id": "{n} lainnya"}

_SYMBOLS = {
    "Cel": "°C",
    "[degF]": "°F",
    "deg": "°",
    "[mi_i]/h": "mph",
    "[in_i'Hg]": "inHg",
    "mm[Hg]": "mmHg",
    "m[Hg]": "mHg",
    "1": "",
    "{pH}": "",
    "[pH]": "",
    "{AQI}": "",
}
_CLOSE = ("%", "°")  # written without a blank
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

# What cities measure, by the names of ``infer.quantities``: Vietnamese, Indonesian.
QUANTITY_WORDS: Mapping[str, tuple[str, str]] = {
    "air quality index": ("chỉ số chất lượng không khí", "indeks kualitas udara"),
    "latitude": ("vĩ độ", "lintang"),
    "longitude": ("kinh độ", "bujur"),
    "PM2.5": ("bụi mịn PM2.5", "partikel halus PM2.5"),
    "PM10": ("bụi PM10", "partikel PM10"),
    "PM1": ("bụi siêu mịn PM1", "partikel PM1"),
    "carbon dioxide": ("khí CO2", "karbon dioksida"),
    "sulphur dioxide": ("khí SO2", "sulfur dioksida"),
    "nitrogen dioxide": ("khí NO2", "nitrogen dioksida"),
    "nitrogen oxides": ("khí NOx", "nitrogen oksida"),
    "ozone": ("khí ozon", "ozon"),
    "carbon monoxide": ("khí CO", "karbon monoksida"),
    "hydrocarbons": ("hydrocacbon", "hidrokarbon"),
    "ammonia": ("khí amoniac", "amonia"),
    "dew point": ("điểm sương", "titik embun"),
    "water temperature": ("nhiệt độ nước", "suhu air"),
    "relative humidity": ("độ ẩm", "kelembapan"),
    "absolute humidity": ("độ ẩm tuyệt đối", "kelembapan mutlak"),
    "temperature": ("nhiệt độ", "suhu"),
    "wind direction": ("hướng gió", "arah angin"),
    "wind speed": ("tốc độ gió", "kecepatan angin"),
    "pressure": ("áp suất", "tekanan"),
    "rain": ("lượng mưa", "curah hujan"),
    "snow depth": ("độ dày tuyết", "tebal salju"),
    "solar radiation": ("bức xạ mặt trời", "radiasi matahari"),
    "wave height": ("độ cao sóng", "tinggi gelombang"),
    "wave period": ("chu kỳ sóng", "periode gelombang"),
    "water level": ("mực nước", "tinggi muka air"),
    "discharge": ("lưu lượng nước", "debit air"),
    "turbidity": ("độ đục", "kekeruhan"),
    "conductivity": ("độ dẫn điện", "konduktivitas"),
    "pH": ("độ pH", "pH"),
    "dissolved oxygen": ("oxy hòa tan", "oksigen terlarut"),
    "depth": ("độ sâu", "kedalaman"),
    "battery": ("điện áp pin", "tegangan baterai"),
    "voltage": ("điện áp", "tegangan"),
    "electric current": ("dòng điện", "arus listrik"),
    "road speed": ("tốc độ xe", "kecepatan kendaraan"),
    "vehicle count": ("số lượng xe", "jumlah kendaraan"),
    "sound level": ("mức ồn", "tingkat kebisingan"),
    "illuminance": ("độ rọi", "tingkat pencahayaan"),
}
# Other columns that feeds often have.
_COLUMN_WORDS: Mapping[str, tuple[str, str]] = {
    "station": ("trạm", "stasiun"),
    "gauge": ("trạm đo", "pos pengukur"),
    "sensor": ("cảm biến", "sensor"),
    "device": ("thiết bị", "perangkat"),
    "city": ("thành phố", "kota"),
    "ward": ("phường", "kelurahan"),
    "road": ("đường", "jalan"),
    "beach": ("bãi biển", "pantai"),
    "name": ("tên", "nama"),
    "unit": ("đơn vị", "satuan"),
}


def number(value: float, language: Language) -> str:
    """Write a number: the shortest text that rounds to ten digits of it.

    Examples
    --------
    >>> [number(12000.5, language) for language in LANGUAGES]
    ['12,000.5', '12.000,5', '12.000,5']
    """
    if value == 0:
        return "0"
    text = f"{value:.10g}"
    if "e" in text:
        return text if language == "en" else text.replace(".", ",")
    whole, _, places = text.partition(".")
    if abs(value) >= GROUPED_FROM:
        whole = f"{int(whole):,}"
    text = f"{whole}.{places}" if places else whole
    return text if language == "en" else text.translate(str.maketrans(".,", ",."))


def unit_symbol(code: str | None) -> str:
    """Return how people write a UCUM unit; empty for none.

    Examples
    --------
    >>> [unit_symbol(code) for code in ("ug/m3", "Cel", "[ft_i]3/s", "{vehicles}/h", "m/s2")]
    ['µg/m³', '°C', 'ft³/s', 'vehicles/h', 'm/s²']
    """
    if code is None or code in _SYMBOLS:
        return _SYMBOLS[code] if code else ""
    text = re.sub(r"\[([A-Za-z0-9]+?)(?:_[a-z]+)?\]", r"\1", code)
    text = re.sub(r"[{}\[\]]", "", text)
    text = re.sub(r"(?<![A-Za-z])u(?=[A-Za-z])", "µ", text)
    text = re.sub(r"(?<![A-Za-z])Cel(?![A-Za-z])", "°C", text)
    return re.sub(r"(?<=[A-Za-z])-?\d+", lambda m: m.group().translate(_RAISED), text)


def measure(value: float, unit: str | None, language: Language) -> str:
    """Write a number with its unit.

    Examples
    --------
    >>> measure(0.5, "m", "vi"), measure(131.9, "%", "id")
    ('0,5 m', '131,9%')
    """
    symbol = unit_symbol(unit)
    blank = "" if not symbol or symbol in _CLOSE else " "
    return f"{number(value, language)}{blank}{symbol}"


def duration(seconds: float, language: Language) -> str:
    """Write a duration in the largest unit of which it has a half or more.

    Examples
    --------
    >>> duration(600, "en"), duration(5400, "vi"), duration(172800, "id")
    ('10 min', '1,5 giờ', '2 hari')
    """
    for size, names in _TIMES:
        if seconds >= size and (2 * seconds) % size == 0:
            return f"{number(seconds / size, language)} {names[language]}"
    return f"{number(seconds, language)} {_TIMES[-1][1][language]}"


def per(seconds: float, language: Language) -> str:
    """Write a duration after "per": "10 min", and "h" rather than "1 h"."""
    return duration(seconds, language).removeprefix("1 ")


def either(parts: Iterable[str], language: Language, most: int = 5) -> str:
    """Join with "or"; beyond ``most`` say only how many more there are.

    Examples
    --------
    >>> either("abc", "en"), either("abcdefg", "vi", most=3)
    ('a, b or c', 'a, b, c hoặc 4 giá trị khác')
    """
    told = list(parts)
    if len(told) > most:
        told = [*told[:most], _MORE[language].format(n=number(len(told) - most, language))]
    return _joined(told, _OR[language])


def both(parts: Iterable[str], language: Language) -> str:
    """Join with "and"."""
    return _joined(list(parts), _AND[language])


def column_word(contract: Contract, name: str, language: Language) -> str:
    """Say what a column holds: in English its name, else the word for what it measures, if it is known.

    Where two columns of a contract would be called the same, the name stands with it.
    """
    plain = name.replace("_", " ")
    if name == contract.time:
        return {"en": "time", "vi": "thời gian", "id": "waktu"}[language]
    word = None if language == "en" else _foreign(contract, name, language)
    if word is None:
        return plain
    same = [f.name for f in contract.fields if _foreign(contract, f.name, language) == word]
    return word if len(same) == 1 else f"{word} ({name})"


def _foreign(contract: Contract, name: str, language: Language) -> str | None:
    kind = next((f.type for f in contract.fields if f.name == name), None)
    if kind in ("number", "integer"):
        quantity = quantity_of(words(name))
        found = None if quantity is None else QUANTITY_WORDS.get(quantity.name)
    else:
        found = _COLUMN_WORDS.get(words(name).removesuffix("_id"))
    return None if found is None else found[0 if language == "vi" else 1]


def _joined(parts: list[str], last: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
