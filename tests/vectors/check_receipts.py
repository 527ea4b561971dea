"""A second implementation of ``docs/receipt.md``, written from that page alone.

It imports nothing of the package: the standard library and Ed25519 only. It says yes or no,
checks no row and looks at no time stamp.
``python tests/vectors/check_receipts.py POLICY RECEIPT...`` prints each verdict.
"""

import json
import sys
from base64 import b64decode
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TIMES = {
    "ingest": "received_at",
    "reject": "decided_at",
    "erase": "erased_at",
    "withdraw": "said_at",
    "incident": "said_at",
    "train": "trained_at",
    "assure": "assured_at",
    "release": "released_at",
    "decide": "made_at",
    "override": "overridden_at",
    "outcome": "scored_at",
    "access": "done_at",
}
IN_TOTO = "application/vnd.in-toto+json"


class No(Exception):
    """The receipt does not hold; the first argument names the step."""


def need(truth: bool, step: str) -> None:
    if not truth:
        raise No(step)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """Return the root that a path leads to, from its definition: the tree halved from the top."""
    if not 0 <= index < size:
        return None
    if size == 1:
        return leaf if not path else None
    if not path:
        return None
    half = 1 << ((size - 1).bit_length() - 1)
    is_left = index < half
    inner = root_of(leaf, index if is_left else index - half, half if is_left else size - half, path[:-1])
    if inner is None:
        return None
    return sha256(b"\x01" + (inner + path[-1] if is_left else path[-1] + inner)).digest()


def checkpoint_of(policy: str, note: str) -> tuple[int, bytes]:
    """Check a policy of one log and no witness; return tree size and root."""
    (vkey,) = [line.split()[1] for line in policy.splitlines() if line.startswith("log ")]
    name, _, encoded = vkey.split("+", 2)
    key = b64decode(encoded)
    key_id = sha256(name.encode() + b"\n" + key).digest()[:4]
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    signatures = [b64decode(x.split(" ")[2]) for x in lines.splitlines() if x.startswith(f"— {name} ")]
    ours = [s for s in signatures if s[:4] == key_id]
    need(bool(ours) and all(is_signed(key[1:], s[4:], text.encode()) for s in ours), "checkpoint")
    origin, size, root = text.splitlines()[:3]
    need(origin == name, "checkpoint")
    return int(size), b64decode(root)


