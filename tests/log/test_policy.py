"""Trust policies: what they accept, and every line that is not one."""

from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_fakes import SIGNER

from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.errors import MalformedNote, MalformedPolicy, PolicyRejected
from veracity.log.notes import Signature, Signer, sign_note
from veracity.log.policy import format_policy, parse_policy, policy_for
from veracity.log.subtree_cosignatures import SubtreeCosigner

TEXT = Checkpoint(SIGNER.name, 3, sha256(b"root").digest()).format()
NOTE = sign_note(TEXT, [SIGNER])
LOG = f"log {SIGNER.verifier.format()} https://example.org/log\n"
WITNESSES = {name: Cosigner(f"witness.example/{name}", sha256(name.encode()).digest()) for name in "ABCD"}
LINES = "".join(f"witness {name} {w.verifier.format()}\n" for name, w in WITNESSES.items())
GROUPS = "group two 2 A B C\ngroup top all two D\n"


def cosigned(names: str) -> bytes:
    return add_signatures(NOTE, tuple(WITNESSES[name].cosign(TEXT, 1_700_000_000) for name in names))


def test_a_policy_without_witnesses() -> None:
    """With quorum none the log's signature is enough, and the witnesses that signed are named."""
    accepted = policy_for(SIGNER.verifier).check(NOTE)
    assert accepted.checkpoint.size == 3
    assert accepted.witnesses == ()
    assert parse_policy(LOG + LINES + "quorum none\n").check(cosigned("CA")).witnesses == ("A", "C")


@pytest.mark.parametrize(
    ("quorum", "names", "enough"),
    [
        ("A", "A", True),
        ("A", "B", False),
        ("two", "AB", True),
        ("two", "A", False),
        ("two", "AD", False),
        ("top", "BCD", True),
        ("top", "ABC", False),
        ("top", "AD", False),
        ("top", "ABCD", True),
    ],
)
def test_quorums(quorum: str, names: str, enough: bool) -> None:
    """A checkpoint passes when exactly the witnesses asked for have cosigned it."""
    policy = parse_policy(LOG + LINES + GROUPS + f"quorum {quorum}\n")
    if enough:
        assert policy.check(cosigned(names)).witnesses == tuple(sorted(names))
    else:
        with pytest.raises(PolicyRejected):
            policy.check(cosigned(names))


def test_a_witness_counts_once() -> None:
    """The same witness cosigning twice is one witness."""
    policy = parse_policy(LOG + LINES + GROUPS + "quorum two\n")
    with pytest.raises(PolicyRejected):
        policy.check(cosigned("AA"))


def test_a_time_of_zero_is_no_cosignature() -> None:
    """A witness signs any part of a tree with time 0; that does not say it is the largest it has seen."""
    witness = SubtreeCosigner("witness.example/pq", sha256(b"pq").digest())
    policy = parse_policy(LOG + f"witness W {witness.verifier.format()}\nquorum W\n")
    zero, timed = witness.sign(TEXT), witness.cosign(TEXT, 1_700_000_000)
    with pytest.raises(PolicyRejected):
        policy.check(add_signatures(NOTE, (zero,)))
    assert policy.cosigned_times(add_signatures(NOTE, (zero,))) == {}
    both = add_signatures(NOTE, (zero, timed))
    assert policy.check(both).witnesses == ("W",)
    assert policy.cosigned_times(both) == {"W": 1_700_000_000}


def test_another_log_is_rejected() -> None:
    """A checkpoint of another origin, or signed by another key under the same name, is rejected."""
    policy = policy_for(SIGNER.verifier)
    for signer in (Signer("example.org/other", SIGNER.seed), Signer(SIGNER.name, bytes(32))):
        text = Checkpoint(signer.name, 3, sha256(b"root").digest()).format()
        with pytest.raises(PolicyRejected):
            policy.check(sign_note(text, [signer]))
    with pytest.raises(PolicyRejected):
        policy.check(sign_note(TEXT.replace("city", "town"), [SIGNER]))


