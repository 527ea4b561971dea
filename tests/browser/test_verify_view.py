"""The Verify view: a receipt holds, a changed one is refused; by mouse, by keyboard, without a server."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorded_city import RecordedCity
from until import until

RECEIPTS = Path(__file__).parents[1] / "vectors" / "receipts"
POLICY = RECEIPTS / "trust.policy"
INDEX = json.loads((RECEIPTS / "index.json").read_bytes())
RECORD = "receipts/air-quality/"


def give(page: Any, *files: Path) -> None:
    """Choose files as a person does."""
    page.set_input_files("input[type=file]", [str(file) for file in files])


def steps(page: Any) -> dict[str, str]:
    """Return the state of each step shown."""
    found = page.locator(".step").evaluate_all("all => all.map(e => [e.dataset.step, e.dataset.state])")
    return dict(found)


def record_path(city: RecordedCity) -> str:
    """Return the path of a record's receipt."""
    return next(path for path in city.receipts if path.startswith(f"/{RECORD}")).lstrip("/")


def decision_path(city: RecordedCity) -> str:
    """Return the path of a decision's receipt."""
    return next(path for path in city.receipts if path.startswith("/receipts/decisions/")).lstrip("/")


def open_receipt(page: Any, city: RecordedCity, path: str) -> None:
    """Open the view on a receipt of the server's."""
    page.goto(f"{city.url}/#/verify?receipt={path.replace('?', '%3F').replace('=', '%3D')}")
    page.wait_for_selector(".banner")


def test_a_receipt_of_the_city_holds(city: RecordedCity, tab: Any) -> None:
    """Each step passed; what was not checked is said; the data are marked as simulated."""
    page = tab()
    open_receipt(page, city, record_path(city))
    assert page.locator(".banner.yes").inner_text().startswith("✓ The receipt holds")
    assert "SIMULATED" in page.locator(".banner.yes").inner_text()
    done = steps(page)
    assert done.pop("row") == "compared"  # not cleaned again, and no more than compared is said
    assert set(done.values()) == {"passed"}
    assert {"checkpoint", "entry", "signature", "delivery", "pages", "record"} <= set(done)
    assert "The record was not cleaned again." in page.locator(".unchecked").inner_text()


def test_a_receipt_of_a_decision_holds(city: RecordedCity, tab: Any) -> None:
    """The release and who signed it are among the steps."""
    page = tab()
    open_receipt(page, city, decision_path(city))
    assert page.locator(".banner.yes").count() == 1
    assert {"release", "pages", "record", "row", "due"} <= set(steps(page))
    assert set(steps(page).values()) == {"passed"}


def test_what_came_of_a_receipt_is_at_the_top_of_a_phone_and_goes_with_its_address(
    city: RecordedCity, tab: Any
) -> None:
    """Whoever follows a seal sees the answer first; whoever then goes to Verify finds no old answer there."""
    page = tab(viewport={"width": 360, "height": 640})
    page.goto(f"{city.url}/#/verify?receipt={record_path(city)}")
    page.wait_for_selector(".banner.yes")
    until(page, "document.activeElement.id === 'outcome'")
    until(page, "document.getElementById('outcome').getBoundingClientRect().top < 40")
    assert page.locator(".banner.yes").bounding_box()["y"] < 320
    page.get_by_role("link", name="Verify", exact=True).click()
    until(page, "document.querySelector('.banner') === null")
    assert page.locator("main .failed, main .loading").count() == 0
    page.go_back()
    page.wait_for_selector(".banner.yes")


def test_one_changed_bit_shows_red(city: RecordedCity, tab: Any) -> None:
    """The page changes a bit itself when asked, and then says which step failed and which never came."""
    page = tab()
    open_receipt(page, city, record_path(city))
    page.get_by_role("button", name="Change one bit").click()
    page.wait_for_selector(".banner.no")
    done = steps(page)
    assert (done["parts"], done["pages"], done["record"]) == ("passed", "failed", "unreached")
    text = page.locator(".banner.no").inner_text()
    assert "does not hold" in text
    assert "The page of evidence" in text