class Log:
    """One checkpoint, and the keys enrolled so far."""

    def __init__(self, policy: str, proof: str) -> None:
        self.note = proof.partition("\n\n")[2]
        self.size, self.root = checkpoint_of(policy, self.note)
        self.keys: dict[str, dict[str, Any]] = {}

    def included(self, stated: dict[str, Any], step: str) -> int:
        head, _, note = stated["proof"].partition("\n\n")
        need(note == self.note, "checkpoint")
        _, index, *path = head.split("\n")
        number = int(index.removeprefix("index "))
        leaf = sha256(b"\x00" + stated["entry"].encode()).digest()
        need(root_of(leaf, number, self.size, [b64decode(p) for p in path]) == self.root, step)
        return number

    def signer(
        self, envelope: dict[str, Any], index: int, step: str, at: str | None = None
    ) -> dict[str, Any]:
        known = [s for s in envelope["signatures"] if s["keyid"] in self.keys]
        need(bool(known), step)
        key = self.keys[known[0]["keyid"]]
        need(key["from"] <= index <= key.get("to", index), step)
        for end in (key["expires"], key["void"]):
            need(at is None or end is None or when(at) < when(end), step)
        body = b64decode(envelope["payload"])
        message = b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(body), body)
        need(envelope["payloadType"] == IN_TOTO, step)
        need(is_signed(key["raw"], b64decode(known[0]["sig"]), message), step)
        return key

    def enrol(self, stated: dict[str, Any], index: int, step: str = "keys") -> None:
        """Take in a change of keys."""
        envelope = json.loads(stated["entry"])
        payload = json.loads(b64decode(envelope["payload"]))
        need(payload["predicateType"] == "urn:veracity:enrol:v1", step)
        said = payload["predicate"]
        raw = b64decode(said["key"]["public"].removeprefix("ed25519:"))
        keyid, as_of = sha256(raw).hexdigest(), said["as_of"]
        need(keyid == said["key"]["keyid"], step)
        key = {
            "raw": raw,
            "name": said["agency"],
            "agency": said["agency"].split("/")[0] if said["role"] == "device" else said["agency"],
            "role": said["role"],
            "from": index,
            "expires": said.get("expires"),
            "void": None,
            "as_of": as_of,
            "by": keyid,
            "person": said.get("person"),
            "duties": said.get("duties"),
        }
        need((key["role"] == "officer") == (key["person"] is not None) == (key["duties"] is not None), step)
        if index == 0:
            need(said["role"] == "operator" and said["action"] == "enrol", step)
            self.keys[keyid] = key
            self.signer(envelope, 0, step)
            return
        signer = self.signer(envelope, index, step)
        key["by"] = sha256(signer["raw"]).hexdigest()
        is_operator = signer["role"] == "operator"
        renews = is_operator and said["replaces"] == key["by"]
        if signer["expires"] is not None and not renews:
            need(as_of is not None and when(as_of) < when(signer["expires"]), step)
        if said["action"] == "revoke":
            self.revoke(keyid, said, index, step, signer)
            return
        of_agency = signer["role"] == "agency" and signer["agency"] == key["agency"]
        need(keyid not in self.keys, step)
        for same in (k for k in self.keys.values() if k["name"] == key["name"]):
            need((same["role"], same["person"]) == (key["role"], key["person"]), step)
        if said["action"] == "rotate":
            old = self.keys[said["replaces"]]
            need((old["person"], old["duties"]) == (key["person"], key["duties"]), step)
            need((old["name"], old["role"]) == (key["name"], key["role"]), step)
            need(index <= old.get("to", index), step)
            is_device = key["role"] == "device"
            need(is_operator or (of_agency if is_device else key["by"] == said["replaces"]), step)
            old["to"] = index
        elif key["role"] == "device":
            agencies = {k["name"] for k in self.keys.values() if k["role"] == "agency"}
            need(key["name"].count("/") == 1 and key["agency"] in agencies, step)
            need(is_operator or of_agency, step)
        else:
            need(is_operator, step)
        self.keys[keyid] = key

    def revoke(self, keyid: str, said: dict[str, Any], index: int, step: str, signer: dict[str, Any]) -> None:
        """End a key, what it signed from ``as_of`` on, and the keys that it brought since."""
        need(keyid in self.keys, step)
        old, as_of = self.keys[keyid], said["as_of"]
        need((old["name"], old["role"]) == (said["agency"], said["role"]), step)
        need((old["person"], old["duties"]) == (said.get("person"), said.get("duties")), step)
        of_agency = signer["role"] == "agency" and signer["agency"] == old["agency"]
        need(signer["role"] == "operator" or of_agency, step)
        if old["role"] == "operator":
            as_of = None
            others = [k for k in self.keys.values() if k["role"] == "operator" and "to" not in k]
            need(len(others) > 1, step)
        if "to" in old:
            need(as_of is not None and (old["void"] is None or when(as_of) < when(old["void"])), step)
        old.setdefault("to", index)
        if as_of is not None:
            self.take_back(keyid, as_of, index)

    def take_back(self, keyid: str, as_of: str, index: int) -> None:
        self.keys[keyid]["void"] = as_of
        self.keys[keyid].setdefault("to", index)
        for other, key in self.keys.items():
            late = key["as_of"] is None or when(key["as_of"]) >= when(as_of)
            counts = key["void"] is None or when(key["void"]) > when(as_of)
            if key["by"] == keyid and other != keyid and late and counts:
                self.take_back(other, as_of, index)


