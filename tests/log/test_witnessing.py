"""A log gathers cosignatures: quorums, and witnesses that are slow, down, behind, ahead, or lie."""

import threading
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from log_fakes import SIGNER, memory_objects, new_log, numbered
from witness_fakes import NOW_S, ORIGIN, MemoryWitnessState

from veracity.log.add_checkpoint import SIZE_TYPE, format_size, parse_add_checkpoint
from veracity.log.append import Log
from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner
from veracity.log.errors import (
    LogError,
    PolicyRejected,
    QuorumNotMet,
    TileMismatch,
    WitnessConflict,
    WitnessUnreachable,
)
from veracity.log.notes import Signature, Signer, open_note, parse_note, sign_note
from veracity.log.policy import Policy, parse_policy
from veracity.log.reader import LogReader
from veracity.log.subtree_cosignatures import SubtreeCosigner
from veracity.log.witness import Witness
from veracity.log.witness_exchange import Answer, Outcome, Status
from veracity.log.witness_keys import WitnessCosigner
from veracity.log.witnessing import WitnessedPublisher

W1 = Cosigner("w1.example", bytes([1] * 32))
W2 = SubtreeCosigner("w2.example", bytes([2] * 32))
W3 = Cosigner("w3.example", bytes([3] * 32))
ALL: list[WitnessCosigner] = [W1, W2, W3]
TEXT = "text/plain; charset=utf-8"
Act = Callable[[bytes], Answer]


class Network:
    """``WitnessTransport`` to honest witnesses by their URL, of which some were replaced."""

    def __init__(self) -> None:
        self.states = {c.name: MemoryWitnessState() for c in ALL}
        self.acts: dict[str, Act] = {c.name: self.honest(c) for c in ALL}
        self.shown: Callable[[str], bytes | None] = lambda name: self.states[name].latest(ORIGIN)
        self.calls: list[tuple[str, int]] = []

    def honest(self, cosigner: WitnessCosigner) -> Act:
        witness = Witness([SIGNER.verifier], [cosigner], self.states[cosigner.name])

        def act(body: bytes) -> Answer:
            try:
                lines = witness.add_checkpoint(parse_add_checkpoint(body), NOW_S)
            except WitnessConflict as exc:
                return Answer(409, SIZE_TYPE, format_size(exc.size))
            except LogError:
                return Answer(422, TEXT, b"no")
            return Answer(200, TEXT, "".join(s.format() for s in lines).encode())

        return act

    def add_checkpoint(self, url: str, body: bytes, timeout_s: float) -> Answer:
        name = url.removeprefix("http://")
        self.calls.append((name, parse_add_checkpoint(body).old_size))
        return self.acts[name](body)

    def latest_checkpoint(self, url: str, origin_digest: str, timeout_s: float) -> Answer:
        assert origin_digest == sha256(ORIGIN.encode()).hexdigest()
        note = self.shown(url.removeprefix("http://"))
        return Answer(404, "", b"") if note is None else Answer(200, TEXT, note)


def policy(quorum: str = "2", urls: bool = True) -> Policy:
    lines = [f"log {SIGNER.verifier.format()}"]
    lines += [f"witness {c.name} {c.verifier.format()}{f' http://{c.name}' if urls else ''}" for c in ALL]
    lines += [f"group g {quorum} {' '.join(c.name for c in ALL)}", "quorum g"]
    return parse_policy("".join(f"{line}\n" for line in lines))


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a witness that hangs waits for; set at the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def publisher(
    network: Network, quorum: str = "2", timeout_s: float = 30.0, grace_s: float = 30.0
) -> WitnessedPublisher:
    return WitnessedPublisher(policy(quorum), network, timeout_s, grace_s=grace_s)


def statuses(outcomes: tuple[Outcome, ...]) -> dict[str, Status]:
    return {o.witness: o.status for o in outcomes}


def signed(log: Log) -> tuple[bytes, LogReader]:
    return log.checkpoint_note, log.reader


def test_every_witness_cosigns_and_the_policy_accepts(network: Network) -> None:
    """The note that comes back has the log's signature, then all cosignatures, in the policy's order."""
    log = new_log(300)
    done = publisher(network, "all").publish(*signed(log))
    assert policy("all").check(done.note).witnesses == ("w1.example", "w2.example", "w3.example")
    assert [s.name for s in parse_note(done.note).signatures] == [ORIGIN, *(c.name for c in ALL)]
    assert {(o.status, o.http_status) for o in done.outcomes} == {(Status.COSIGNED, 200)}


