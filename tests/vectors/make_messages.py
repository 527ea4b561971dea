"""Write the vectors of signed messages: ``python tests/vectors/make_messages.py``.

Each says what a device of a known key sends, and why a reader must take it or not. They are checked by
``check_messages.py``, which knows the format from its page alone.
"""

import base64
import json
from pathlib import Path
from typing import Any

from veracity.provenance.keys import SigningKey
from veracity.provenance.messages import records_root, sign_message, signed_text

HERE = Path(__file__).parent / "messages"
KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(range(1, 33)))
FEED, DEVICE = "air-quality", "city-lab/aq07"
ONE = [b'{"station":"AQ07","observed_at":"2026-09-14T17:05:00Z","pm25":12.3}']
MORE = [
    b'{"station":"AQ07","observed_at":"2026-09-14T17:%02d:00Z","pm25":%d.5}' % (minute, minute)
    for minute in range(0, 35, 5)
]
CSV = [b"station,observed_at,pm25", b"AQ07,2026-09-14T17:05:00Z,12.3", b'AQ07,2026-09-14T17:10:00Z,"12,9"']


def vector(
    name: str, message: bytes, records: list[bytes], holds: bool, why: str, **of: str
) -> dict[str, Any]:
    """One vector: the message in base64, its records, and whether the signature is the device's."""
    return {
        "name": name,
        "feed": of.get("feed", FEED),
        "device": of.get("device", DEVICE),
        "public_key": KEY.public.format(),
        "kind": of.get("kind", "ndjson"),
        "message": base64.b64encode(message).decode(),
        "records": [r.decode() for r in records],
        "root": records_root(records).hex(),
        "holds": holds,
        "why": why,
    }


def vectors() -> list[dict[str, Any]]:
    """All of them."""
    one = sign_message(ONE[0], ONE, FEED, DEVICE, KEY)
    lines = b"\r\n".join(MORE) + b"\r\n"
    array = b"[" + b", ".join(MORE) + b"]"
    swapped = sign_message(b"\n".join(MORE), MORE, FEED, DEVICE, KEY)
    return [
        vector("one", one, ONE, True, "one record"),
        vector("lines", sign_message(lines, MORE, FEED, DEVICE, KEY), MORE, True, "line ends are not signed"),
        vector(
            "array", sign_message(array, MORE, FEED, DEVICE, KEY), MORE, True, "an array's items are records"
        ),
        vector(
            "compressed",
            sign_message(lines, MORE, FEED, DEVICE, KEY, compress=True),
            MORE,
            True,
            "what is compressed is signed as it was before",
        ),
        vector(
            "csv",
            sign_message(b"\n".join(CSV), CSV, FEED, DEVICE, KEY),
            CSV,
            True,
            "the header is a record",
            kind="csv",
        ),
        vector(
            "changed", one.replace(b"12.3", b"12.4"), [ONE[0].replace(b"12.3", b"12.4")], False, "one digit"
        ),
        vector("other-feed", one, ONE, False, "sent to another feed", feed="water"),
        vector("other-device", one, ONE, False, "sent as another device", device="city-lab/aq08"),
        vector(
            "other-key", sign_message(ONE[0], ONE, FEED, DEVICE, OTHER), ONE, False, "signed by another key"
        ),
        vector(
            "order",
            swapped.replace(b"\n".join(MORE), b"\n".join(MORE[::-1])),
            MORE[::-1],
            False,
            "the same records in another order",
        ),
        vector(
            "whole-text",
            one.split(b"\n")[0].replace(
                base64.b64encode(KEY.sign(signed_text(FEED, DEVICE, 1, records_root(ONE)))),
                base64.b64encode(KEY.sign(ONE[0])),
            )
            + b"\n"
            + ONE[0],
            ONE,
            False,
            "the record itself was signed, not the text that names feed and device",
        ),
    ]


if __name__ == "__main__":
    body = json.dumps({"schema": "veracity.message-vectors/v1", "vectors": vectors()}, indent=1)
    (HERE / "signed.json").write_text(body + "\n", encoding="utf-8")