def test_a_server_that_gives_another_receipt_is_found_out(city: RecordedCity, tab: Any) -> None:
    """A good receipt of something else is no answer, in the view and behind a tile's seal."""
    first, second, *_ = city.receipts
    city.receipts[first] = city.receipts[second]
    page = tab()
    open_receipt(page, city, first.lstrip("/"))
    assert "not the receipt that was asked for" in page.locator(".banner.no").inner_text()
    page.goto(f"{city.url}/#/city")
    seal = page.locator(".tile .proof button").first
    seal.click()
    page.wait_for_selector(".tile .proof.fails")
    assert "Does not hold" in seal.inner_text()


def test_the_seal_of_a_tile_checks_in_place(city: RecordedCity, tab: Any) -> None:
    """A click on a number's seal checks its receipt in the browser."""
    page = tab()
    page.goto(f"{city.url}/#/city")
    page.locator(".tile .proof button").first.click()
    page.wait_for_selector(".tile .proof.holds")
    assert any(path.startswith(f"/{RECORD}") for path in city.asked)


def test_a_seal_leads_to_all_the_steps(city: RecordedCity, tab: Any) -> None:
    """From a number's seal to its verification, and from there to the bytes of a step."""
    page = tab()
    page.goto(f"{city.url}/#/city")
    page.locator(".tile .proof").first.get_by_role("link", name="Step by step").click()
    page.wait_for_selector(".banner.yes")
    page.locator(".step[data-step=pages] summary").click()
    assert '"station_id"' in page.locator(".step[data-step=pages] pre").inner_text()


@pytest.fixture
def alone(portal: Path, tmp_path: Path) -> str:
    """The one file, copied to a folder by itself."""
    copy = tmp_path / "check receipts.html"
    copy.write_bytes((portal / "verify.html").read_bytes())
    return copy.as_uri()


def test_it_works_from_a_disk_without_a_network(alone: str, tab: Any) -> None:
    """One file, no server, no network: a receipt and a policy are chosen, and the receipt holds."""
    page = tab(offline=True)
    page.goto(alone)
    give(page, RECEIPTS / "valid-ndjson.json", POLICY)
    page.wait_for_selector(".banner.yes")
    assert '"PM2.5":26.625' in page.locator(".proven pre").inner_text()


def test_one_file_needs_the_policy_too(alone: str, tab: Any) -> None:
    """Without one it says what it lacks, and neither yes nor no."""
    page = tab(offline=True)
    page.goto(alone)
    give(page, RECEIPTS / "valid-ndjson.json")
    page.get_by_text("Give a trust policy too").wait_for()
    assert page.locator(".banner").count() == 0


@pytest.mark.parametrize(
    "name", ["valid-v4-live-array.json", "valid-v3-decision.json", "valid-enrol.json", "valid-csv.json"]
)
def test_it_reads_every_kind_of_receipt(alone: str, tab: Any, name: str) -> None:
    """Of records of files and of messages, of decisions, of statements alone."""
    page = tab(offline=True)
    page.goto(alone)
    give(page, POLICY, RECEIPTS / name)
    page.wait_for_selector(".banner.yes")