def test_the_right_proof_is_sent_first(network: Network) -> None:
    """A witness is asked with the size it cosigned last, once that is known: one request each time."""
    log = new_log(3)
    asks = publisher(network)
    asks.publish(*signed(log))
    log.append(numbered(3, 700))
    network.calls.clear()
    asks.publish(*signed(log))
    assert sorted(network.calls) == [(c.name, 3) for c in ALL]
    asks.publish(*signed(log))
    assert sorted(network.calls[3:]) == [(c.name, 700) for c in ALL]
    assert asks.sizes == {c.name: 700 for c in ALL}


def test_a_new_process_learns_where_witnesses_are(network: Network) -> None:
    """Without memory the first answer tells the size; with the published note, none is needed."""
    log = new_log(3)
    note = publisher(network).publish(*signed(log)).note
    log.append(numbered(3, 9))
    network.calls.clear()
    assert statuses(publisher(network).publish(*signed(log)).outcomes)["w1.example"] == Status.COSIGNED
    assert [old for name, old in network.calls if name == "w1.example"] == [0, 3]
    log.append(numbered(9, 20))
    asks = publisher(network)
    asks.remember(note)
    assert asks.sizes == {c.name: 3 for c in ALL}
    network.calls.clear()
    asks.publish(*signed(log))
    assert [old for name, old in network.calls if name == "w1.example"] == [3, 9]
    with pytest.raises(PolicyRejected):
        asks.remember(
            sign_note("x\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", [Signer("x", bytes(32))])
        )


def test_a_quorum_is_enough(network: Network) -> None:
    """One witness of three may be down; its outcome says so, and the note is published."""

    def down(_: bytes) -> Answer:
        raise WitnessUnreachable("connection refused")

    network.acts["w2.example"] = down
    done = publisher(network).publish(*signed(new_log(5)))
    assert policy().check(done.note).witnesses == ("w1.example", "w3.example")
    assert done.outcomes[1] == Outcome("w2.example", Status.UNREACHABLE, "connection refused")
    with pytest.raises(QuorumNotMet) as caught:
        publisher(network, "all").publish(*signed(new_log(5)))
    assert statuses(caught.value.outcomes)["w2.example"] == Status.UNREACHABLE
    assert caught.value.code == "quorum-not-met"
    assert "w2.example unreachable" in str(caught.value)


def test_a_slow_witness_holds_nothing_up(network: Network, release: threading.Event) -> None:
    """With the quorum met and the grace over, publishing is done; the slow one counts as timed out."""
    honest = network.acts["w3.example"]
    answered = threading.Event()

    def slow(body: bytes) -> Answer:
        release.wait()
        answered.set()
        return honest(body)

    network.acts["w3.example"] = slow
    log = new_log(5)
    asks = publisher(network, grace_s=0.01)
    done = asks.publish(*signed(log))
    assert statuses(done.outcomes)["w3.example"] == Status.TIMED_OUT
    assert policy().check(done.note).witnesses == ("w1.example", "w2.example")
    log.append(numbered(5, 9))
    again = asks.publish(*signed(log))
    assert again.outcomes[2].detail == "still busy with the last checkpoint"
    release.set()
    answered.wait()


def test_without_the_quorum_the_timeout_ends_it(network: Network, release: threading.Event) -> None:
    """Where too few answer, publishing fails when the time is up and says who was late."""

    def hang(_: bytes) -> Answer:
        release.wait()
        return Answer(500, "", b"")

    network.acts["w1.example"] = network.acts["w2.example"] = hang
    with pytest.raises(QuorumNotMet) as caught:
        publisher(network, timeout_s=0.3).publish(*signed(new_log(5)))
    assert statuses(caught.value.outcomes) == {
        "w1.example": Status.TIMED_OUT,
        "w2.example": Status.TIMED_OUT,
        "w3.example": Status.COSIGNED,
    }


def cosigned_badly(c: Cosigner, text: str, damage: Callable[[Signature], str]) -> Answer:
    return Answer(200, TEXT, damage(c.cosign(text, NOW_S)).encode())