def check(data: bytes, policy: str) -> None:
    """Return if the receipt holds, else raise No with the step."""
    receipt = json.loads(data)
    version = ("v1", "v2", "v3", "v4").index(receipt["schema"].removeprefix("veracity.receipt/")) + 1
    need((version > 1) == ("revocations" in receipt) == ("time_stamps" in receipt), "schema")
    need((version == 3) == (receipt.get("release") is not None), "schema")
    need((version == 4) == (receipt.get("message") is not None), "schema")
    revocations = receipt.get("revocations") or []
    need(version != 2 or bool(revocations or receipt["time_stamps"]), "schema")
    log = Log(policy, receipt["proof"])
    others = [*receipt["keys"], *([receipt["contract"]] if receipt["contract"] else [])]
    others += revocations + ([receipt["release"]] if version == 3 else [])
    need(all(o["proof"].partition("\n\n")[2] == log.note for o in others), "checkpoint")
    last = -1
    mine = int(receipt["proof"].split("\n")[1].removeprefix("index "))
    for stated in receipt["keys"]:
        index = log.included(stated, "keys")
        need(last < index < mine and (last >= 0 or index == 0), "keys")
        log.enrol(stated, index)
        last = index
    need(last >= 0 or mine == 0, "keys")
    log.included(receipt, "entry")
    if mine == 0:
        log.enrol(receipt, 0)
    envelope = json.loads(receipt["entry"])
    statement = json.loads(b64decode(envelope["payload"]))
    kind = statement["predicateType"].split(":")[2]
    at = statement["predicate"].get(TIMES.get(kind))
    if statement["predicateType"] != "urn:veracity:enrol:v1":
        need(log.signer(envelope, mine, "signature", at)["role"] == "operator", "signature")
    elif mine > 0:
        log.enrol(receipt, mine, "signature")
    need(
        kind == "ingest" or (receipt["contract"], receipt["parts"], receipt["row"]) == (None,) * 3,
        "statement",
    )
    need(kind in ("ingest", "decide") or receipt["record"] is None, "statement")
    need(kind == "decide" or version != 3, "statement")
    need(kind == "ingest" or version != 4, "statement")
    last = mine
    for stated in revocations:
        index = log.included(stated, "revocations")
        need(index > last, "revocations")
        log.enrol(stated, index, "revocations")
        last = index
    if statement["predicateType"] == "urn:veracity:enrol:v1" and statement["predicate"]["action"] != "revoke":
        key = log.keys[statement["predicate"]["key"]["keyid"]]
        never = key["void"] is not None and (key["as_of"] is None or when(key["as_of"]) >= when(key["void"]))
        need(not never, "revocations")
    if statement["predicateType"] == "urn:veracity:ingest:v1":
        check_ingest(receipt, statement["predicate"], mine, log)
    if kind in ("release", "override", "incident") and statement["predicate"]["approval"]:
        check_approval(kind, statement["predicate"], mine, log, "approval")
    if kind == "decide":
        check_decide(receipt, statement["predicate"], mine, log)


def check_approval(kind: str, said: dict[str, Any], index: int, log: Log, step: str) -> None:
    """Check that an officer with the duty approved just this, in time."""
    at = said[TIMES[kind]]
    officer = log.signer(said["approval"], index, step, at)
    approve = json.loads(b64decode(said["approval"]["payload"]))["predicate"]
    need(officer["role"] == "officer" and approve["by"] == officer["person"], step)
    acts = said.get("stage") == "act" and said["action"] != "stop"
    need((kind if kind != "release" else "act" if acts else "release") in officer["duties"], step)
    need(when(approve["approved_at"]) <= when(at) + timedelta(minutes=5), step)


