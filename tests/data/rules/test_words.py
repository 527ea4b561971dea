"""Reasons in plain words."""

import re
from dataclasses import replace
from typing import get_args

import pytest

from veracity.data.contract import Contract, parse_contract
from veracity.data.infer.quantities import QUANTITIES
from veracity.data.rules.catalogue import KINDS
from veracity.data.rules.language import LANGUAGES, QUANTITY_WORDS, Language, column_word, duration, number
from veracity.data.rules.sentences import ACTIONS, OLD, REFUSALS, SENTENCES
from veracity.data.rules.words import explain, explain_action
from veracity.data.text import RefusalCode
from veracity.home.index import WHOLE_FILE

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: gauges
version: 1.0.0
status: active
schema:
  - name: gauges
    customProperties:
      - {property: actions, value: {duplicate-key: refuse}}
    quality:
      - {type: custom, engine: veracity, name: dew, implementation:
         {rule: relation, expect: "not (dew_point > temperature + 0.5) and min(stage, 2.5) <= 2"}}
      - {type: custom, engine: veracity, name: box, implementation:
         {rule: inside, latitude: latitude, longitude: longitude, box: [107.9, 15.9, 108.3, 16.2]}}
      - {type: custom, engine: veracity, name: circle, implementation:
         {rule: inside, latitude: latitude, longitude: longitude,
          circle: {longitude: 108.2, latitude: 16.05, radius_km: 30}}}
      - {type: custom, engine: veracity, name: drawn, implementation:
         {rule: inside, latitude: latitude, longitude: longitude,
          polygon: [[107.9, 15.9], [108.3, 15.9], [108.1, 16.2]]}}
      - {type: custom, engine: veracity, name: known, implementation:
         {rule: registry, feed: stations, match: {station: id}}}
      - {type: custom, engine: veracity, name: placed, implementation:
         {rule: registry, feed: stations, match: {station: id},
          within: {latitude: {column: lat, tolerance: 0.01}}}}
      - {type: custom, engine: veracity, implementation: {rule: freshness, within: 2 h}}
      - {type: custom, engine: veracity, implementation: {rule: order, tolerance: 10 min}}
      - {type: custom, engine: veracity, name: strict, implementation: {rule: order}}
      - {type: custom, engine: veracity, implementation: {rule: repeated-row}}
    properties:
      - {name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1,
         enum: [{value: S1}, {value: S2}, {value: S3}, {value: S4}, {value: S5}, {value: S6}, {value: S7}],
         logicalTypeOptions: {pattern: "^S", minLength: 2, maxLength: 4}}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: day, logicalType: date}
      - {name: is_open, logicalType: boolean}
      - {name: n_boats, logicalType: integer}
      - {name: unit, logicalType: string}
      - {name: latitude, logicalType: number}
      - {name: longitude, logicalType: number}
      - {name: dew_point, logicalType: number}
      - {name: turbidity, logicalType: number, customProperties: [{property: unit, value: "{NTU}"}],
         logicalTypeOptions: {exclusiveMinimum: 0, exclusiveMaximum: 12000}}
      - name: temperature
        logicalType: number
        customProperties: [{property: unit, value: Cel}]
        quality:
          - {type: custom, engine: veracity, implementation: {rule: rate, maximum: 5, per: 1 h}}
          - {type: custom, engine: veracity, implementation: {rule: stuck}}
          - {type: custom, engine: veracity, implementation: {rule: unit-column, column: unit}}
      - name: stage
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: -1.5, maximum: 12}
        customProperties: [{property: unit, value: m}]
        quality:
          - {type: custom, engine: veracity, implementation: {rule: rate, rise: 0.5, per: 10 min}}
          - {type: custom, engine: veracity, name: down, implementation: {rule: rate, fall: 0.25, per: 1 h}}
          - {type: custom, engine: veracity, name: each, implementation:
             {rule: rate, rise: 1, fall: 0.5, per: 2 d}}
          - {type: custom, engine: veracity, implementation: {rule: gap, every: 15 min}}
          - {type: custom, engine: veracity, implementation: {rule: stuck, longest: 6 h}}
          - {type: custom, engine: veracity, implementation: {rule: spike}}
          - {type: custom, engine: veracity, implementation: {rule: shift}}
          - {type: custom, engine: veracity, name: large, implementation: {rule: shift, at_least: 0.1}}
          - {type: custom, engine: veracity, implementation: {rule: drift}}
          - {type: custom, engine: veracity, implementation: {rule: noise}}
          - {type: custom, engine: veracity, name: calm, implementation: {rule: noise, fall: true}}
          - {type: custom, engine: veracity, name: away, implementation: {rule: drift, against: neighbours}}
          - {type: custom, engine: veracity, name: beside, implementation:
             {rule: drift, against: reference, sensor: S1}}
          - {type: custom, engine: veracity, name: upstream, implementation:
             {rule: reference, sensor: S1, of: [S2], minimum: -0.5, maximum: 3}}
          - {type: custom, engine: veracity, implementation: {rule: neighbours}}
          - {type: custom, engine: veracity, implementation: {rule: misplaced, within_km: 12.5}}
          - {type: custom, engine: veracity, implementation: {rule: alone}}
          - {type: custom, engine: veracity, implementation: {rule: unit}}
          - {type: custom, engine: veracity, name: past, implementation: {rule: unit, against: past}}
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    """A contract with a rule of every kind."""
    return parse_contract(HEAD.encode())


