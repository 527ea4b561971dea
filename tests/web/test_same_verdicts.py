"""Thousands of receipts that nobody should send, from fixed seeds: both verifiers give the same verdict."""

import copy
import json
import subprocess
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from access_world import ACCESS
from live_world import LiveWorld, account
from model_world import MODEL_STATEMENTS
from receipt_world import ENVIRONMENT, LOG, OPERATOR, ORIGIN, World

from nodejs import built_verifier, node
from veracity.errors import VeracityError
from veracity.log.checkpoints import Checkpoint
from veracity.log.merkle import inclusion_path, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import sign_note
from veracity.log.policy import parse_policy
from veracity.log.tlog_proof import TlogProof
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.keys import SigningKey
from veracity.provenance.receipts import parse_receipt, verify_receipt
from veracity.provenance.statements import (
    Calibrate,
    Certify,
    Checks,
    Counts,
    Enrol,
    Input,
    Reject,
    Released,
    RowsDigest,
    SealedContract,
    Transform,
    Withdraw,
    format_statement,
)

HERE = Path(__file__).parent
RECEIPTS = HERE.parent / "vectors" / "receipts"
POLICY = (RECEIPTS / "trust.policy").read_bytes()
DIGEST = "ab" * 32
ROWS = RowsDigest(3, DIGEST)
COUNTS = Counts(3, 2, 1, 0)
JUNK: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    64,
    2**53,
    -(2**53),
    ["act", "release"],
    ["release", "act"],
    0.5,
    1e300,
    -0.0,
    "",
    " ",
    "x",
    "a" * 65,
    "\u00a0",
    "\ufeff",
    "\u2028",
    "\u202e",
    "\U0001f600" * 200,
    "a\nb",
    "A",
    "a-b",
    "-a",
    "../a",
    "2026-09-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-09-01T23:59:60Z",
    "2026-09-01T00:00:00+00:00",
    "0000-01-01T00:00:00Z",
    "2026-09-01",
    "2026-09-01T00:00:00.1234567Z",
    "٢026-09-01T00:00:00Z",
    DIGEST,
    DIGEST.upper(),
    "AAAA",
    "AAA=",
    "AAB=",
    "AA==",
    "____",
    [],
    [1],
    [None],
    [[]],
    [[0, ["a"]]],
    [[0, []]],
    [0, 1, 2],
    [1, 0],
    ["b", "a"],
    {},
    {"a": 1},
    {"rows": 0, "sha256": DIGEST},
]


NAMES = ["note", "checks", "released", "expires", "person", "duties", "release", "message", "messages"]


def seeded(seed: int) -> Random:
    """What is tried follows from the seed alone."""
    return Random(seed)  # noqa: S311 - no secret is drawn


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a JSON document, the root apart."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [p for key, item in items for p in places(item, (*path, key))]
    return [path, *inner] if path else inner


def spoilt(document: Any, random: Random) -> Any:
    """Return a document with one value replaced, left out, doubled, or one name added."""
    document = copy.deepcopy(document)
    path = random.choice(places(document))
    target = document
    for name in path[:-1]:
        target = target[name]
    match random.randrange(6):
        case 0:
            del target[path[-1]]
        case 1 if isinstance(target, list):
            target.append(copy.deepcopy(random.choice([*target, *JUNK])))
        case 1:
            target[random.choice(NAMES)] = random.choice(JUNK)
        case _:
            target[path[-1]] = random.choice(JUNK)
    return document


def here(receipt: bytes, policy: bytes) -> str:
    try:
        believed = parse_policy(policy)
        verify_receipt(parse_receipt(receipt), believed)
    except ReceiptRejected as error:
        return f"{error.code} {error.step}"
    except VeracityError as error:
        return error.code
    return "valid"


def check_same(cases: list[tuple[bytes, bytes]]) -> Counter[str]:
    """Assert that both verifiers say the same of each receipt and policy; return how often they said what."""
    lines = "".join(json.dumps([b64encode(part).decode() for part in case]) + "\n" for case in cases)
    built_verifier()
    command = [node(), str(HERE / "outcomes.js")]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    there = done.stdout.split("\n")[:-1]
    assert len(there) == len(cases)
    said = Counter[str]()
    for (receipt, policy), verdict in zip(cases, there, strict=True):
        want = here(receipt, policy)
        if "malformed-policy" in (want, verdict) and "malformed-receipt" in (want, verdict):
            want = verdict  # both are malformed; which is read first is not for the page to say
        assert verdict == want, f"{receipt[:3000]!r} {policy!r}"
        said[verdict] += 1
    return said


