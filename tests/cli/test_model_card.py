"""``veracity model card`` and ``dossier``: every form of file, both languages, yes and no by exit code."""

import json
import shutil
from pathlib import Path

import pytest

from released_city import SYSTEM, serving_city, use_mean_rain, use_rain_app
from run_cli import Here, is_one_line
from veracity.models.card import parse_card
from veracity.models.dossier.framework import FRAMEWORKS

WORDS = """\
words:
  - by: Lan Nguyễn
    about: training
    text: Two days of hours.
    claims: {training.seed: "%s"}
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carded")
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_mean_rain(monkeypatch)
        serving_city(folder, "city")
    return folder / "city"


@pytest.fixture
def run(
    grown: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Here:
    use_mean_rain(monkeypatch)
    (tmp_path / "apps").mkdir()
    use_rain_app(tmp_path / "apps", monkeypatch)
    here = Here(capsys, monkeypatch)
    monkeypatch.setenv("VERACITY_HOME", str(shutil.copytree(grown, tmp_path / "city")))
    return here


def test_a_card_is_written_kept_looked_at_and_denied(run: Here, tmp_path: Path) -> None:
    """Computed and kept: TRUE or STALE by exit 0; one number typed: DENIED by exit 1, and nothing written."""
    file = tmp_path / "card.json"
    made = run("model", "card", SYSTEM, "--to", file, "--keep")
    assert made.code == 0, made.err
    assert "kept: a release can rest on it" in made.out
    assert "[SIMULATED]" in made.out
    card = parse_card(file.read_bytes())
    for given in (str(file), card.sha256):
        looked = run("model", "card", SYSTEM, "--card", given, "--to", tmp_path / "looked.html")
        assert looked.code == 0, looked.err
        assert looked.out.startswith("TRUE ")
    assert b"every fact is still so" in (tmp_path / "looked.html").read_bytes()
    seed = card.facts["training.seed"].value
    lie = file.read_bytes().replace(f'"unit":"","value":{seed}}}'.encode(), b'"unit":"","value":77}')
    file.write_bytes(lie)
    denied = run("model", "card", SYSTEM, "--card", file, "--to", tmp_path / "lie.html", "--json")
    assert denied.code == 1
    document = json.loads(denied.out)
    assert {"fact": "training.seed", "card": 77, "evidence_says": seed}.items() <= document["denied"][
        0
    ].items()
    assert not (tmp_path / "lie.html").exists()


def test_words_of_people_are_taken_in_or_refused(run: Here, tmp_path: Path) -> None:
    """A claim that is so is marked as a person's; one that is not is refused with exit 1."""
    words = tmp_path / "words.yaml"
    words.write_text(WORDS % "999", encoding="utf-8")
    refused = run("model", "card", SYSTEM, "--words", words)
    assert refused.code == 1
    assert is_one_line(refused)
    assert "training.seed (Lan Nguyễn claims)" in refused.err
    seed = json.loads(run("model", "show", SYSTEM, "--json").out)["description"]["seed"]
    words.write_text(WORDS % seed, encoding="utf-8")
    taken = run("model", "card", SYSTEM, "--words", words, "--to", tmp_path / "card.html", "--lang", "vi")
    assert taken.code == 0, taken.err
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert "Lan Nguyễn nói về Huấn luyện" in page
    assert "DỮ LIỆU MÔ PHỎNG" in page


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_dossier_is_written_in_every_form(run: Here, tmp_path: Path, framework: str) -> None:
    """HTML and JSON in both languages, PDF in Vietnamese; the counts are printed, and what is not known."""
    for lang in ("en", "vi"):
        page, data = tmp_path / f"{lang}.html", tmp_path / f"{lang}.json"
        done = run("model", "dossier", SYSTEM, "--for", framework, "--to", page, "--lang", lang)
        assert done.code == 0, done.err
        assert ("not known: " in done.out) is True
        assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        as_json = run("model", "dossier", SYSTEM, "--for", framework, "--to", data, "--lang", lang, "--json")
        coverage = json.loads(as_json.out)["coverage"]
        document = json.loads(data.read_text(encoding="utf-8"))
        if framework == "aiverify":
            assert document["gid"] == "veracity.assurance"
        else:
            assert document["coverage"] == coverage
            assert document["language"] == lang
    pdf = tmp_path / "d.pdf"
    assert run("model", "dossier", SYSTEM, "--for", framework, "--to", pdf, "--lang", "vi").code == 0
    assert pdf.read_bytes().startswith(b"%PDF-")


def test_bad_input_is_one_line(run: Here, tmp_path: Path) -> None:
    """An unknown model, a name of no form, a card of no model, words and a card at once."""
    (tmp_path / "bad.json").write_bytes(b"{}")
    (tmp_path / "bad.yaml").write_bytes(b"words: [{by: x}]\n")
    for code, arguments in (
        (3, ["card", "none"]),
        (3, ["card", SYSTEM, "--to", tmp_path / "card.docx"]),
        (3, ["card", SYSTEM, "--card", tmp_path / "bad.json"]),
        (1, ["card", SYSTEM, "--card", "0" * 64]),
        (3, ["card", SYSTEM, "--words", tmp_path / "bad.yaml"]),
        (2, ["card", SYSTEM, "--card", "0" * 64, "--keep"]),
        (3, ["dossier", "none", "--for", "eu"]),
        (2, ["dossier", SYSTEM, "--for", "us"]),
        (3, ["dossier", SYSTEM, "--for", "eu", "--to", tmp_path / "d.txt"]),
    ):
        done = run("model", *arguments)
        assert done.code == code, (arguments, done)
        assert done.out == ""
        assert "Traceback" not in done.err