BAD: dict[str, Callable[[str], Answer]] = {
    "another text": lambda _: cosigned_badly(W1, "another\n", Signature.format),
    "another key of its name": lambda t: cosigned_badly(Cosigner(W1.name, bytes(32)), t, Signature.format),
    "another witness's": lambda t: cosigned_badly(W3, t, Signature.format),
    "a bad one, then a good one": lambda t: cosigned_badly(
        W1, t, lambda s: W1.cosign("x\n", NOW_S).format() + s.format()
    ),
    "no signature": lambda _: Answer(200, TEXT, b""),
    "no newline": lambda t: cosigned_badly(W1, t, lambda s: s.format()[:-1]),
    "a blank line": lambda t: cosigned_badly(W1, t, lambda s: s.format() + "\n" + s.format()),
    "a page of HTML": lambda _: Answer(200, "text/html", b"<h1>Welcome</h1>\n"),
    "bytes": lambda _: Answer(200, TEXT, b"\xff\xfe\n"),
    "a conflict of another type": lambda _: Answer(409, TEXT, b"3\n"),
    "a conflict without a size": lambda _: Answer(409, SIZE_TYPE, b"three\n"),
    "a conflict with a size and more": lambda _: Answer(409, SIZE_TYPE, b"3\n4\n"),
    "the size it was just asked with": lambda _: Answer(409, SIZE_TYPE, b"0\n"),
}


@pytest.mark.parametrize("lie", BAD)
def test_a_witness_that_lies_counts_for_nothing(network: Network, lie: str) -> None:
    """What does not verify is the fault of that witness alone; the others still make the quorum."""
    network.acts["w1.example"] = lambda body: BAD[lie](parse_note(parse_add_checkpoint(body).note).text)
    done = publisher(network).publish(*signed(new_log(5)))
    assert statuses(done.outcomes) == {
        "w1.example": Status.FAULTY,
        "w2.example": Status.COSIGNED,
        "w3.example": Status.COSIGNED,
    }
    assert policy().check(done.note).witnesses == ("w2.example", "w3.example")


def test_lines_of_unknown_keys_are_ignored(network: Network) -> None:
    """A witness may sign with keys that the policy does not know; only the known line is taken over."""
    honest, other = network.acts["w1.example"], Cosigner("other", bytes(32)).cosign("x\n", 1)

    def more(body: bytes) -> Answer:
        return Answer(200, TEXT, other.format().encode() + honest(body).body)

    network.acts["w1.example"] = more
    done = publisher(network, "all").publish(*signed(new_log(5)))
    assert "other" not in [s.name for s in parse_note(done.note).signatures]


def test_a_cosignature_without_a_time_is_not_taken(network: Network) -> None:
    """A witness must say when; an ML-DSA-44 signature that makes no claim of freshness is a fault."""

    def timeless(body: bytes) -> Answer:
        line = W2.sign(parse_note(parse_add_checkpoint(body).note).text).format()
        return Answer(200, TEXT, line.encode())

    network.acts["w2.example"] = timeless
    assert statuses(publisher(network).publish(*signed(new_log(5))).outcomes)["w2.example"] == Status.FAULTY


@pytest.mark.parametrize("status", [400, 403, 404, 422, 500, 503, 301, 204])
def test_a_refusal_is_told_with_its_status(network: Network, status: int) -> None:
    """Any other answer is a refusal, with the status."""
    network.acts["w1.example"] = lambda _: Answer(status, TEXT, b"no")
    outcome = publisher(network).publish(*signed(new_log(5))).outcomes[0]
    assert (outcome.status, outcome.http_status) == (Status.REFUSED, status)


def test_a_witness_that_is_ahead_is_told(network: Network) -> None:
    """A witness that cosigned a larger tree than ours says that ours is an old one, as after a restore."""
    log = new_log(50)
    publisher(network).publish(*signed(log))
    old = new_log(20)
    with pytest.raises(QuorumNotMet) as caught:
        publisher(network).publish(*signed(old))
    for outcome in caught.value.outcomes:
        assert (outcome.status, outcome.size) == (Status.AHEAD, 50)
        assert outcome.proof is not None
        open_note(outcome.proof, [SIGNER.verifier])
    asks = publisher(network)
    asks.publish(*signed(log))
    network.calls.clear()
    with pytest.raises(QuorumNotMet):
        asks.publish(*signed(old))
    assert network.calls == []


