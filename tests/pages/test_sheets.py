"""Cards and dossiers as HTML and PDF: text stays text, evidence is reachable, Vietnamese can be read."""

import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from known_model import AT, known
from veracity.models.card import Words
from veracity.models.card_truth import make_card, staleness
from veracity.models.dossier.answer import LANGS
from veracity.models.dossier.dossier import make_dossier
from veracity.models.dossier.framework import FRAMEWORKS, load_framework
from veracity.models.facts import RunsKnown
from veracity.pages.card_sheet import card_sheet
from veracity.pages.dossier_sheet import dossier_sheet
from veracity.pages.sheet import Sheet
from veracity.pages.sheet_html import sheet_html
from veracity.pages.sheet_pdf import sheet_pdf
from veracity.pages.sheet_words import shown_value, word

STAMP = 1_788_436_800


def sheets() -> list[Sheet]:
    """A card and every dossier, in each language."""
    card = make_card(known(), [Words("Lan", "use", "Ask me.", {})])
    made = [card_sheet(card, lang, [], 40) for lang in LANGS]
    dossiers = [make_dossier(load_framework(name), known()) for name in FRAMEWORKS]
    return made + [dossier_sheet(d, lang) for d in dossiers for lang in LANGS]


def test_pages_are_whole_and_load_nothing() -> None:
    """One file in its language, no script, nothing to fetch, every evidence number leads somewhere."""
    for sheet in sheets():
        page = sheet_html(sheet).decode()
        assert page == sheet_html(sheet).decode()
        assert f'<html lang="{sheet.lang}">' in page
        assert not re.search(r"<script|src=|https?:", page)
        assert set(re.findall(r'href="#(e\d+)"', page)) == set(re.findall(r'id="(e\d+)"', page))
        assert word(sheet.lang, "says", "simulated") in page
        for part in sheet.parts:
            assert f'id="{part.name}"' in page


def test_text_from_outside_is_only_ever_text() -> None:
    """A name that is markup, or that turns text around, is shown and not obeyed, in HTML and in PDF."""
    hostile = '<script>alert("#import")</script>\u202e #eval("1") *x* $y$ @e1'
    app = replace(known().app, owner=hostile, title={"en": hostile, "vi": hostile})
    k = known(app=app)
    for sheet in (
        card_sheet(make_card(k, [Words("Lan", "use", "#strong[x]", {})]), "en", [], 40),
        dossier_sheet(make_dossier(load_framework("vn"), k), "vi"),
    ):
        page = sheet_html(sheet).decode()
        assert "<script" not in page
        assert "\u202e" not in page
        assert "&lt;script&gt;" in page
        assert sheet_pdf(sheet, STAMP).startswith(b"%PDF-")


def test_stale_facts_are_marked_with_what_is_so_by_now() -> None:
    """Old value and new side by side, and the verdict at the top says how many."""
    card = make_card(known())
    later = known(size=50, runs=RunsKnown(13, 260, 15, 41, AT, {"model": 200, "last": 40}))
    page = sheet_html(card_sheet(card, "en", staleness(card, later), 50)).decode()
    assert "STALE: 2 facts are no longer so" in page
    assert page.count('class="line stale"') == 4
    assert "now 260" in page
    fresh = sheet_html(card_sheet(card, "en", [], 40)).decode()
    assert 'class="line stale"' not in fresh
    assert "every fact is still so" in fresh


def test_words_of_people_are_told_from_evidence() -> None:
    """They stand in a part of their own, with who says them."""
    said = [Words("Lan Nguyễn", "training", "A year of hours.", {"training.rows": "8,760"})]
    page = sheet_html(card_sheet(make_card(known(), said), "en", [], 40)).decode()
    assert "Said by Lan Nguyễn, about Training: a person&#x27;s word, no evidence" in page


def test_values_are_written_as_each_language_writes_them() -> None:
    """Thousands, decimals, durations, yes and no, short digests, and a dash for nothing."""
    assert [shown_value(12_345.5, "mm", lang) for lang in LANGS] == ["12,345.5 mm", "12.345,5 mm"]
    assert [shown_value(3_600, "s", lang) for lang in LANGS] == ["1 h", "1 giờ"]
    assert [shown_value(True, "", lang) for lang in LANGS] == ["yes", "có"]
    assert shown_value("ab" * 32, "", "en") == "ab" * 8 + "…"
    assert shown_value(None, "", "vi") == "–"


@pytest.mark.parametrize("lang", LANGS)
def test_pdf_is_the_same_to_the_byte_tagged_and_archival(lang: str) -> None:
    """PDF/A-2a by its own metadata, with a structure tree, the language, and only the time given."""
    sheet = dossier_sheet(make_dossier(load_framework("vn"), known()), lang)  # type: ignore[arg-type]
    pdf = sheet_pdf(sheet, STAMP)
    assert pdf == sheet_pdf(sheet, STAMP)
    whole = pdf + b"".join(_streams(pdf))
    assert b"<pdfaid:part>2</pdfaid:part>" in whole
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in whole
    assert b"/StructTreeRoot" in whole
    assert b"2026-09-03T12:00:00" in whole


def test_vietnamese_can_be_taken_out_of_the_pdf_again(tmp_path: Path) -> None:
    """The embedded fonts map every letter back: with pdftotext where it is, and by their own tables."""
    sheet = dossier_sheet(make_dossier(load_framework("vn"), known()), "vi")
    pdf = sheet_pdf(sheet, STAMP)
    tables = b"".join(s for s in _streams(pdf) if b"begincmap" in s)
    letters = {c for c in sheet.title + sheet.verdict if ord(c) > 0x2FF}
    assert len(letters) > 10
    for letter in letters:
        assert f"{ord(letter):04X}".encode() in tables.upper(), letter
    tool = shutil.which("pdftotext")
    if tool:
        path = tmp_path / "vn.pdf"
        path.write_bytes(pdf)
        text = subprocess.run([tool, str(path), "-"], capture_output=True, text=True, check=True).stdout
        assert "hồ sơ phân loại rủi ro" in " ".join(text.split())
        assert "Nghị định" in text


def _streams(pdf: bytes) -> list[bytes]:
    """What is in a PDF's compressed streams."""
    found = []
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(match.group(1)))
        except zlib.error:
            found.append(match.group(1))
    return found