def every_reason(contract: Contract) -> list[str]:
    columns = [f"{kind}:{f.name}" for f in contract.fields for kind in f.rules]
    return [*columns, "future:observed_at", *(r.reason for r in contract.rules), "duplicate-key", *REFUSALS]


def test_every_kind_has_words_in_three_languages(contract: Contract) -> None:
    """Each kind of rule there is, each column's rule and each refusal is told in en, vi and id."""
    told = {reason.partition(":")[0] for reason in every_reason(contract)}
    assert set(KINDS) <= told
    assert {"type", "required", "range", "pattern", "length", "enum", "future", "duplicate-key"} <= told
    for reason in every_reason(contract):
        sentences = [explain(contract, reason, language) for language in LANGUAGES]
        assert len(set(sentences)) == 3, reason
        for language, sentence in zip(LANGUAGES, sentences, strict=True):
            assert not re.search(r"[{}]|None", sentence), sentence
            assert sentence == sentence.strip()
            assert "  " not in sentence
            assert sentence != OLD[LANGUAGES.index(language)].format(reason=reason)


def test_every_refusal_has_words() -> None:
    """Each code of a record or a file that gives no row has a sentence, and no other has."""
    assert set(get_args(RefusalCode)) | WHOLE_FILE == set(REFUSALS)


def test_sentences_that_no_rule_uses_do_not_stay(contract: Contract) -> None:
    """Every sentence is said of some rule of the contract that has them all."""
    said = {explain(contract, reason) for reason in every_reason(contract)}
    places = re.compile(r"\\\{[a-z_]+\\\}")
    for name, (english, _, _) in SENTENCES.items():
        wanted = re.compile(places.sub(".+", re.escape(english)))
        assert name == "type.string" or any(wanted.fullmatch(text) for text in said), name


def test_the_same_places_in_all_languages() -> None:
    """A sentence says the same numbers in each language."""
    for name, sentence in (*SENTENCES.items(), *REFUSALS.items(), *ACTIONS.items(), ("old", OLD)):
        assert len({frozenset(re.findall(r"\{(\w+)\}", text)) for text in sentence}) == 1, name