def check_decide(receipt: dict[str, Any], decide: dict[str, Any], mine: int, log: Log) -> None:
    """Check the release, and the decision on its page: what it says and when it is due."""
    stated, record = receipt.get("release"), receipt["record"]
    need(decide["release"] is not None or stated is None, "release")
    need(decide["release"] is None or record is None or stated is not None, "release")
    if stated is not None:
        index = log.included(stated, "release")
        need(index == decide["release"] and index < mine, "release")
        envelope = json.loads(stated["entry"])
        payload = json.loads(b64decode(envelope["payload"]))
        need(payload["predicateType"] == "urn:veracity:release:v1", "release")
        said = payload["predicate"]
        signer = log.signer(envelope, index, "release", said["released_at"])
        need(signer["role"] == "operator" and said["action"] != "stop", "release")
        need(all(said[k] == decide[k] for k in ("system", "model", "stage")), "release")
        need(decide["simulated"] or not said["simulated"], "release")
        need(when(said["released_at"]) <= when(decide["made_at"]), "release")
        check_approval("release", said, index, log, "release")
    if record is None:
        return
    rendered = {"evidence": decide["evidence"], "part": {"n_records": decide["output"]["rows"]}}
    run = {"batch": decide["run"], "file": {"kind": "ndjson"}}
    check_record(record, {**rendered, **run}, bytes.fromhex(decide["evidence"]["root"]))
    joined = b"".join(bytes_of(page) for page in record["pages"])
    check_decision(joined[record["offset"] : record["offset"] + record["length"]], decide["made_at"])


def check_decision(data: bytes, made_at: str) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(pairs)) == len(pairs), "row")
        return dict(pairs)

    try:
        row = json.loads(data, object_pairs_hook=once)
    except ValueError:
        raise No("row") from None
    need(isinstance(row, dict) and len(row) <= 1_000, "row")
    need(not any(isinstance(value, dict | list) for value in row.values()), "row")
    due = row.get("due")
    need(isinstance(due, str) and due.endswith("Z"), "due")
    ahead = row.get("horizon_s")
    need(when(due) > when(made_at) or (type(ahead) is int and ahead == 0), "due")


def check_ingest(receipt: dict[str, Any], ingest: dict[str, Any], mine: int, log: Log) -> None:
    """Check contract, delivery, parts, pages and record, in the order of the specification."""
    contract, record, parts = receipt["contract"], receipt["record"], receipt["parts"]
    need(record is None or contract is not None, "contract")
    terms = check_contract(contract, ingest, mine, log) if contract else None
    root = bytes.fromhex(ingest["evidence"]["root"])
    if ingest["delivery"] is None:
        optional = terms is None or terms["signature"] == "optional" or "released" in ingest
        need(optional or ingest.get("messages", {}).get("signed") is True, "delivery")
        need(parts is None, "parts")
    else:
        signer = log.signer(ingest["delivery"], mine, "delivery", ingest["received_at"])
        need(terms is None or terms["agency"] in (None, signer["agency"]), "delivery")
        said = json.loads(b64decode(ingest["delivery"]["payload"]))["predicate"]
        need(said["feed"] == ingest["feed"], "delivery")
        need(all(said["file"][k] == ingest["file"][k] for k in ("sha256", "bytes")), "delivery")
        need(said["evidence"]["records_per_page"] == ingest["evidence"]["records_per_page"], "delivery")
        need(parts is not None, "parts")
        part, n = ingest["part"], said["evidence"]["n_parts"]
        need((parts["index"], parts["n"]) == (part["index"], n), "parts")
        need(part["last"] == (part["index"] == n - 1), "parts")
        need((part["index"] == 0) == (part["first_record"] == 0), "parts")
        end = part["first_record"] + part["n_records"]
        need(not part["last"] or end == said["evidence"]["n_records"], "parts")
        path = [b64decode(p) for p in parts["path"]]
        need(root_of(root, parts["index"], n, path) == bytes.fromhex(said["evidence"]["root"]), "parts")
    if record is not None:
        check_record(record, ingest, root)
        check_message(receipt, ingest, terms, mine, log)


