"""The page about messages of devices: its example, its Python and its reasons are true."""

import re
from pathlib import Path

import make_messages

from veracity.home.live.arrivals import REASONS
from veracity.provenance.messages import records_root, sign_message, signed_text

PAGE = Path(__file__).parents[2] / "docs" / "device-messages.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_example_is_the_first_vector() -> None:
    """What is signed, and the message, to the byte."""
    one = make_messages.vectors()[0]
    records = [r.encode() for r in one["records"]]
    text = signed_text(one["feed"], one["device"], 1, records_root(records)).decode()
    message = sign_message(records[0], records, one["feed"], one["device"], make_messages.KEY)
    assert text in blocks("text")
    assert message.decode() + "\n" in blocks("text")


def test_the_python_runs() -> None:
    (code,) = blocks("python")
    exec(compile(code, "device-messages.md", "exec"), {})  # noqa: S102 - the page's own lines


def test_every_reason_is_told() -> None:
    told = set(re.findall(r"`([a-z-]+)`", PAGE.read_text("utf-8").split("| reason |")[1].split("\n\n")[0]))
    assert told == {*REASONS, "fault"}