def statements(world: World) -> list[Any]:
    """A good statement of each kind, as JSON."""
    ingest = world.ingest(0)
    checks = Checks(DIGEST, flagged=1, silent=0, verdicts=ROWS, health=ROWS)
    whole = replace(
        ingest,
        part=replace(ingest.part, last=True),
        delivery=None,
        released=Released("An", "moved", ("duplicate-key", "range:pm25"), (0, 3)),
    )
    port, device = SigningKey(bytes(31) + b"1").public, SigningKey(bytes(31) + b"2").public
    made = (
        Enrol("enrol", "danang-ports", "agency", port, as_of="2026-09-01T00:00:00Z"),
        Enrol("revoke", "danang-environment", "agency", ENVIRONMENT.public, reason="stolen"),
        Enrol("enrol", "danang-environment/aq1", "device", device, expires="2027-01-01T00:00:00Z"),
        Certify(
            "air", "2026-09-01", (0, 2), (DIGEST,), DIGEST, COUNTS, "v 0.1.0", simulated=True, health=ROWS
        ),
        Calibrate("pm25", DIGEST, (Input("a", 0, DIGEST),), ROWS, DIGEST, simulated=True, engine="v 0.1.0"),
        Withdraw("pm25", DIGEST, "2026-09-01T00:00:00Z", "An", "blocked", "2026-09-02T00:00:00Z"),
        Reject("air-quality", "2026-09-01T00:00:00Z", "An", "broken", (0, 1), ROWS, simulated=True),
        SealedContract("air", "1.0.0", DIGEST, "danang-environment", "required", simulated=True),
        Transform("city-5min", DIGEST, (Input("air", 1, DIGEST),), ROWS, simulated=True),
        replace(ingest, delivery=None),
        replace(ingest, delivery=None, checks=checks),
        whole,
        LiveWorld().ingest(),
        account(76),
        *MODEL_STATEMENTS.values(),
        *ACCESS.values(),
    )
    return [json.loads(format_statement(one.to_statement())) for one in made]


def proven(world: World, entry: bytes) -> bytes:
    """Return the receipt of an entry that may be no statement, at the end of a log."""
    hashes = [leaf_hash(e) for e in (*world.entries, entry)]
    index = len(hashes) - 1
    note = sign_note(Checkpoint(ORIGIN, len(hashes), root_from_leaf_hashes(hashes)).format(), [LOG])

    def proof(index: int) -> str:
        return TlogProof(index, tuple(inclusion_path(hashes, index)), note).format()

    keys = [{"entry": world.entries[i].decode(), "proof": proof(i)} for i in world.key_indices]
    empty = dict.fromkeys(("contract", "parts", "record", "row"))
    document = {"schema": "veracity.receipt/v1", "entry": entry.decode(), "proof": proof(index), "keys": keys}
    return json.dumps({**document, **empty}).encode()


def test_signed_nonsense() -> None:
    """Statements of every kind with one value spoilt, signed by the operator and proven in the log."""
    random, cases, world = seeded(20261128), [], World()
    good = statements(world)
    cases = [(proven(world, sign_envelope(json.dumps(one).encode(), [OPERATOR])), POLICY) for one in good]
    for _ in range(3_000):
        changed = spoilt(random.choice(good), random)
        cases.append((proven(world, sign_envelope(json.dumps(changed).encode(), [OPERATOR])), POLICY))
    said = check_same(cases)
    assert said["valid"] > 100
    assert said["receipt-rejected statement"] > 200
    assert said["malformed-receipt"] > 50


def test_spoilt_receipts() -> None:
    """Receipts with one value spoilt, of each vector that verifies."""
    random, cases = seeded(20261129), []
    names = json.loads((RECEIPTS / "index.json").read_bytes())["valid"]
    for name in names:
        document = json.loads((RECEIPTS / name).read_bytes())
        cases += [(json.dumps(spoilt(document, random)).encode(), POLICY) for _ in range(40)]
    said = check_same(cases)
    assert said["malformed-receipt"] > 250
    assert len(said) >= 8


def test_spoilt_bytes() -> None:
    """Receipts and policies with some bytes changed, left out, doubled or put in."""
    random, cases = seeded(20261130), []
    receipt = (RECEIPTS / "valid-enrol.json").read_bytes()
    for _ in range(1_500):
        spoil_policy = random.random() < 0.5
        data = bytearray(POLICY if spoil_policy else receipt)
        for _ in range(random.randrange(1, 3)):
            at = random.randrange(len(data))
            match random.randrange(4):
                case 0:
                    data[at] = random.choice(b'\0\t\n\r "\\+,-.0:=AZ[]_a{}\x7f\x80\xa0\xc2\xe2\xff')
                case 1:
                    del data[at : at + random.randrange(1, 4)]
                case 2:
                    data[at:at] = data[at : at + random.randrange(1, 9)]
                case 3:
                    data[at] ^= 1 << random.randrange(8)
        cases.append((receipt, bytes(data)) if spoil_policy else (bytes(data), POLICY))
    said = check_same(cases)
    assert said["valid"] > 0
    assert said["malformed-policy"] > 200