def dropped(page: Any, *files: Path) -> None:
    """Let files fall on the page as a person does who drags them there."""
    texts = [{"name": file.name, "text": file.read_text()} for file in files]
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const {name, text} of files) transfer.items.add(new File([text], name));
            return transfer;
        }""",
        texts,
    )
    page.dispatch_event(".drop", "dragover", {"dataTransfer": transfer})
    assert page.locator(".drop.over").count() == 1
    page.dispatch_event(".drop", "drop", {"dataTransfer": transfer})
    assert page.locator(".drop.over").count() == 0


def test_a_receipt_and_a_policy_are_dropped(alone: str, tab: Any) -> None:
    """Both at once, in whatever order; then another receipt, which is judged by the same policy."""
    page = tab(offline=True)
    page.goto(alone)
    dropped(page, RECEIPTS / "valid-ndjson.json", POLICY)
    page.wait_for_selector(".banner.yes")
    dropped(page, RECEIPTS / INDEX["lies"][0]["file"])
    page.wait_for_selector(".banner.no")


def flip_digit(text: str, start: int = 0) -> str:
    """Return a text with the last bit of its first digit after a place changed."""
    at = next(i for i in range(start, len(text)) if text[i].isdigit())
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def flip_base64(text: str) -> str:
    """Return base64 whose last byte has one bit changed."""
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1
    return base64.b64encode(raw).decode()


def lines_flipped(proof: str, line: int) -> str:
    """Return a tlog-proof in which a bit of one line, of base64, is changed, counted as lists are."""
    lines = proof.split("\n")
    head, _, last = lines[line].rpartition(" ")
    lines[line] = f"{head} {flip_base64(last)}" if head else flip_base64(last)
    return "\n".join(lines)


def changed(part: str) -> dict[str, Any]:
    """Return a good receipt of a record with one bit changed in a part of it."""
    name = "valid-v4-live-on-the-last-page.json" if part in OF_MESSAGES else "valid-ndjson.json"
    it: dict[str, Any] = json.loads((RECEIPTS / name).read_bytes())
    page = it["record"]["pages"][0]
    envelope = json.loads(it["entry"])
    if part == "signature of the log":
        it["proof"] = lines_flipped(it["proof"], -2)
    elif part == "hash beside the entry":
        it["proof"] = lines_flipped(it["proof"], 2)
    elif part == "statement":
        payload = base64.b64decode(envelope["payload"]).decode()
        envelope["payload"] = base64.b64encode(
            flip_digit(payload, payload.index("received_at")).encode()
        ).decode()
        it["entry"] = json.dumps(envelope, separators=(",", ":"))
    elif part == "signature of the operator":
        envelope["signatures"][0]["sig"] = flip_base64(envelope["signatures"][0]["sig"])
        it["entry"] = json.dumps(envelope, separators=(",", ":"))
    elif part == "key":
        it["keys"][0]["proof"] = lines_flipped(it["keys"][0]["proof"], 2)
    elif part == "contract":
        it["contract"]["text"] = flip_digit(it["contract"]["text"])
    elif part == "part of the file":
        it["parts"]["path"][0] = flip_base64(it["parts"]["path"][0])
    elif part == "page":
        page["text"] = flip_digit(page["text"])
    elif part == "hash beside the page":
        page["path"][0] = flip_base64(page["path"][0])
    elif part == "place in the page":
        it["record"]["offset"] ^= 1
    elif part == "signature of the device":
        it["message"]["signature"] = flip_base64(it["message"]["signature"])
    elif part == "row":
        it["row"]["station"] = flip_digit(it["row"]["station"])
    return it


OF_MESSAGES = ("hash beside the page", "signature of the device")
PARTS = {
    "signature of the log": "checkpoint",
    "hash beside the entry": "entry",
    "statement": "entry",
    "signature of the operator": "entry",
    "key": "keys",
    "contract": "contract",
    "part of the file": "parts",
    "page": "pages",
    "hash beside the page": "pages",
    "place in the page": "record",
    "signature of the device": "message",
    "row": "row",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_changed_bit_is_red_wherever_it_is(alone: str, tab: Any, tmp_path: Path, part: str) -> None:
    """One bit in each part of a receipt: the step that looks there is red, says why, and ends the check."""
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(changed(part)))
    page = tab(offline=True)
    page.goto(alone)
    give(page, POLICY, receipt)
    page.wait_for_selector(".banner.no")
    failed = [name for name, state in steps(page).items() if state == "failed"]
    assert failed == [PARTS[part]]
    assert page.locator(".step.failed code").first.inner_text() != ""
    states = list(steps(page).values())
    assert "passed" not in states[states.index("failed") :]
    colour = "getComputedStyle(document.querySelector('.step.failed')).borderLeftColor"
    assert page.evaluate(colour) == "rgb(184, 74, 0)"  # the red of the palette that all can tell apart


@pytest.mark.parametrize("lie", INDEX["lies"][::7], ids=lambda lie: lie["file"])
def test_a_lie_is_red_at_its_step(alone: str, tab: Any, lie: dict[str, str]) -> None:
    """Receipts of logs that hold a lie: the step that the specification names is the red one."""
    page = tab(offline=True)
    page.goto(alone)
    give(page, POLICY, RECEIPTS / lie["file"])
    page.wait_for_selector(".banner.no")
    failed = [name for name, state in steps(page).items() if state == "failed"]
    assert failed == [lie["step"]]


def test_what_is_no_receipt_is_said_to_be_none(alone: str, tab: Any, tmp_path: Path) -> None:
    """A file that is something else is neither valid nor a forgery."""
    other = tmp_path / "other.json"
    other.write_text('{"schema": "something"}')
    page = tab(offline=True)
    page.goto(alone)
    give(page, POLICY, other)
    page.wait_for_selector(".banner.no")
    assert "This is no receipt" in page.locator(".banner.no").inner_text()


def test_a_receipt_cannot_draw_on_the_page(alone: str, tab: Any, tmp_path: Path) -> None:
    """What a stranger wrote is shown as text, and hidden characters are spelt out."""
    document = json.loads((RECEIPTS / "valid-ndjson.json").read_bytes())
    document["row"] = {"<img src=x onerror=alert(1)>": "<script>alert(2)</script>\u202e"}
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(document))
    page = tab(offline=True)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(alone)
    give(page, POLICY, receipt)
    page.wait_for_selector(".banner.no")
    assert page.locator("main img").count() == 0
    assert "<img src=x" in page.locator(".banner.no").inner_text()
    page.locator(".step[data-step=row] summary").click()
    assert "\\u202e" in page.locator(".step[data-step=row] pre").inner_text()


def test_the_file_can_reach_nobody(alone: str, portal: Path, chromium: Any) -> None:
    """Its own policy forbids it every connection, and it names no other file."""
    text = (portal / "verify.html").read_text()
    head = text[: text.index("</head>")]
    assert "default-src 'none'" in head
    assert "connect-src" not in head
    assert 'src="' not in head.replace('src="data:', "")
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(alone)
    tried = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'refused')")
    page.close()
    assert tried == "refused"
    assert any("Content Security Policy" in line for line in said)


def test_by_keyboard_alone(alone: str, tab: Any) -> None:
    """Paste a policy and a receipt, check, and read the bytes of a step without a mouse."""
    page = tab(offline=True)
    page.goto(alone)

    def to(text: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = "(document.activeElement.ariaLabel || document.activeElement.textContent || '')"
            if page.evaluate(focused).strip() == text:
                return
        pytest.fail(f"want {text!r} within 60 presses of Tab, got none")

    to("Paste a trust policy")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.insert_text(POLICY.read_text())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("example.org/city").first.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.locator("h1").focus()
    to("Paste a receipt")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.insert_text((RECEIPTS / "valid-ndjson.json").read_text())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".banner.yes")
    assert page.evaluate("document.activeElement.id") == "outcome"  # the reader is taken to it
    to("Show the bytes")
    page.keyboard.press("Enter")
    assert page.locator(".step[data-step=checkpoint] pre").inner_text().startswith("example.org/city\n7\n")


LANGUAGES = {"en": "The receipt holds", "vi": "Biên nhận hợp lệ", "id": "Tanda bukti sah"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_languages_and_colours(
    alone: str, tab: Any, axe: Callable[[Any], list[str]], language: str, scheme: str
) -> None:
    """Each language says it in its own words, and axe finds nothing serious, in the light and in the dark."""
    page = tab(offline=True, locale=language, color_scheme=scheme, viewport={"width": 390, "height": 844})
    page.goto(alone)
    give(page, POLICY, RECEIPTS / "valid-ndjson.json")
    page.wait_for_selector(".banner.yes")
    assert LANGUAGES[language] in page.locator(".banner.yes").inner_text()
    assert page.evaluate("document.documentElement.lang") == language
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".try button").click()
    page.wait_for_selector(".banner.no")
    assert axe(page) == []
