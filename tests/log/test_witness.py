"""A witness: what it cosigns, what it refuses, and in which order it looks."""

import re
import threading
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_fakes import SIGNER
from witness_fakes import (
    FORKED,
    LEAVES,
    NOW_S,
    ORIGIN,
    MemoryWitnessState,
    checkpoint,
    request,
    signed,
)

from veracity.errors import Malformed
from veracity.log.add_checkpoint import (
    MAX_REQUEST_BYTES,
    AddCheckpoint,
    format_size,
    parse_add_checkpoint,
    parse_size,
)
from veracity.log.cosignatures import Cosigner, add_signatures, cosignature_time
from veracity.log.errors import (
    ConsistencyRejected,
    ForkFound,
    LogError,
    MalformedCheckpoint,
    MalformedNote,
    MalformedRequest,
    ObjectMissing,
    SignatureRejected,
    StoreUnavailable,
    UnknownOrigin,
    WitnessClockBehind,
    WitnessConflict,
)
from veracity.log.merkle import root_from_leaf_hashes
from veracity.log.notes import Note, Signature, Signer, open_note, parse_note, sign_note
from veracity.log.sign_subtree import SignSubtree, parse_sign_subtree
from veracity.log.subtree_cosignatures import Subtree, SubtreeCosigner
from veracity.log.subtree_proofs import subtree_path
from veracity.log.witness import Witness
from veracity.log.witness_keys import WitnessCosigner

COSIGNER = Cosigner("uni.example/witness", bytes(range(1, 33)))
ML_DSA = SubtreeCosigner("uni.example/witness", bytes(range(1, 33)))
DIGEST = sha256(ORIGIN.encode()).hexdigest()
STRANGER = Signer(ORIGIN, bytes(32))


def new_witness(*cosigners: WitnessCosigner, state: MemoryWitnessState | None = None) -> Witness:
    return Witness([SIGNER.verifier], cosigners or [COSIGNER], state or MemoryWitnessState())


def at_size(size: int, *cosigners: WitnessCosigner) -> Witness:
    witness = new_witness(*cosigners)
    if size:
        witness.add_checkpoint(request(0, size), NOW_S)
    return witness


@pytest.mark.parametrize("cosigner", [COSIGNER, ML_DSA])
def test_a_growing_log_is_cosigned_step_by_step(cosigner: WitnessCosigner) -> None:
    """Each checkpoint that extends the last is cosigned with the time, and kept with what was signed."""
    state = MemoryWitnessState()
    witness = new_witness(cosigner, state=state)
    for old, size in [(0, 0), (0, 1), (1, 5), (5, 5), (5, 64), (64, 100)]:
        asked = request(old, size)
        (signature,) = witness.add_checkpoint(asked, NOW_S + size)
        whole = add_signatures(asked.note, (signature,))
        opened = open_note(whole, [SIGNER.verifier, cosigner.verifier])
        assert len(opened.verified) == 2
        assert cosignature_time(signature.payload) == NOW_S + size
        assert state.notes[ORIGIN] == whole


def test_the_first_checkpoint_may_have_any_size() -> None:
    """A log that is not new starts with its size of today and an empty proof."""
    (signature,) = new_witness().add_checkpoint(request(0, 77), NOW_S)
    COSIGNER.verifier.verify(checkpoint(77).format(), signature.payload)


def test_an_unknown_origin_comes_before_everything() -> None:
    """A log that is not watched is told so, whatever its signature, sizes and proof are."""
    other = Signer("other.example/log", bytes(32))
    with pytest.raises(UnknownOrigin):
        new_witness().add_checkpoint(AddCheckpoint(9, (), signed(5, signer=other)), NOW_S)
    forged = sign_note("other.example/log\n07\nx\n", [SIGNER])
    with pytest.raises(UnknownOrigin):
        new_witness().add_checkpoint(AddCheckpoint(0, (), forged), NOW_S)


