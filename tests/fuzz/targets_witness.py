"""Fuzz targets of witnesses and monitors: requests, answers, evidence of misbehaviour; the state in S3."""

from artefacts import ANSWER, HONEST_PAIR, NOTE, REQUEST, ROOTS, TIMES, WITNESSES
from fuzzing import edited, promise, same, target
from log_fakes import SIGNER
from witness_fakes import MemoryWitnessState

from veracity.errors import Malformed
from veracity.log.add_checkpoint import format_size, parse_add_checkpoint, parse_size
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.cosignatures import cosignature_time
from veracity.log.errors import StoreUnavailable
from veracity.log.notes import parse_note
from veracity.log.policy import policy_for
from veracity.log.sign_subtree import parse_sign_subtree
from veracity.log.witness import Witness
from veracity.log.witness_exchange import read_cosignature
from veracity.log.witness_keys import parse_witness_vkey
from veracity.monitor.misbehaviour import judge, parse_misbehaviour
from veracity.stores.object_state import SignedState

LAST_COSIGNED = REQUEST.old_size


@target()
def add_checkpoint(data: bytes) -> None:
    """A request for a cosignature has one spelling."""
    same("request", parse_add_checkpoint(data).format(), data)


@target()
def sign_subtree(data: bytes) -> None:
    """A request for the cosignature of a subtree is read back as it was."""
    request = parse_sign_subtree(data)
    with promise("a request can be written and read back"):
        same("request", parse_sign_subtree(request.format()), request)


@target()
def witnessed_request(data: bytes) -> None:
    """However a request is changed, a witness cosigns what the log signed, and never less than before."""
    state = MemoryWitnessState()
    witness = Witness([SIGNER.verifier], WITNESSES[:1], state)
    witness.add_checkpoint(REQUEST.first, TIMES[0])
    cosigned = state.notes[SIGNER.name]
    try:
        witness.add_checkpoint(parse_add_checkpoint(edited(REQUEST.next.format(), data)), TIMES[1])
    finally:
        with promise("a witness remembers a tree of the log"):
            tree = parse_checkpoint(parse_note(state.notes[SIGNER.name]).text)
            same("root", tree.root, ROOTS[tree.size])
            same("no smaller", tree.size >= LAST_COSIGNED, True)
            same("remembered", cosigned in state.notes.values() or tree.size > LAST_COSIGNED, True)


@target()
def witness_answer(data: bytes) -> None:
    """A changed answer is refused, or is the cosignature that the witness gave."""
    signature = read_cosignature(WITNESSES[0].verifier, NOTE, edited(ANSWER, data))
    same("time", cosignature_time(signature.payload), TIMES[0])


@target(max_bytes=64)
def witness_size(data: bytes) -> None:
    """The size in a witness's answer has one spelling."""
    same("size", format_size(parse_size(data)), data)


@target(max_bytes=8_192)
def witness_vkey(data: bytes) -> None:
    """A witness's key, of either kind, has one spelling."""
    text = data.decode("utf-8", "surrogateescape")
    same("vkey", parse_witness_vkey(text).format(), text)


@target(max_bytes=8_192)
def misbehaviour(data: bytes) -> None:
    """Evidence is read back as it was."""
    found = parse_misbehaviour(data)
    with promise("evidence can be written and read back"):
        same("evidence", parse_misbehaviour(found.format()), found)


@target()
def judged_honest_pair(data: bytes) -> None:
    """Of two checkpoints of an honest log, no change to the evidence makes a proof against it."""
    found = parse_misbehaviour(edited(HONEST_PAIR, data))
    same("verdict", judge(found, policy_for(SIGNER.verifier)).verdict, "not-proven")


@target()
def object_state(data: bytes) -> None:
    """The state of a log in an object store is read back as it was, or the store is said to be of no use."""
    try:
        state = SignedState.parse(data, SIGNER.name)
    except StoreUnavailable as exc:
        raise Malformed(str(exc)) from exc
    with promise("a state can be written and read back"):
        same("state", SignedState.parse(state.format(), SIGNER.name), state)
