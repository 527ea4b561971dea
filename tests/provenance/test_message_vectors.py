"""The vectors of signed messages are what the script writes, and hold for us and for a stranger."""

import base64
import json
from pathlib import Path

import check_messages
import make_messages

from veracity.data.bodies import cut_body
from veracity.provenance.errors import EnvelopeRejected
from veracity.provenance.keys import PublicKey
from veracity.provenance.messages import parse_message, records_root, signed_text

PATH = Path(__file__).parents[1] / "vectors" / "messages" / "signed.json"


def test_they_are_as_the_script_writes_them() -> None:
    assert json.loads(PATH.read_text("utf-8"))["vectors"] == make_messages.vectors()


def test_a_stranger_finds_them_so() -> None:
    """A second implementation, from the page alone."""
    assert check_messages.check(PATH) == []


def test_we_find_them_so() -> None:
    for vector in make_messages.vectors():
        message = parse_message(base64.b64decode(vector["message"]))
        records = cut_body(message.body, vector["kind"])
        assert [r.decode() for r in records] == vector["records"], vector["name"]
        key = PublicKey.parse(vector["public_key"])
        text = signed_text(vector["feed"], vector["device"], len(records), records_root(records))
        try:
            key.verify(message.signature or b"", text)
            holds = message.keyid == key.keyid
        except EnvelopeRejected:
            holds = False
        assert holds == vector["holds"], vector["name"]
