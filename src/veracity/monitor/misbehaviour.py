"""Two checkpoints of one log that cannot both be true, in a file that anyone can check.

Nothing in it has to be believed: both are signed by the log's own key. For two sizes there is also
the consistency path by which the larger tree shows what its beginning is; if that is not the
smaller checkpoint's root, the larger tree does not contain the smaller.
"""

import json
from dataclasses import dataclass
from typing import Literal

from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.errors import ConsistencyRejected, MalformedHash, PolicyRejected
from veracity.log.merkle import HASH_BYTES, MAX_PATH, verify_consistency
from veracity.log.notes import open_note, parse_note
from veracity.log.policy import Policy
from veracity.log.text import format_base64, parse_base64
from veracity.monitor.errors import MalformedMisbehaviour
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

SCHEMA = "veracity.misbehaviour/v1"
MAX_BYTES = 1_048_576
MAX_TEXT = 300_000

Verdict = Literal["proven", "not-proven"]


@dataclass(frozen=True)
class Beginning:
    """What a larger tree says its first entries are: their root, and the path that shows it."""

    root: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Misbehaviour:
    """Two signed notes. ``first`` was seen first, ``then`` later or elsewhere (``seen`` says how)."""

    kind: str
    first: bytes
    then: bytes
    seen: str
    beginning: Beginning | None = None

    def format(self) -> bytes:
        """Write it as indented JSON."""
        beginning = self.beginning and {
            "root": format_base64(self.beginning.root),
            "path": [format_base64(value) for value in self.beginning.path],
        }
        document = {
            "schema": SCHEMA,
            "kind": self.kind,
            "seen": self.seen,
            "first": self.first.decode("utf-8"),
            "then": self.then.decode("utf-8"),
            "beginning": beginning,
        }
        return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"


@dataclass(frozen=True)
class Judgement:
    """What evidence is worth: the verdict, why in one line, and whose log it is about."""

    verdict: Verdict
    why: str
    origin: str
    first: Checkpoint
    then: Checkpoint


def parse_misbehaviour(data: bytes) -> Misbehaviour:
    """Read evidence without checking it; MalformedMisbehaviour for anything else."""
    fields = Fields(
        parse_json(data, "evidence", MAX_BYTES, MalformedMisbehaviour), "evidence", MalformedMisbehaviour
    )
    fields.choice("schema", (SCHEMA,))
    found = Misbehaviour(
        kind=fields.text("kind", 64),
        seen=fields.text("seen", 2_000),
        first=fields.text("first", MAX_TEXT).encode("utf-8", "surrogatepass"),
        then=fields.text("then", MAX_TEXT).encode("utf-8", "surrogatepass"),
        beginning=fields.optional("beginning", lambda name: _beginning(fields.object(name))),
    )
    fields.done()
    return found


def judge(found: Misbehaviour, policy: Policy) -> Judgement:
    """Say whether two checkpoints cannot both be true, by the keys of a policy alone.

    Raises
    ------
    PolicyRejected, SignatureRejected
        If one is not signed by a log of the policy: then it says nothing of that log.
    MalformedNote, MalformedCheckpoint
        If one is no checkpoint.
    """
    first, then = signed_checkpoint(found.first, policy), signed_checkpoint(found.then, policy)
    if first.origin != then.origin:
        raise PolicyRejected(
            f"evidence: want two checkpoints of one log, got {first.origin} and {then.origin}"
        )
    old, new = sorted((first, then), key=lambda checkpoint: checkpoint.size)
    verdict, why = _compare(old, new, found.beginning)
    return Judgement(verdict, why, first.origin, first, then)


def signed_checkpoint(note: bytes, policy: Policy) -> Checkpoint:
    """Return a checkpoint that a log of the policy signed, whoever cosigned it; errors as ``judge``."""
    checkpoint = parse_checkpoint(parse_note(note).text)
    verifiers = [v for v in policy.logs if v.name == checkpoint.origin]
    if not verifiers:
        raise PolicyRejected(f"origin: want a log of the policy, got {checkpoint.origin[:80]!r}")
    open_note(note, verifiers)
    return checkpoint


def _compare(old: Checkpoint, new: Checkpoint, beginning: Beginning | None) -> tuple[Verdict, str]:
    if old.size == new.size:
        if old.root != new.root:
            return "proven", f"two roots of one size, {old.size}, both signed"
        return "not-proven", f"the same tree twice, of size {old.size}"
    if beginning is None:
        return "not-proven", f"sizes {old.size} and {new.size}: both can be true, one after the other"
    try:
        verify_consistency(old.size, new.size, beginning.path, beginning.root, new.root)
    except (ConsistencyRejected, MalformedHash) as exc:
        return "not-proven", f"the path does not lead to the larger tree: {exc}"
    if beginning.root == old.root:
        return "not-proven", f"the tree of {new.size} begins with the tree of {old.size}, as it should"
    return "proven", f"the tree of {new.size} begins with another tree of {old.size} than the one signed"


def _beginning(fields: Fields) -> Beginning:
    root = parse_base64("root", fields.text("root", 64), MalformedMisbehaviour, HASH_BYTES)
    path = []
    for item in fields.items("path", MAX_PATH):
        if not isinstance(item, str):
            raise fields.fail("path", "base64 of 32 bytes each", item)
        path.append(parse_base64("path", item, MalformedMisbehaviour, HASH_BYTES))
    fields.done()
    return Beginning(root, tuple(path))