def check_message(
    receipt: dict[str, Any], ingest: dict[str, Any], terms: dict[str, Any] | None, mine: int, log: Log
) -> None:
    """Check that who may sign for the feed signed the message that the record came in."""
    message, record = receipt.get("message"), receipt["record"]
    need("messages" in ingest or message is None, "message")
    if message is None:
        needed = "messages" in ingest and terms is not None and terms["signature"] == "required"
        need(not needed, "message")
        return
    need(message["keyid"] in log.keys, "message")
    key = log.keys[message["keyid"]]
    need(key["from"] <= mine <= key.get("to", mine), "message")
    for end in (key["expires"], key["void"]):
        need(end is None or when(ingest["received_at"]) < when(end), "message")
    need(key["role"] in ("device", "agency"), "message")
    need(terms is None or terms["agency"] in (None, key["agency"]), "message")
    joined = b"".join(bytes_of(page) for page in record["pages"])
    data = joined[record["offset"] : record["offset"] + record["length"]]
    need(data[-1:] == b"\n", "message")
    leaf, path = sha256(b"\x00" + data[:-1]).digest(), [b64decode(p) for p in message["path"]]
    root = root_of(leaf, message["index"], message["n"], path)
    if root is None:
        raise No("message")
    lines = ["veracity-message/v1", ingest["feed"], key["name"], str(message["n"]), root.hex(), ""]
    need(is_signed(key["raw"], b64decode(message["signature"]), "\n".join(lines).encode()), "message")


def check_contract(contract: dict[str, Any], ingest: dict[str, Any], mine: int, log: Log) -> dict[str, Any]:
    """Check the contract's statement and bytes; return what it says."""
    index = log.included(contract, "contract")
    envelope = json.loads(contract["entry"])
    said = json.loads(b64decode(envelope["payload"]))
    need(said["predicateType"] == "urn:veracity:contract:v1", "contract")
    terms: dict[str, Any] = said["predicate"]
    need(index < mine and log.signer(envelope, index, "contract")["role"] == "operator", "contract")
    need(sha256(bytes_of(contract)).hexdigest() == terms["sha256"] == ingest["contract"], "contract")
    need(all(terms[k] == ingest[k] for k in ("feed", "simulated")), "contract")
    return terms


def check_record(record: dict[str, Any], ingest: dict[str, Any], root: bytes) -> None:
    """Check the pages and the bytes of the record."""
    evidence, part = ingest["evidence"], ingest["part"]
    need(record["batch"] == ingest["batch"] and record["record"] < part["n_records"], "pages")
    indices = [page["index"] for page in record["pages"]]
    need(indices == sorted(set(indices)), "pages")
    for page in record["pages"]:
        leaf = sha256(b"\x00" + bytes_of(page)).digest()
        path = [b64decode(p) for p in page["path"]]
        need(root_of(leaf, page["index"], evidence["n_pages"], path) == root, "pages")
    number, position = divmod(record["record"], evidence["records_per_page"])
    need(number in indices, "record")
    before = sum(len(bytes_of(p)) for p in record["pages"] if p["index"] < number)
    content = bytes_of(record["pages"][indices.index(number)])
    start = record["offset"] - before
    end = start + record["length"]
    need(0 <= start < end <= len(content), "record")
    if ingest["file"]["kind"] == "csv" and b'"' in content:
        need(start == 0 or content[start - 1 : start] == b"\n", "record")
        need(end == len(content) or content[end - 1 : end] == b"\n", "record")
        return
    pieces = [
        line[i : i + 65_536]
        for line in content.decode("latin-1").split("\n")
        for line in [line + "\n"]
        for i in range(0, len(line), 65_536)
    ]
    pieces.pop()  # what follows the last newline: nothing, in these vectors
    need(
        len(pieces)
        == min(evidence["records_per_page"], part["n_records"] - number * evidence["records_per_page"]),
        "record",
    )
    need(start == sum(map(len, pieces[:position])) and end == start + len(pieces[position]), "record")


def bytes_of(value: dict[str, Any]) -> bytes:
    return value["text"].encode() if "text" in value else b64decode(value["base64"])


if __name__ == "__main__":
    policy_text = Path(sys.argv[1]).read_text()
    for argument in sys.argv[2:]:
        try:
            check(Path(argument).read_bytes(), policy_text)
            verdict = "holds"
        except No as no:
            verdict = f"does not hold: {no}"
        sys.stdout.write(f"{argument}: {verdict}\n")