def test_a_known_witness_that_fails_rejects() -> None:
    """A cosignature that names a known witness and fails rejects the checkpoint."""
    policy = parse_policy(LOG + LINES + "quorum none\n")
    forged = Signature(WITNESSES["A"].name, WITNESSES["A"].verifier.key_id, bytes(72))
    with pytest.raises(PolicyRejected):
        policy.check(add_signatures(NOTE, (forged,)))
    with pytest.raises(PolicyRejected):
        policy.check(add_signatures(NOTE, (Signature(forged.name, forged.key_id, bytes(8)),)))


def test_every_bit_of_a_cosignature_counts() -> None:
    """Flip any bit of the time or the signature of a cosignature: the quorum is not met."""
    policy = parse_policy(LOG + LINES + "quorum A\n")
    good = WITNESSES["A"].cosign(TEXT, 1_700_000_000)
    for at in range(len(good.payload) * 8):
        payload = bytearray(good.payload)
        payload[at // 8] ^= 1 << at % 8
        with pytest.raises(PolicyRejected):
            policy.check(add_signatures(NOTE, (Signature(good.name, good.key_id, bytes(payload)),)))


def test_comments_blanks_and_tabs() -> None:
    """Comments, blank lines and any run of blanks and tabs are allowed."""
    text = f"# who to trust\n\n \t# more\n \t{LOG}\t {LINES}group  g\t1 A B\nquorum\tg \n"
    assert parse_policy(text).quorum == "g"


def test_round_trip() -> None:
    """A policy is written back to one that means the same."""
    policy = parse_policy(LOG + LINES + GROUPS + "quorum top\n")
    assert parse_policy(format_policy(policy)) == policy


def test_deep_groups_are_only_deep() -> None:
    """A thousand groups one inside the other are followed without a stack."""
    groups = "group g0 any A\n" + "".join(f"group g{i} any g{i - 1}\n" for i in range(1, 1000))
    policy = parse_policy(LOG + LINES + groups + "quorum g999\n")
    assert policy.check(cosigned("A")).witnesses == ("A",)


A_KEY = WITNESSES["A"].verifier.format()
NAMELESS = b64encode(b"\x06" + bytes(1312)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        LOG,
        LOG + "quorum none",
        LOG + "quorum none\nquorum none\n",
        LOG + "quorum A\n",
        LOG + LOG + "quorum none\n",
        LOG + "quorum none x\n",
        LOG + "something else\nquorum none\n",
        "log\nquorum none\n",
        "log x\nquorum none\n",
        f"log {A_KEY}\nquorum none\n",
        f"witness A {SIGNER.verifier.format()}\nquorum none\n",
        f"witness A w+00000000+{NAMELESS}\nquorum none\n",
        f"witness none {A_KEY}\nquorum none\n",
        LINES + f"witness E {A_KEY}\nquorum none\n",
        LINES + f"witness A {Cosigner('w', bytes(32)).verifier.format()}\nquorum none\n",
        LINES + "group g 3 A B\nquorum g\n",
        LINES + "group g 0 A B\nquorum g\n",
        LINES + "group g 01 A B\nquorum g\n",
        LINES + "group g most A B\nquorum g\n",
        LINES + "group g any A none\nquorum g\n",
        LINES + "group g any\nquorum g\n",
        LINES + "group g any E\nquorum g\n",
        LINES + "group g any A A\nquorum g\n",
        LINES + "group g any A\ngroup h any A\nquorum g\n",
        LINES + "group g any g\nquorum g\n",
        LINES + "quorum g\ngroup g any A\n",
        "quorum none\r\n",
        "#" * 300_000,
    ],
)
def test_malformed_policies(text: str) -> None:
    """A policy with any line wrong is refused as a whole."""
    with pytest.raises(MalformedPolicy) as caught:
        parse_policy(text)
    assert "\n" not in str(caught.value)


def test_a_member_named_twice_is_told_as_that() -> None:
    """One group that names a member twice hears so, not that the member belongs to another."""
    with pytest.raises(MalformedPolicy, match="group g: want each member once, got 'A A'"):
        parse_policy(LOG + LINES + "group g 2 A A\nquorum g\n")


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_our_errors(data: bytes) -> None:
    """Whatever the bytes, a policy or our error comes out; a random note is malformed."""
    with pytest.raises(MalformedPolicy):
        parse_policy(b"quorum none\n" + b"x" + data + b"\n")
    with pytest.raises(MalformedNote):
        policy_for(SIGNER.verifier).check(b"x" + data)