@pytest.mark.parametrize(
    ("reason", "english", "vietnamese", "indonesian"),
    [
        (
            "rate:stage",
            "stage rose faster than 0.5 m per 10 min",
            "mực nước tăng nhanh hơn 0,5 m mỗi 10 phút",
            "tinggi muka air naik lebih cepat dari 0,5 m per 10 menit",
        ),
        (
            "rate:each",
            "stage rose faster than 1 m or fell faster than 0.5 m per 2 d",
            "mực nước tăng nhanh hơn 1 m hoặc giảm nhanh hơn 0,5 m mỗi 2 ngày",
            "tinggi muka air naik lebih cepat dari 1 m atau turun lebih cepat dari 0,5 m per 2 hari",
        ),
        (
            "range:stage",
            "stage is below -1.5 m or above 12 m",
            "mực nước thấp hơn -1,5 m hoặc cao hơn 12 m",
            "tinggi muka air di bawah -1,5 m atau di atas 12 m",
        ),
        (
            "range:turbidity",
            "turbidity is at or below 0 NTU or at or above 12,000 NTU",
            "độ đục bằng hoặc thấp hơn 0 NTU hoặc bằng hoặc cao hơn 12.000 NTU",
            "kekeruhan sama dengan atau di bawah 0 NTU atau sama dengan atau di atas 12.000 NTU",
        ),
        (
            "gap:stage",
            "before this the sensor gave no stage for more than 22.5 min; it should every 15 min",
            "trước đó cảm biến không gửi mực nước trong hơn 22,5 phút; đúng ra cứ mỗi 15 phút phải gửi",
            (
                "sebelum ini sensor tidak mengirim tinggi muka air selama lebih dari 22,5 menit;"
                " seharusnya setiap 15 menit"
            ),
        ),
        (
            "relation:dew",
            (
                "the values contradict each other: it should be that"
                " not (dew_point > temperature + 0.5) and min(stage, 2.5) ≤ 2"
            ),
            (
                "các giá trị mâu thuẫn với nhau: đúng ra phải là"
                " không phải (dew_point > temperature + 0,5) và min(stage; 2,5) ≤ 2"
            ),
            (
                "nilai-nilainya saling bertentangan: seharusnya"
                " bukan (dew_point > temperature + 0,5) dan min(stage; 2,5) ≤ 2"
            ),
        ),
        (
            "reference:upstream",
            "stage less that of sensor S1 is below -0.5 m or above 3 m",
            "mực nước trừ đi mức của cảm biến S1 thấp hơn -0,5 m hoặc cao hơn 3 m",
            "tinggi muka air dikurangi milik sensor S1 di bawah -0,5 m atau di atas 3 m",
        ),
        (
            "misplaced:stage",
            "stage does not rise and fall with the sensors within 12.5 km of the position given",
            "mực nước không tăng giảm cùng các cảm biến trong vòng 12,5 km quanh vị trí đã khai",
            "tinggi muka air tidak naik turun bersama sensor dalam jarak 12,5 km dari posisi yang dinyatakan",
        ),
        (
            "unit:stage",
            "stage looks as if it were in dm, cm, mm or 3 more, not in m",
            "mực nước có vẻ được ghi bằng dm, cm, mm hoặc 3 giá trị khác chứ không phải m",
            "tinggi muka air tampaknya dalam dm, cm, mm atau 3 lainnya, bukan m",
        ),
        (
            "duplicate-key",
            "an earlier record has the same station and time",
            "đã có một bản ghi trước đó với cùng trạm và thời gian",
            "sudah ada catatan sebelumnya dengan stasiun dan waktu yang sama",
        ),
        (
            "enum:station",
            "station is not S1, S2, S3, S4, S5 or 2 more",
            "trạm không phải là S1, S2, S3, S4, S5 hoặc 2 giá trị khác",
            "stasiun bukan S1, S2, S3, S4, S5 atau 2 lainnya",
        ),
        (
            "refused:too-long",
            "the line is longer than 65,536 bytes",
            "dòng dài hơn 65.536 byte",
            "baris lebih panjang dari 65.536 bita",
        ),
    ],
)
def test_words(contract: Contract, reason: str, english: str, vietnamese: str, indonesian: str) -> None:
    """A reason is told with the rule's numbers and units, a decimal comma in vi and id."""
    assert [explain(contract, reason, language) for language in LANGUAGES] == [
        english,
        vietnamese,
        indonesian,
    ]


def test_a_rule_of_an_earlier_contract(contract: Contract) -> None:
    """A reason that the contract does not know is said to be of an earlier one, never an error."""
    for reason in ("rate:gone", "range:n_boats", "", ":", "future:day", "{x}"):
        for language in LANGUAGES:
            assert explain(contract, reason, language).endswith(f": {reason}")


def test_all_quantities_have_words(contract: Contract) -> None:
    """What a column's name is known to measure has a word in vi and id; two alike are told apart."""
    assert set(QUANTITY_WORDS) == {q.name for q in QUANTITIES}
    two = replace(contract, fields=(*contract.fields, replace(contract.field("stage"), name="water_level")))
    assert column_word(two, "stage", "vi") == "mực nước (stage)"
    assert column_word(two, "stage", "en") == "stage"
    assert column_word(two, "is_open", "vi") == "is open"


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers(language: Language) -> None:
    """A number is written shortly, with the signs of its language, whatever it is."""
    plain = {
        0.1 + 0.2: "0.3",
        -0.0: "0",
        9999: "9999",
        -123456.5: "-123,456.5",
        1e300: "1e+300",
        1e-9: "1e-09",
    }
    for value, text in plain.items():
        there = text if language == "en" else text.translate(str.maketrans(".,", ",."))
        assert number(value, language) == there
    assert duration(0.25, language).split()[0] == number(0.25, language)
    assert [explain_action(a, language) for a in ("flag", "ask", "refuse", "quarantine")]