@pytest.mark.parametrize(
    "shown",
    [
        None,
        b"nonsense",
        sign_note(Checkpoint(ORIGIN, 50, bytes(32)).format(), [Signer(ORIGIN, bytes(32))]),
        sign_note(Checkpoint("other", 50, bytes(32)).format(), [SIGNER]),
        sign_note(Checkpoint(ORIGIN, 20, bytes(32)).format(), [SIGNER]),
    ],
)
def test_a_claim_to_be_ahead_needs_our_own_signature(network: Network, shown: bytes | None) -> None:
    """Naming a large size stops no log: without a note of the log's own key the witness just refused."""
    network.acts["w1.example"] = lambda _: Answer(409, SIZE_TYPE, b"50\n")
    network.shown = lambda _: shown
    outcome = publisher(network).publish(*signed(new_log(20))).outcomes[0]
    assert (outcome.status, outcome.size, outcome.proof) == (Status.REFUSED, 50, None)


def test_a_witness_that_was_rolled_back_is_told(network: Network) -> None:
    """A witness that forgot what it cosigned is noticed, and gets no proof to make up for it."""
    log = new_log(20)
    asks = publisher(network)
    asks.publish(*signed(log))
    network.states["w1.example"].notes.clear()
    log.append(numbered(20, 30))
    done = asks.publish(*signed(log))
    assert done.outcomes[0].status == Status.ROLLED_BACK
    assert network.states["w1.example"].notes == {}
    assert done.outcomes[0].detail == "cosigned size 20, now says its last is 0"


def test_a_size_that_keeps_changing_ends(network: Network) -> None:
    """Attempts are bounded: a witness that tells another size each time is asked three times."""
    sizes = iter(range(1, 9))
    network.acts["w1.example"] = lambda _: Answer(409, SIZE_TYPE, format_size(next(sizes)))
    done = publisher(network).publish(*signed(new_log(20)))
    assert done.outcomes[0].status == Status.REFUSED
    assert [old for name, old in network.calls if name == "w1.example"] == [0, 1, 2]


def test_a_forked_log_gets_no_quorum(network: Network) -> None:
    """A log that changed a cosigned entry finds no witness, and is shown what it signed before."""
    publisher(network).publish(*signed(new_log(20)))
    objects = memory_objects()
    forked = new_log(0, objects)
    forked.append([b"another", *numbered(1, 40)])
    with pytest.raises(QuorumNotMet) as caught:
        publisher(network).publish(*signed(forked))
    for outcome in caught.value.outcomes:
        assert (outcome.status, outcome.http_status, outcome.size) == (Status.FORKED, 422, 20)
        assert outcome.proof is not None
        open_note(outcome.proof, [SIGNER.verifier])


def test_a_note_of_another_log_is_not_sent(network: Network) -> None:
    """What the policy's log did not sign is shown to no witness."""
    log = new_log(5)
    stranger = sign_note(log.checkpoint.format(), [Signer(ORIGIN, bytes(32))])
    with pytest.raises(PolicyRejected):
        publisher(network).publish(stranger, log.reader)
    assert network.calls == []


def test_damaged_tiles_are_the_logs_own_fault(network: Network) -> None:
    """If the log cannot prove its tree, publishing fails with that error, not with a missing quorum."""
    objects = memory_objects()
    log = new_log(20, objects)
    asks = publisher(network)
    asks.publish(*signed(log))
    log.append(numbered(20, 30))
    note = log.checkpoint_note
    objects.put("tile/0/000.p/30", bytes(32 * 30))
    reader = LogReader(objects, note, log.checkpoint)
    with pytest.raises(TileMismatch):
        asks.publish(note, reader)


def test_witnesses_without_a_url_are_not_asked(network: Network) -> None:
    """Who has no URL in the policy gets no request; a policy that needs them is not met."""
    with pytest.raises(QuorumNotMet, match="no witness with a URL"):
        WitnessedPublisher(policy(urls=False), network).publish(*signed(new_log(5)))
    none = parse_policy(f"log {SIGNER.verifier.format()}\nquorum none\n")
    log = new_log(5)
    assert WitnessedPublisher(none, network).publish(*signed(log)).note == log.checkpoint_note
