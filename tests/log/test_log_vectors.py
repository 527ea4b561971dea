"""The vectors of the log's formats, each with the outcome that its file states."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from make_log import FORMATS, vectors

from veracity.errors import VeracityError
from veracity.log.bundles import Bundle, parse_bundle
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.cosignatures import cosignature_time
from veracity.log.errors import ConsistencyRejected, InclusionRejected
from veracity.log.keys import ED25519, parse_vkey
from veracity.log.merkle import verify_consistency, verify_inclusion
from veracity.log.notes import Verifier, open_note
from veracity.log.policy import Policy, parse_policy
from veracity.log.tiles import Tile, split_tile
from veracity.log.tlog_proof import TlogProof
from veracity.log.witness_keys import parse_witness_vkey
from veracity.provenance.dsse import open_envelope, verify
from veracity.provenance.keys import PublicKey

LOG = Path(__file__).parents[1] / "vectors" / "log"
FILES: dict[str, dict[str, list[Any]]] = {
    name: json.loads((LOG / f"{name}.json").read_bytes()) for name in FORMATS
}
Case = dict[str, Any]


def content(value: Case) -> bytes:
    return value["text"].encode() if "text" in value else b64decode(value["base64"])


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def read_note(case: Case) -> Any:
    keys = [
        Verifier.parse(key) if parse_kind(key) == ED25519 else parse_witness_vkey(key) for key in case["keys"]
    ]
    opened = open_note(content(case["note"]), keys)
    return {"text": opened.text, "signed_by": sorted(line.name for line in opened.verified)}


def parse_kind(key: str) -> int:
    return parse_vkey(key).kind


def read_checkpoint(case: Case) -> Any:
    found = parse_checkpoint(case["text"])
    return {
        "origin": found.origin,
        "size": str(found.size),
        "root": b64(found.root),
        "extensions": list(found.extensions),
    }


def check_inclusion(case: Case) -> None:
    path = [b64decode(hash_) for hash_ in case["path"]]
    leaf, root = b64decode(case["leaf"]), b64decode(case["root"])
    verify_inclusion(leaf, int(case["index"]), int(case["size"]), path, root)


def check_consistency(case: Case) -> None:
    path = [b64decode(hash_) for hash_ in case["path"]]
    old, new = b64decode(case["old_root"]), b64decode(case["new_root"])
    verify_consistency(int(case["old_size"]), int(case["new_size"]), path, old, new)


def check_cosignature(case: Case) -> str:
    payload = b64decode(case["payload"])
    parse_witness_vkey(case["key"]).verify(case["text"], payload)
    return str(cosignature_time(payload))


def told(policy: Policy) -> Any:
    return {
        "logs": [log.name for log in policy.logs],
        "witnesses": list(policy.witnesses),
        "groups": {name: [group.threshold, *group.members] for name, group in policy.groups.items()},
        "quorum": policy.quorum,
    }


def checked(policy: Policy, check: Case) -> tuple[str, ...]:
    return policy.check(content(check["note"])).witnesses


def read_policy(case: Case) -> Any:
    policy = parse_policy(content(case["policy"]))
    for check in case.get("checks", ()):
        assert outcome(partial(checked, policy, check)) == (check.get("code") or tuple(check["witnesses"]))
    found = told(policy)
    if case.get("reads", {}).get("groups", {}) is None:  # a name that JSON cannot carry
        assert [*found["groups"]] == [found["quorum"]] == ["\udcff"]
        return case["reads"]
    return found


def check_proof(case: Case) -> Any:
    proof = TlogProof.parse(case["proof"])
    accepted = proof.verify(case["entry"].encode(), parse_policy(case["policy"]))
    return str(proof.index), str(accepted.checkpoint.size), list(accepted.witnesses)


def read_tile(case: Case) -> Any:
    if case["path"].startswith("tile/entries/"):
        bundle = Bundle.parse(case["path"])
        assert bundle.path == case["path"]
        return {"level": "entries", "index": str(bundle.index), "width": bundle.width}
    tile = Tile.parse(case["path"])
    assert tile.path == case["path"]
    if "data" in case:
        data = b64decode(case["data"])
        assert b"".join(split_tile(tile, data)) == data
    return {"level": tile.level, "index": str(tile.index), "width": tile.width}


def read_bundle(case: Case) -> Any:
    return [*map(b64, parse_bundle(Bundle.parse(case["path"]), b64decode(case["data"])))]


def check_envelope(case: Case) -> str:
    envelope = open_envelope(case["envelope"].encode())
    verify(envelope, [PublicKey(bytes.fromhex(case["key"]["raw"]))])
    return b64(envelope.payload)


READ: dict[str, Callable[[Case], Any]] = {
    "notes": read_note,
    "checkpoints": read_checkpoint,
    "inclusion": check_inclusion,
    "consistency": check_consistency,
    "cosignatures": check_cosignature,
    "policies": read_policy,
    "tlog_proofs": check_proof,
    "tiles": read_tile,
    "bundles": read_bundle,
    "envelopes": check_envelope,
}


def wanted(name: str, case: Case) -> Any:
    """What is to be read from a valid case."""
    match name:
        case "cosignatures":
            return case["time"]
        case "tlog_proofs":
            return case["index"], case["size"], case["witnesses"]
        case "bundles":
            return case["entries"]
        case "envelopes":
            return case["payload"]
        case _:
            return case.get("reads")


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or the code of our error, which is one line."""
    try:
        return read()
    except VeracityError as error:
        return error.code if "\n" not in str(error) else str(error)


def test_vectors_are_what_the_script_writes() -> None:
    """The files in the tree are those that the script makes, byte for byte."""
    made = vectors()
    assert {path.name for path in LOG.iterdir()} == set(made)
    for name, data in made.items():
        assert (LOG / name).read_bytes() == data, name


@pytest.mark.parametrize("name", FORMATS)
def test_valid(name: str) -> None:
    """Each valid case is read as its file says."""
    for case in FILES[name]["valid"]:
        got = outcome(partial(READ[name], case))
        if name == "tiles" and "data" in case:
            assert isinstance(got, dict), case["name"]
        else:
            assert got == wanted(name, case), case["name"]


@pytest.mark.parametrize("name", FORMATS)
def test_invalid(name: str) -> None:
    """Each invalid case fails with the code its file says."""
    for case in FILES[name]["invalid"]:
        assert outcome(partial(READ[name], case)) == case["code"], case["name"]


def test_every_proof_tampered_with() -> None:
    """Of every proof: one bit of any hash flipped, one hash left out or added, and it is refused."""
    for name, check, error in (
        ("inclusion", check_inclusion, InclusionRejected),
        ("consistency", check_consistency, ConsistencyRejected),
    ):
        for case in FILES[name]["valid"]:
            path = case["path"]
            other = b64(bytes(32))
            tampered = [[*path[:i], *path[i + 1 :]] for i in range(len(path))] + [[*path, other]]
            for i, hash_ in enumerate(path):
                raw = bytearray(b64decode(hash_))
                raw[i % 32] ^= 1 << i % 8
                tampered.append([*path[:i], b64(bytes(raw)), *path[i + 1 :]])
            for changed in tampered:
                with pytest.raises(error):
                    check({**case, "path": changed})


def test_every_format_has_both() -> None:
    """Each format has valid and invalid cases, each named once, and each failure says why."""
    for name, file in FILES.items():
        assert file["valid"], name
        assert file["invalid"], name
        for cases in (file["valid"], file["invalid"]):
            assert len({case["name"] for case in cases}) == len(cases), name
        assert all(case["why"] for case in file["invalid"])