@pytest.mark.parametrize("old", [0, 9, 3])
def test_the_signature_comes_before_the_sizes(old: int) -> None:
    """Without a signature of the log's own key nothing is said about sizes or proofs."""
    with pytest.raises(SignatureRejected):
        at_size(4).add_checkpoint(AddCheckpoint(old, (), signed(5, signer=STRANGER)), NOW_S)
    good = parse_note(signed(5))
    damaged = replace(good.signatures[0], payload=bytes(64))
    for note in (
        Note(good.text, (damaged,)).format(),
        Note(good.text, (damaged, *good.signatures)).format(),
        Note(good.text, (*good.signatures, damaged)).format(),
    ):
        with pytest.raises(SignatureRejected):
            at_size(4).add_checkpoint(AddCheckpoint(old, (), note), NOW_S)


def test_signatures_of_others_are_passed_over_and_not_kept() -> None:
    """Unknown keys neither help nor harm, and only what was verified is kept."""
    state = MemoryWitnessState()
    witness = new_witness(state=state)
    note = add_signatures(signed(5), (Signature("other.example", b"abcd", b"nonsense"),))
    witness.add_checkpoint(AddCheckpoint(0, (), note), NOW_S)
    assert [s.name for s in parse_note(state.notes[ORIGIN]).signatures] == [ORIGIN, COSIGNER.name]


def test_an_old_size_above_the_new_comes_before_the_conflict() -> None:
    """Going backwards is a malformed request, even where the old size is that of the last checkpoint."""
    for old in (9, 6):
        with pytest.raises(MalformedRequest):
            at_size(9).add_checkpoint(AddCheckpoint(old, (), signed(5)), NOW_S)


def test_another_old_size_is_told_the_last_one() -> None:
    """The answer carries the size cosigned last, before any proof is looked at: 0 for a new log."""
    for witness, old, size in ((at_size(4), 3, 4), (at_size(4), 0, 4), (new_witness(), 2, 0)):
        with pytest.raises(WitnessConflict) as caught:
            witness.add_checkpoint(AddCheckpoint(old, (bytes(32),) * 3, signed(8)), NOW_S)
        assert caught.value.size == size


def test_a_rollback_is_never_cosigned() -> None:
    """After size 9 the witness cosigns no smaller tree, with whatever old size it is asked."""
    witness = at_size(9)
    for old in range(12):
        with pytest.raises((WitnessConflict, MalformedRequest)):
            witness.add_checkpoint(request(old, 5), NOW_S)


def test_proofs_that_fail() -> None:
    """A changed entry, a hash too many or too few and a proof from nothing are refused as proofs."""
    good = request(4, 9)
    for bad in (
        request(4, 9, FORKED),
        replace(good, proof=good.proof[:-1]),
        replace(good, proof=(*good.proof, bytes(32))),
        replace(good, proof=(bytes(32), *good.proof[1:])),
        replace(request(4, 4), proof=(bytes(32),)),
    ):
        with pytest.raises(ConsistencyRejected):
            at_size(4).add_checkpoint(bad, NOW_S)
    with pytest.raises(ConsistencyRejected):
        new_witness().add_checkpoint(replace(request(0, 9), proof=(bytes(32),)), NOW_S)


def test_two_trees_of_one_size_are_a_proof_of_a_fork() -> None:
    """The same size with another root is refused, and both signed notes are handed over."""
    with pytest.raises(ForkFound) as caught:
        at_size(4).add_checkpoint(request(4, 4, FORKED), NOW_S)
    for note in (caught.value.ours, caught.value.theirs):
        open_note(note, [SIGNER.verifier])
    assert parse_note(caught.value.ours).text != parse_note(caught.value.theirs).text


def test_an_empty_tree_has_one_root() -> None:
    """Size 0 with another root is a failed proof, but only after the sizes were looked at."""
    text = f"{ORIGIN}\n0\n{'A' * 43}=\n"
    wrong = sign_note(text, [SIGNER])
    with pytest.raises(ConsistencyRejected):
        new_witness().add_checkpoint(AddCheckpoint(0, (), wrong), NOW_S)
    with pytest.raises(WitnessConflict):
        at_size(4).add_checkpoint(AddCheckpoint(0, (), wrong), NOW_S)
    with pytest.raises(MalformedRequest):
        new_witness().add_checkpoint(AddCheckpoint(1, (), wrong), NOW_S)


