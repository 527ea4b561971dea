"""The verifier in TypeScript: its own tests, and that it says what the one in Python says."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nodejs import built_verifier, node, run
from veracity.log.cosignatures import Cosigner, cosigned_message
from veracity.log.notes import Signature
from veracity.log.policy import parse_policy
from veracity.log.subtree_cosignatures import SubtreeCosigner
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.fields import format_utc
from veracity.provenance.receipts import DecisionEvidence, parse_receipt, verify_receipt

RECEIPTS = Path(__file__).parents[1] / "vectors" / "receipts"
POLICY = RECEIPTS / "trust.policy"
VALID = json.loads((RECEIPTS / "index.json").read_bytes())["valid"]


def cli(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [node(), str(built_verifier() / "cli.js"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_its_own_tests_pass() -> None:
    """All vectors, every flipped bit of a small receipt, the limits of its parsers: under Node's runner."""
    run([node(), "--test", "dist/test/"], built_verifier())


@pytest.mark.parametrize("name", VALID)
def test_both_verifiers_say_the_same(name: str) -> None:
    """The steps, what was found in each, and what was not checked are the same words in both languages."""
    done = cli(RECEIPTS / name, POLICY, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    want = verify_receipt(
        parse_receipt((RECEIPTS / name).read_bytes()), parse_policy(POLICY.read_bytes())
    )  # the record is not cleaned again: not in a browser either
    assert said["steps"] == [{"name": s.name, "detail": s.detail} for s in want.steps]
    assert said["not_checked"] == list(want.not_checked)
    who = (want.simulated, want.operator, want.agency, want.device)
    assert (said["simulated"], said["operator"], said["agency"], said["device"]) == who
    assert (said["origin"], said["log_size"], said["entry"]) == (want.origin, want.size, want.index)
    assert said["row"] == (None if want.row is None else dict(want.row))
    d = want.decision
    assert said["decision"] == (None if d is None else decided(d))


def decided(d: DecisionEvidence) -> dict[str, object]:
    """What both tell of a decision."""
    run = d.decide
    return {
        "system": run.system,
        "run": run.run,
        "record": d.record,
        "model": run.model_sha256,
        "stage": run.stage,
        "made_at": run.made_at,
        "due": format_utc(d.due),
        "forecast": d.is_forecast,
        "release": run.release,
        "officer": d.officer,
        "person": d.person,
        "why": d.why,
    }


def cosigned(
    path: Path, *witnesses: tuple[Cosigner | SubtreeCosigner, int], base: str = "valid-enrol.json"
) -> Path:
    """Write a receipt with the cosignatures of witnesses at their times."""
    document = json.loads((RECEIPTS / base).read_bytes())
    text = document["proof"].partition("\n\n")[2].rpartition("\n\n")[0] + "\n"
    lines = "".join(w.cosign(text, time_s).format() for w, time_s in witnesses)
    for proven in (document, document["contract"] or {}, *document["keys"]):
        if proven:
            proven["proof"] += lines
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("quorum", ["two", "a", "none"])
@pytest.mark.parametrize("times", [(5, 1_788_231_620, 1_788_231_610), (9, 7, 8), (2**62, 1, 2**61)])
def test_both_tell_the_same_time(tmp_path: Path, quorum: str, times: tuple[int, ...]) -> None:
    """When the entry was there, by the quorum's word, and that the statement says another time."""
    witnesses = [Cosigner(f"{name}.example", name.encode() * 32) for name in "abc"]
    lines = "".join(f"witness {w.name[0]} {w.verifier.format()}\n" for w in witnesses)
    policy = tmp_path / "trust.policy"
    group = f"{lines}group two 2 a b c\nquorum {quorum}"
    policy.write_text(POLICY.read_text().replace("quorum none", group))
    pairs = zip(witnesses, times, strict=True)
    receipt = cosigned(tmp_path / "receipt.json", *pairs, base="valid-ndjson.json")
    done = cli(receipt, policy, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    want = verify_receipt(parse_receipt(receipt.read_bytes()), parse_policy(policy.read_bytes()))
    assert said["not_checked"] == list(want.not_checked)
    before = want.in_log_before
    assert said["in_log_before"] == (None if before is None else format_utc(before))


def test_witnesses(tmp_path: Path) -> None:
    """A witness counts in both, but for one with an ML-DSA-44 key: here it is told as not checked."""
    classic, quantum = Cosigner("w.example", bytes(32)), SubtreeCosigner("pq.example", bytes(32))
    receipt = cosigned(tmp_path / "receipt.json", (classic, 1_788_000_000), (quantum, 1_788_000_000))
    known = f"witness w {classic.verifier.format()}\nwitness pq {quantum.verifier.format()}\n"
    for quorum, code in (("w", 0), ("pq", 1)):
        policy = tmp_path / f"{quorum}.policy"
        policy.write_text(POLICY.read_text().replace("quorum none", f"{known}quorum {quorum}"))
        done = cli(receipt, policy, "--json")
        assert done.returncode == code
        there = verify_receipt(parse_receipt(receipt.read_bytes()), parse_policy(policy.read_bytes()))
        assert there.witnesses == ("w", "pq")
        if code == 0:
            said = json.loads(done.stdout)
            assert said["witnesses"] == ["w"]
            assert any(line.startswith("witness pq: its ML-DSA-44") for line in said["not_checked"])
        else:
            assert "ML-DSA-44, not checked here: pq" in done.stderr


def test_a_time_of_zero_counts_in_neither(tmp_path: Path) -> None:
    """A line of time 0 claims nothing about what its witness has seen: the quorum is not met."""
    witness = Cosigner("w.example", bytes(32))
    document = json.loads((RECEIPTS / "valid-enrol.json").read_bytes())
    text = document["proof"].partition("\n\n")[2].rpartition("\n\n")[0] + "\n"
    signed = Ed25519PrivateKey.from_private_bytes(witness.seed).sign(cosigned_message(text, 0))
    document["proof"] += Signature(witness.name, witness.verifier.key_id, bytes(8) + signed).format()
    receipt, policy = tmp_path / "receipt.json", tmp_path / "w.policy"
    receipt.write_text(json.dumps(document))
    known = f"witness w {witness.verifier.format()}\nquorum w"
    policy.write_text(POLICY.read_text().replace("quorum none", known))
    assert "quorum w: want its cosignatures, got none" in cli(receipt, policy).stderr
    with pytest.raises(ReceiptRejected, match="quorum w: want its cosignatures, got none"):
        verify_receipt(parse_receipt(receipt.read_bytes()), parse_policy(policy.read_bytes()))


def test_exit_codes(tmp_path: Path) -> None:
    """The command ends as every command here does: 0 yes, 1 no, 2 usage, 3 malformed, 4 out of reach."""
    valid, lie = RECEIPTS / "valid-ndjson.json", RECEIPTS / "lie-delivery-missing.json"
    malformed = tmp_path / "receipt.json"
    malformed.write_text("{}")
    assert cli(valid, POLICY).returncode == 0
    assert "SIMULATED" in cli(valid, POLICY).stdout
    no = cli(lie, POLICY)
    assert (no.returncode, no.stdout) == (1, "")
    assert no.stderr.startswith("verify: NOT VERIFIED: delivery: ")
    assert [cli(valid).returncode, cli(malformed, POLICY).returncode] == [2, 3]
    assert cli(tmp_path / "none.json", POLICY).returncode == 4


def test_a_receipt_cannot_draw_on_the_terminal(tmp_path: Path) -> None:
    """What a record holds is shown, not obeyed: no escape code, no second line that says VERIFIED."""
    document = json.loads((RECEIPTS / "valid-ndjson.json").read_bytes())
    document["row"] = {"\x1b[2J": "\nVERIFIED\u202e"}
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(document))
    for option in ((), ("--json",)):
        shown = cli(path, POLICY, *option).stdout
        assert not {"\x1b", "\u202e"} & set(shown)
        assert "\nVERIFIED" not in shown


def test_nothing_but_the_platform() -> None:
    """The library has no dependency, and its lock file names no host."""
    root = Path(__file__).parents[2] / "web" / "verify"
    package = json.loads((root / "package.json").read_bytes())
    assert "dependencies" not in package
    lock = (root / "package-lock.json").read_text()
    assert "://" not in lock
    packages = json.loads(lock)["packages"]
    assert all(entry.get("dev") and "integrity" in entry for name, entry in packages.items() if name)
    sources = "".join(path.read_text() for path in (root / "src").rglob("*.ts"))
    assert not [word for word in ("node:", "document.", "window.", "fetch(", "innerHTML") if word in sources]
