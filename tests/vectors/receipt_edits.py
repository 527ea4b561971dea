"""Edits (JSON Patch, RFC 6902) of good receipts: each with how the receipt must fail then."""

import copy
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from decision_world import SystemWorld
from live_world import AQ06, LiveWorld
from receipt_world import World

from veracity.provenance.receipts import Receipt, format_receipt


@dataclass(frozen=True)
class Edit:
    """One change to a valid receipt, and how it must fail."""

    name: str
    patch: list[dict[str, Any]]
    code: str = "receipt-rejected"
    step: str | None = None

    def to_object(self, base: str) -> dict[str, Any]:
        return {"name": self.name, "base": base, "patch": self.patch, "code": self.code, "step": self.step}


def put(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


def edits(world: World, receipt: Receipt) -> list[Edit]:
    """Return the edits of ``receipt``, the record 5 of part 1."""
    document = json.loads(format_receipt(receipt))
    proof: str = document["proof"]
    lines = proof.split("\n")
    swapped = [document["keys"][1], document["keys"][0], *document["keys"][2:]]
    page = document["record"]["pages"][0]
    older = world.prove(world.contract_index, size=len(world.entries) - 1)
    transform = world.prove(world.transform_index).to_object()

    def proof_line(number: int, text: str) -> str:
        return "\n".join([*lines[:number], text, *lines[number + 1 :]])

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, code="malformed-receipt")

    return [
        malformed("schema of another version", put("/schema", "veracity.receipt/v2")),
        malformed("a name nobody knows", [{"op": "add", "path": "/note", "value": "trust me"}]),
        malformed("no keys at all", [{"op": "remove", "path": "/keys"}]),
        malformed("entry is no envelope", put("/entry", "{}")),
        malformed("proof index with a leading zero", put("/proof", proof_line(1, "index 05"))),
        malformed("page path with stray bits", put("/parts/path/0", stray(document["parts"]["path"][0]))),
        malformed("length 0", put("/record/length", 0)),
        malformed("a negative offset", put("/record/offset", -1)),
        malformed("row without a record", put("/record", None)),
        malformed("a row of lists", put("/row/pm25", [1])),
        rejected("checkpoint of another size", "checkpoint", put("/proof", proof.replace("\n7\n", "\n8\n"))),
        rejected(
            "checkpoint of another origin", "checkpoint", put("/proof", proof.replace("city\n7", "town\n7"))
        ),
        rejected(
            "contract proven in an older tree", "checkpoint", put("/contract/proof", older.proof.format())
        ),
        rejected("entry with another batch", "entry", put("/entry", other_batch(document["entry"]))),
        rejected("entry of the log's other index", "entry", put("/proof", proof_line(1, "index 4"))),
        rejected("index beyond the tree", "entry", put("/proof", proof_line(1, "index 7"))),
        rejected("a hash of the proof", "entry", put("/proof", proof_line(2, flipped(lines[2])))),
        rejected("a hash too few", "entry", put("/proof", "\n".join([*lines[:2], *lines[3:]]))),
        rejected("operator's key left out", "keys", [{"op": "remove", "path": "/keys/0"}]),
        rejected("keys in another order", "keys", put("/keys", swapped)),
        rejected("another key's entry", "keys", put("/keys/1/entry", document["keys"][2]["entry"])),
        rejected("agency's key left out", "delivery", [{"op": "remove", "path": "/keys/1"}]),
        rejected("contract left out", "contract", put("/contract", None)),
        rejected(
            "contract with a comment more",
            "contract",
            put("/contract/text", document["contract"]["text"] + "# .\n"),
        ),
        rejected(
            "another statement as the contract's",
            "contract",
            [{"op": "replace", "path": f"/contract/{k}", "value": v} for k, v in transform.items()],
        ),
        rejected("parts left out", "parts", put("/parts", None)),
        rejected("part of another index", "parts", put("/parts/index", 0)),
        rejected("part of another number", "parts", put("/parts/n", 3)),
        rejected("a hash of the parts", "parts", put("/parts/path/0", flipped(document["parts"]["path"][0]))),
        rejected(
            "one letter of the page",
            "pages",
            put("/record/pages/0/text", page["text"].replace("AQ05", "AQ06", 1)),
        ),
        rejected("page of another index", "pages", put("/record/pages/0/index", 1)),
        rejected(
            "a hash too many for the page", "pages", put("/record/pages/0/path", document["parts"]["path"])
        ),
        rejected("a page twice", "pages", put("/record/pages", [page, page])),
        rejected("another batch", "pages", put("/record/batch", 0)),
        rejected("record beyond the batch", "pages", put("/record/record", 22)),
        rejected("no page", "record", put("/record/pages", [])),
        rejected("the record's neighbour", "record", put("/record/record", 6)),
        rejected(
            "bytes from within the record", "record", put("/record/offset", document["record"]["offset"] + 1)
        ),
        rejected("bytes beyond the page", "record", put("/record/length", 1_000_000)),
        rejected("two records as one", "record", put("/record/length", 2 * document["record"]["length"])),
        rejected("one value of the row", "row", put("/row/pm25", 11.25)),
        rejected("a column left out of the row", "row", [{"op": "remove", "path": "/row/pm25"}]),
        rejected("a column more in the row", "row", [{"op": "add", "path": "/row/pm10", "value": None}]),
        rejected("a number as text", "row", put("/row/pm25", str(document["row"]["pm25"]))),
    ]