@pytest.mark.parametrize("text", ["\n05\nroot\n", "\n5\nAAAA\n", "\n-1\n" + "A" * 43 + "=\n", "\n"])
def test_a_signed_text_that_is_no_checkpoint(text: str) -> None:
    """What the log's key signed must still be a checkpoint to the letter."""
    with pytest.raises(MalformedCheckpoint):
        new_witness().add_checkpoint(AddCheckpoint(0, (), sign_note(ORIGIN + text, [SIGNER])), NOW_S)
    with pytest.raises(MalformedNote):
        new_witness().add_checkpoint(AddCheckpoint(0, (), checkpoint(5).format().encode()), NOW_S)


def test_extensions_are_cosigned_as_they_are() -> None:
    """Extension lines are allowed: the Ed25519 cosignature covers them, the ML-DSA one the tree."""
    text = checkpoint(5).format() + "extension\n"
    witness = new_witness(COSIGNER, ML_DSA)
    first, second = witness.add_checkpoint(AddCheckpoint(0, (), sign_note(text, [SIGNER])), NOW_S)
    COSIGNER.verifier.verify(text, first.payload)
    ML_DSA.verifier.verify(checkpoint(5).format(), second.payload)
    witness.add_checkpoint(request(5, 9), NOW_S)


def test_time_does_not_go_back() -> None:
    """A clock set back a little repeats the last time; one far behind stops the witness."""
    witness = at_size(4)
    (signature,) = witness.add_checkpoint(request(4, 5), NOW_S - 60)
    assert cosignature_time(signature.payload) == NOW_S
    with pytest.raises(WitnessClockBehind):
        witness.add_checkpoint(request(5, 6), NOW_S - 61)


def test_nothing_is_cosigned_that_was_not_kept() -> None:
    """If the state cannot take the checkpoint, no cosignature leaves the witness."""

    class Full(MemoryWitnessState):
        def swap(self, origin: str, old_note: bytes | None, new_note: bytes) -> bool:
            raise StoreUnavailable("write: no space left on device")

    class Moving(MemoryWitnessState):
        def swap(self, origin: str, old_note: bytes | None, new_note: bytes) -> bool:
            return False

    for state in (Full(), Moving()):
        with pytest.raises(StoreUnavailable):
            new_witness(state=state).add_checkpoint(request(0, 4), NOW_S)


def test_of_two_extensions_at_once_one_wins() -> None:
    """A request that was overtaken between the check and the write is told the new size."""

    class Overtaken(MemoryWitnessState):
        def swap(self, origin: str, old_note: bytes | None, new_note: bytes) -> bool:
            if not self.notes:
                self.notes[origin] = signed(9)
            return super().swap(origin, old_note, new_note)

    with pytest.raises(WitnessConflict) as caught:
        new_witness(state=Overtaken()).add_checkpoint(request(0, 4), NOW_S)
    assert caught.value.size == 9


def test_threads_never_get_two_trees_of_one_size() -> None:
    """Two histories race for one witness: all cosignatures given are of one of them."""
    witness = new_witness()
    given: list[tuple[int, bytes]] = []

    def race(leaves: list[bytes]) -> None:
        known = 0
        for size in range(4, 40):
            try:
                witness.add_checkpoint(request(known, size, leaves), NOW_S)
            except WitnessConflict as exc:
                known = exc.size
            except (ConsistencyRejected, MalformedRequest):
                continue
            else:
                known = size
                given.append((size, checkpoint(size, leaves).root))

    threads = [threading.Thread(target=race, args=(leaves,)) for leaves in (LEAVES, FORKED) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given
    assert any(all(checkpoint(n, leaves).root == root for n, root in given) for leaves in (LEAVES, FORKED))


def test_the_latest_can_be_read_by_the_digest_of_the_origin() -> None:
    """Monitors get what was cosigned last; other digests get nothing."""
    witness = at_size(4)
    with pytest.raises(ObjectMissing):
        witness.latest("0" * 64)
    with pytest.raises(ObjectMissing):
        new_witness().latest(DIGEST)
    assert open_note(witness.latest(DIGEST), [COSIGNER.verifier]).text == checkpoint(4).format()


def test_requests_round_trip() -> None:
    """What a log writes, a witness reads; the sizes of an answer too."""
    for asked in (request(0, 0), request(5, 64)):
        assert parse_add_checkpoint(asked.format()) == asked
    assert parse_size(format_size(0)) == 0
    assert parse_size(format_size(2**63 - 1)) == 2**63 - 1


HASH = b"A" * 43 + b"="


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"old 0\n",
        b"old 0",
        b"old 00\n\nx",
        b"old  0\n\nx",
        b"old 0 \n\nx",
        b"Old 0\n\nx",
        b"old -1\n\nx",
        b"old +1\n\nx",
        b"old 9223372036854775808\n\nx",
        b"old " + b"1" * 70 + b"\n\nx",
        b"old \xd9\xa1\n\nx",
        b"old \xff\n\nx",
        b"old 0\r\n\r\nx",
        b"old 4\nAAAA\n\nx",
        b"old 4\n" + HASH + b" \n\nx",
        b"old 4\n" + HASH[:-1] + b"\n\nx",
        b"old 4\n" + b"A" * 42 + b"B=\n\nx",
        b"old 4\n" + (HASH + b"\n") * 64 + b"\nx",
        b"old 4\n\n" + bytes(MAX_REQUEST_BYTES),
    ],
)
def test_any_other_spelling_is_refused(body: bytes) -> None:
    """Leading zeros, spaces, other line ends, short hashes and long lists are no request."""
    with pytest.raises(MalformedRequest):
        parse_add_checkpoint(body)