def edits_of_second(receipt: Receipt) -> list[Edit]:
    """Return the edits of a receipt with one revocation and no time stamp."""
    document = json.loads(format_receipt(receipt))
    (revocation,) = document["revocations"]
    stamp = b64encode(b"not looked at without roots").decode()

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(name, patch, code="malformed-receipt")

    return [
        malformed("version 2 with neither", put("/revocations", None)),
        malformed("version 2 with empty revocations", put("/revocations", [])),
        malformed("version 2 with empty time stamps", put("/time_stamps", [])),
        malformed("version 2 without the name time_stamps", [{"op": "remove", "path": "/time_stamps"}]),
        malformed("version 1 with revocations", put("/schema", "veracity.receipt/v1")),
        malformed("a time stamp that is no base64", put("/time_stamps", ["."])),
        malformed("an empty time stamp", put("/time_stamps", [""])),
        malformed("five time stamps", put("/time_stamps", [stamp] * 5)),
        malformed("a time stamp too long", put("/time_stamps", ["A" * 4 * 10_923])),
        rejected("a revocation among the keys", "keys", put("/keys", [*document["keys"], revocation])),
        rejected("a key among the revocations", "revocations", put("/revocations", [document["keys"][1]])),
        rejected("a revocation twice", "revocations", put("/revocations", [revocation] * 2)),
        rejected(
            "another entry as the revocation",
            "revocations",
            put("/revocations/0/entry", document["keys"][1]["entry"]),
        ),
        rejected(
            "a revocation proven in an older tree",
            "checkpoint",
            put("/revocations/0/proof", revocation["proof"].replace("\n8\n", "\n9\n")),
        ),
    ]


def edits_of_decision(world: SystemWorld, receipt: Receipt) -> list[Edit]:
    """Return the edits of a receipt of a decision, record 4 of the run."""
    document = json.loads(format_receipt(receipt))
    page, release = document["record"]["pages"][0], document["release"]
    decide = world.world.prove(world.decide_at).to_object()

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"decision: {name}", patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"decision: {name}", patch, code="malformed-receipt")

    contract = {"text": "a", **release}
    return [
        malformed("version 2 with a release", put("/schema", "veracity.receipt/v2")),
        malformed("version 1 with a release", put("/schema", "veracity.receipt/v1")),
        malformed("version 3 without the name release", [{"op": "remove", "path": "/release"}]),
        malformed("version 3 with a release of null", put("/release", None)),
        malformed("version 3 without the name revocations", [{"op": "remove", "path": "/revocations"}]),
        malformed("version 4", put("/schema", "veracity.receipt/v4")),
        malformed("a row without a record", [*put("/record", None), *put("/row", {})]),
        rejected("with a row", "statement", put("/row", {"q500": 20.5})),
        rejected("with a contract", "statement", put("/contract", contract)),
        rejected("with parts", "statement", put("/parts", {"index": 0, "n": 1, "path": []})),
        rejected("the run as its own release", "release", put("/release", decide)),
        rejected("a key as the release", "release", put("/release", document["keys"][0])),
        rejected("the release's entry changed", "release", put("/release/entry", decide["entry"])),
        rejected(
            "a release proven in another tree",
            "checkpoint",
            put("/release/proof", release["proof"].replace("city\n14\n", "city\n15\n")),
        ),
        rejected("the officer's key left out", "release", [{"op": "remove", "path": "/keys/1"}]),
        rejected("another run", "pages", put("/record/batch", 1)),
        rejected("a decision beyond the run", "pages", put("/record/record", 70)),
        rejected("another page", "pages", put("/record/pages/0/index", 1)),
        rejected(
            "one digit of the page",
            "pages",
            put("/record/pages/0/text", page["text"].replace("20.5", "20.6")),
        ),
        rejected("the decision's neighbour", "record", put("/record/record", 5)),
        rejected("two decisions as one", "record", put("/record/length", 2 * document["record"]["length"])),
        rejected("no page", "record", put("/record/pages", [])),
    ]


def edits_of_message(world: LiveWorld, receipt: Receipt) -> list[Edit]:
    """Return the edits of a receipt of the third of five records that a device signed."""
    document = json.loads(format_receipt(receipt))
    message = document["message"]
    other = json.loads(format_receipt(world.receipt(0)))["message"]
    less = [{"op": "remove", "path": f"/{name}"} for name in ("message", "revocations", "time_stamps")]
    device = next(i for i, key in enumerate(world.world.key_indices) if key == 8)

    def rejected(name: str, step: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"message: {name}", patch, step=step)

    def malformed(name: str, patch: list[dict[str, Any]]) -> Edit:
        return Edit(f"message: {name}", patch, code="malformed-receipt")

    return [
        *(malformed(f"in version {n}", put("/schema", f"veracity.receipt/v{n}")) for n in (1, 2, 3, 5)),
        malformed("left out of version 4", [{"op": "remove", "path": "/message"}]),
        malformed("null in version 4", put("/message", None)),
        malformed("version 4 without the name revocations", [{"op": "remove", "path": "/revocations"}]),
        malformed("version 4 with empty time stamps", put("/time_stamps", [])),
        malformed("without a record", [*put("/record", None), *put("/row", None)]),
        malformed("of no records", put("/message/n", 0)),
        malformed("at a negative index", put("/message/index", -1)),
        malformed("a name more", [{"op": "add", "path": "/message/device", "value": AQ06}]),
        malformed("a key ID in capitals", put("/message/keyid", message["keyid"].upper())),
        malformed("a signature too short", put("/message/signature", message["signature"][:-4])),
        malformed("a path with stray bits", put("/message/path/0", stray(message["path"][0]))),
        rejected("left out, as version 1", "message", [*less, *put("/schema", "veracity.receipt/v1")]),
        rejected("of another index", "message", put("/message/index", 1)),
        rejected("of an index beyond it", "message", put("/message/index", 5)),
        rejected("of more records", "message", put("/message/n", 6)),
        rejected("a hash of the path", "message", put("/message/path/0", flipped(message["path"][0]))),
        rejected("a hash too few", "message", put("/message/path", message["path"][:-1])),
        rejected("a hash too many", "message", put("/message/path", [*message["path"], message["path"][0]])),
        rejected(
            "as if of this record alone",
            "message",
            [*put("/message/n", 1), *put("/message/index", 0), *put("/message/path", [])],
        ),
        rejected("the signature of another", "message", put("/message/signature", other["signature"])),
        rejected("the key of another", "message", put("/message/keyid", other["keyid"])),
        rejected("another message", "message", put("/message", other)),
        rejected("a key nobody enrolled", "message", put("/message/keyid", "ab" * 32)),
        rejected("the device's key left out", "message", [{"op": "remove", "path": f"/keys/{device}"}]),
        rejected("the record's neighbour", "record", put("/record/record", 4)),
        rejected(
            "one digit of the page",
            "pages",
            put("/record/pages/0/text", document["record"]["pages"][0]["text"].replace("AQ03", "AQ04", 1)),
        ),
        rejected("parts", "parts", put("/parts", {"index": 0, "n": 1, "path": []})),
    ]


def edits_with_message(message: Any) -> list[Edit]:
    """Return the edits of a good receipt of a file's record that put a message in it."""
    more = {"message": message, "revocations": None, "time_stamps": None}
    added = [{"op": "add", "path": f"/{name}", "value": value} for name, value in more.items()]
    return [
        Edit("message: of a file's record", [*put("/schema", "veracity.receipt/v4"), *added], step="message")
    ]


def flipped(text: str) -> str:
    """Return a base64 hash with its first bit flipped."""
    raw = b64decode(text)
    return b64encode(bytes([raw[0] ^ 0x80]) + raw[1:]).decode()


def stray(text: str) -> str:
    """Return a base64 hash written with bits that belong to no byte."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:-2] + alphabet[alphabet.index(text[-2]) ^ 1] + "="


def other_batch(entry: str) -> str:
    """Return the envelope with another batch number and its old signature."""
    envelope = json.loads(entry)
    payload = b64decode(envelope["payload"]).replace(b'"batch":1,', b'"batch":9,')
    return json.dumps({**envelope, "payload": b64encode(payload).decode()}, separators=(",", ":"))


def apply_patch(document: Any, patch: list[dict[str, Any]]) -> Any:
    """Apply the three operations of RFC 6902 that the vectors use."""
    document = copy.deepcopy(document)
    for operation in patch:
        *parents, last = operation["path"].split("/")[1:]
        target = document
        for name in parents:
            target = target[int(name)] if isinstance(target, list) else target[name]
        at = int(last) if isinstance(target, list) else last
        if operation["op"] == "remove":
            del target[at]
        else:
            target[at] = operation["value"]
    return document