@pytest.mark.parametrize(
    "body", [b"", b"5", b"05\n", b"5\n\n", b" 5\n", b"5\r\n", b"9" * 21 + b"\n", b"\xff\n"]
)
def test_any_other_size_is_refused(body: bytes) -> None:
    """A size told in a conflict is a decimal and a newline and nothing else."""
    with pytest.raises(MalformedRequest):
        parse_size(body)


def test_63_hashes_are_read() -> None:
    """The longest proof there can be is a request like any other."""
    assert len(parse_add_checkpoint(b"old 4\n" + (HASH + b"\n") * 63 + b"\nx").proof) == 63


def subtree_request(start: int, end: int, size: int, leaves: list[bytes] = LEAVES) -> SignSubtree:
    root = root_from_leaf_hashes(leaves[start:end])
    path = tuple(subtree_path(leaves[:size], start, end))
    return SignSubtree(start, end, root, path, checkpoint(size, leaves).format())


def test_a_part_of_the_latest_tree_is_cosigned_without_a_time() -> None:
    """A subtree of the tree cosigned last gets an ML-DSA-44 cosignature that makes no claim of time."""
    witness = at_size(14, ML_DSA)
    assert witness.signs_subtrees
    asked = subtree_request(8, 13, 14)
    assert parse_sign_subtree(asked.format()) == asked
    (signature,) = witness.sign_subtree(asked)
    ML_DSA.verifier.verify_subtree(Subtree(ORIGIN, 8, 13, asked.root), signature.payload)
    assert cosignature_time(signature.payload) == 0
    assert not at_size(14).signs_subtrees


def test_an_older_tree_needs_the_witnesss_own_cosignature() -> None:
    """A checkpoint that is not the last is known by the cosignature it carries, and by nothing else."""
    witness = at_size(14, ML_DSA)
    cosigned = witness.add_checkpoint(request(14, 15), NOW_S)
    witness.add_checkpoint(request(15, 20), NOW_S)
    asked = subtree_request(8, 13, 15)
    signed_too = replace(asked, signatures=cosigned)
    assert parse_sign_subtree(signed_too.format()) == signed_too
    assert witness.sign_subtree(signed_too)
    with pytest.raises(SignatureRejected):
        witness.sign_subtree(asked)
    with pytest.raises(SignatureRejected):
        witness.sign_subtree(replace(subtree_request(8, 13, 16), signatures=cosigned))
    with pytest.raises(SignatureRejected):
        witness.sign_subtree(subtree_request(8, 13, 20, FORKED))


def test_subtrees_that_are_none() -> None:
    """A range that is no subtree, one beyond the tree, an unknown log and a wrong proof are refused."""
    witness = at_size(14, ML_DSA)
    good = subtree_request(8, 13, 14)
    for start, end in ((9, 13), (8, 8), (13, 8), (8, 15)):
        with pytest.raises(MalformedRequest):
            witness.sign_subtree(replace(good, start=start, end=end))
    with pytest.raises(ConsistencyRejected):
        witness.sign_subtree(replace(good, root=bytes(32)))
    with pytest.raises(ConsistencyRejected):
        witness.sign_subtree(replace(good, proof=good.proof[1:]))
    with pytest.raises(UnknownOrigin):
        witness.sign_subtree(replace(good, text=checkpoint(14, origin="other.example/log").format()))
    with pytest.raises(MalformedCheckpoint):
        witness.sign_subtree(replace(good, text="x\n"))


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"subtree 8 13", "subtree 08 13"),
        (r"subtree 8 13", "subtree 8"),
        (r"(?s)subtree 8 13\n.*?\n\n", "subtree 8 13\n\n"),
        (r"subtree 8 13", "range 8 13"),
        (r"\n\n", "\nAAAA\n\n"),
        (r"\n\n", "\n— w AAAA\n\n"),
        (r"\n\n", "\n" + (HASH.decode() + "\n") * 64 + "\n"),
        (r"(subtree.*\n.*\n)", r"\1" + "— w AAAAAAAAAAA=\n" * 9),
        (r"\Z", "\n" + "— w AAAAAAAAAAA=\n" * 9),
        (r"\Z", "\n"),
    ],
)
def test_any_other_spelling_of_a_subtree_is_refused(pattern: str, replacement: str) -> None:
    """The request for a subtree is read as strictly as the other."""
    body = subtree_request(8, 13, 14).format().decode()
    changed = re.sub(pattern, replacement, body, count=1)
    assert changed != body
    with pytest.raises(Malformed):
        at_size(14, ML_DSA).sign_subtree(parse_sign_subtree(changed.encode()))


def test_cosignatures_of_a_subtree_are_passed_over() -> None:
    """Eight lines that others signed may come with a request; they are read and mean nothing here."""
    body = subtree_request(8, 13, 14).format().decode()
    more = re.sub(r"(subtree.*\n.*\n)", r"\1" + "— w AAAAAAAAAAA=\n" * 8, body, count=1)
    assert parse_sign_subtree(more.encode()) == subtree_request(8, 13, 14)


def test_logs_do_not_touch_each_other() -> None:
    """One witness of several logs keeps each by its origin, whichever of a log's keys signs."""
    other, second = Signer("other.example/log", bytes([7] * 32)), Signer(ORIGIN, bytes([8] * 32))
    witness = Witness([SIGNER.verifier, second.verifier, other.verifier], [COSIGNER], MemoryWitnessState())
    assert witness.add_checkpoint(request(0, 5), NOW_S)
    assert witness.add_checkpoint(AddCheckpoint(0, (), signed(9, signer=other)), NOW_S)
    assert witness.add_checkpoint(replace(request(5, 9), note=signed(9, signer=second)), NOW_S)
    with pytest.raises(WitnessConflict) as caught:
        witness.add_checkpoint(AddCheckpoint(5, (), signed(12, signer=other)), NOW_S)
    assert caught.value.size == 9


def changed(body: bytes) -> st.SearchStrategy[bytes]:
    """Bytes near a good request: a piece of it replaced."""
    pieces = st.one_of(st.binary(max_size=8), st.sampled_from([b"\n", b"\n\n", b"0", b"-", b" ", HASH]))
    where = st.tuples(st.integers(0, len(body)), st.integers(0, 60))
    return st.builds(lambda at, piece: body[: at[0]] + piece + body[sum(at) :], where, pieces)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.binary(max_size=300), changed(request(4, 9).format())))
def test_whatever_is_sent_fails_only_as_our_own_error(body: bytes) -> None:
    """Random and damaged requests are cosigned rightly or refused with one of our errors."""
    witness = at_size(4)
    try:
        (signature,) = witness.add_checkpoint(parse_add_checkpoint(body), NOW_S)
    except LogError:
        return
    COSIGNER.verifier.verify(checkpoint(9).format(), signature.payload)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.binary(max_size=300), changed(subtree_request(8, 13, 14).format())))
def test_whatever_is_sent_as_a_subtree_fails_only_as_our_own_error(body: bytes) -> None:
    """The same of requests for a subtree: what is signed is that subtree, whatever came around it."""
    try:
        (signature,) = SUBTREE_WITNESS.sign_subtree(parse_sign_subtree(body))
    except LogError:
        return
    part = Subtree(ORIGIN, 8, 13, root_from_leaf_hashes(LEAVES[8:13]))
    ML_DSA.verifier.verify_subtree(part, signature.payload)


SUBTREE_WITNESS = at_size(14, ML_DSA)
