"""One round: look at what is published, hold it against what is remembered, remember it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import (
    LogError,
    ObjectMissing,
    PolicyRejected,
    SignatureRejected,
    StoreUnavailable,
)
from veracity.log.notes import Verifier, parse_note
from veracity.log.policy import Policy
from veracity.log.reader import CHECKPOINT_PATH, LogReader
from veracity.monitor.comparing import fork, unproven
from veracity.monitor.entries import check_entry
from veracity.monitor.findings import Finding
from veracity.monitor.misbehaviour import Misbehaviour, signed_checkpoint
from veracity.monitor.report import Round, Samples, WitnessLine, counted
from veracity.monitor.state import Seen, State, write_whole
from veracity.monitor.view import is_http
from veracity.monitor.witnesses import AHEAD_S, Answer, OpenView, Witnessed, ask_witnesses, quorum_time
from veracity.provenance.statements import Typed

CHUNK = 2_048  #: entries between two writes of the memory
HELD_BACK_S = 60.0  #: a witness may be ahead of what we are shown for as long as a cache may hold it
CACHE_S = 6.0  #: an older checkpoint may come out of a cache: it is asked for again after so long
MAX_EVIDENCE = 1_000  #: files of evidence in one folder, proofs not counted
ROUND_S = 1_800.0  #: entries not checked by then are left for the next round


class Sampler(Protocol):
    """Chooses records of new batches and makes them again."""

    def see(self, index: int, entry: bytes, said: Typed | None) -> None:
        """Take note of a new entry."""

    def check(self, reader: LogReader, samples: Samples) -> list[Finding]:
        """Make some of what was seen again; forget it; return what differs."""


@dataclass(frozen=True)
class Means:
    """What a round needs of the world.

    Attributes
    ----------
    location, objects
        Where the log is, and its files as they are shown there.
    save
        Writes the state down.
    evidence
        The folder for proof.
    wait
        Sleeps for so many seconds.
    open_other
        Opens the place of a witness.
    """

    location: str
    objects: Objects
    policy: Policy
    save: Callable[[State], None]
    evidence: Path
    max_age_s: float
    samplers: Sequence[Sampler]
    wait: Callable[[float], None]
    open_other: OpenView


class Look:
    """One round: what is seen now, held against a state, which takes it in."""

    def __init__(self, means: Means, state: State, now: float) -> None:
        self._m, self._now = means, now
        self._deadline = time.monotonic() + ROUND_S
        self._state, self._policy = state, means.policy
        self._found: list[Finding] = []
        self._unread: Counter[str] = Counter()
        self.made = Round(at=format_s(now), location=means.location)

    def run(self) -> Round:
        """Look at everything; then settle what is open and write it down."""
        state, made = self._state, self.made
        state.book.begin()
        try:
            self._look()
        except StoreUnavailable as exc:
            made.is_reached = False
            made.told.append(f"the log is out of reach: {exc}")
        if made.is_reached:
            state.book.close_passed(self._found)
        self._m.save(self._state)
        book = state.book
        made.findings, made.n_more = book.opened, dict(book.n_more)
        made.n_unanswered, made.by_kind = book.n_unanswered, book.by_kind()
        made.n_checked, made.simulated = state.n_checked, state.contradictions.is_simulated
        return made

    def _look(self) -> None:
        try:
            note = self._newest()
        except ObjectMissing as exc:
            self._find("no-checkpoint", "checkpoint", str(exc))
            return
        signed = self._signed(note)
        if signed is None:
            return
        checkpoint, log, is_believed = signed
        made = self.made
        made.origin, made.size, made.root = checkpoint.origin, checkpoint.size, checkpoint.root.hex()
        reader = LogReader(self._m.objects, note, checkpoint)
        if self._extends(reader, note, checkpoint) and is_believed:
            self._believe(note, checkpoint)
            self._check_entries(reader)
            for sampler in self._m.samplers if made.is_caught_up else ():
                for finding in sampler.check(reader, made.samples):
                    self._add(finding)
        answers = ask_witnesses(self._policy, log, self._m.open_other)
        for answer in answers:
            self._compare_witness(answer, reader, checkpoint)
        self._compare_pairs(answers)
        self._check_larger(reader, checkpoint)
        self._check_age(note, checkpoint)

    def _newest(self) -> bytes:
        """Return the checkpoint published; one that is older than before is asked for again, after caches."""
        note, base = self._m.objects.get(CHECKPOINT_PATH), self._state.checkpoint
        if base is None or not is_http(self._m.location) or self._state.book.is_open("rollback"):
            return note
        try:
            is_older = signed_checkpoint(note, self._policy).size < base.size
        except LogError:
            return note
        if is_older:
            self._m.wait(CACHE_S)
            note = self._m.objects.get(CHECKPOINT_PATH)
        return note

    def _signed(self, note: bytes) -> tuple[Checkpoint, Verifier, bool] | None:
        """Return what the log signed, its key, and whether the policy is met; None if nothing is signed."""
        base = self._state.checkpoint
        try:
            checkpoint = signed_checkpoint(note, self._policy)
        except LogError as exc:
            self._find(exc.code, "checkpoint", str(exc))
            return None
        if base is not None and checkpoint.origin != base.origin:
            self._find("other-origin", "checkpoint", f"want {base.origin}, got {checkpoint.origin[:80]}")
            return None
        known = {(v.name, v.key_id) for v in (*self._policy.logs, *self._policy.witnesses.values())}
        for line in parse_note(note).signatures:
            if (line.name, line.key_id) not in known:
                self.made.told.append(
                    f"signed too by a key not in the policy: {line.name} {line.key_id.hex()}"
                )
        try:
            accepted = self._policy.check(note)
        except (PolicyRejected, SignatureRejected) as exc:
            self._find("policy-rejected", "checkpoint", str(exc))
            log = next(v for v in self._policy.logs if v.name == checkpoint.origin)
            return checkpoint, log, False
        by = ", ".join(accepted.witnesses)
        self.made.said.append(
            "signed by the log" + (f", cosigned by {by}" if by else "; no witness is asked for")
        )
        return checkpoint, accepted.log, True

    def _extends(self, reader: LogReader, note: bytes, checkpoint: Checkpoint) -> bool:
        """Hold a checkpoint against the last one believed; tell if both cannot be, or are not shown to be."""
        base, base_note = self._state.checkpoint, self._state.note
        if base is None or base_note is None:
            self.made.said.append("seen for the first time: nothing to hold it against")
            return True
        how = f"first seen {format_s(self._state.changed_s)}, then shown {self.made.at} at {self._m.location}"
        if checkpoint.size < base.size:
            n = counted(base.size, "entry", "entries")
            detail = f"want at least the {n} seen before, got fewer"
            self._tell("rollback", "checkpoint", detail, Misbehaviour("rollback", base_note, note, how))
            return False
        try:
            proof = fork(reader, base_note, base, how)
        except StoreUnavailable:
            raise
        except LogError as exc:
            detail = f"want a tree that begins with the {base.size} entries seen before, got: {exc}"
            self._tell(
                "no-consistency", "checkpoint", detail, unproven(reader, base_note, exc, how), lasts=False
            )
            return False
        if proof is not None:
            root = base.root.hex()[:16]
            detail = f"want a tree that begins with the {base.size} entries of root {root}, got another"
            self._tell("split-view", "checkpoint", detail, proof)
            return False
        self.made.said.append(
            "the same as before"
            if base == checkpoint
            else f"extends the {counted(base.size, 'entry', 'entries')} seen before"
        )
        return True

    def _believe(self, note: bytes, checkpoint: Checkpoint) -> None:
        if checkpoint != self._state.checkpoint:
            self._state.changed_s = self._now
        self._state.note = note

    def _check_entries(self, reader: LogReader) -> None:
        """Check every new entry, and write the memory now and then."""
        state, made = self._state, self.made
        try:
            while state.n_checked < reader.size:
                stop = min(state.n_checked - state.n_checked % CHUNK + CHUNK, reader.size)
                for entry in reader.entries(state.n_checked, stop):
                    if time.monotonic() > self._deadline:
                        made.is_cut_short = True
                        break
                    index = state.n_checked
                    checked = check_entry(state, index, entry)
                    for finding in checked.found:
                        self._add(finding)
                    for sampler in self._m.samplers:
                        sampler.see(index, entry, checked.said)
                    if checked.kind is not None and checked.said is None:
                        self._unread[checked.kind] += 1
                    state.n_checked = index + 1
                    made.n_new += 1
                self._m.save(self._state)
                if made.is_cut_short:
                    left = reader.size - state.n_checked
                    made.told.append(
                        f"time is up: {counted(left, 'entry is', 'entries are')} left for next time"
                    )
                    break
            made.is_caught_up = not made.is_cut_short
        except StoreUnavailable:
            raise
        except LogError as exc:
            kind = "missing-files" if isinstance(exc, ObjectMissing) else exc.code
            self._find(kind, "entries", f"after entry {state.n_checked}: {exc}")
            return
        made.said.append(
            f"{counted(made.n_new, 'new entry', 'new entries')} checked, {state.n_checked} in all"
        )
        for kind, n in self._unread.items():
            made.told.append(f"{kind}: {n} checked for who signed, not for what is said: not read here yet")

    def _compare_witness(self, answer: Answer, reader: LogReader, checkpoint: Checkpoint) -> None:
        """Hold what a witness has seen against what we are shown."""
        line = WitnessLine(answer.name, problem=answer.problem)
        self.made.witnesses.append(line)
        seen = answer.witnessed
        if seen is None:
            self.made.told.append(f"witness {answer.name}: {answer.problem}")
            return
        line.size, line.lag = seen.checkpoint.size, checkpoint.size - seen.checkpoint.size
        if not self._is_ahead(answer.name, seen.cosigned_s):
            line.age_s = max(0.0, self._now - seen.cosigned_s)
            if line.age_s > self._m.max_age_s:
                self.made.told.append(f"witness {answer.name}: cosigned last {line.age_s:.0f} s ago")
        self._check_witness_itself(answer.name, seen.note, seen.checkpoint, seen.cosigned_s)
        if seen.checkpoint.size > checkpoint.size:
            since = self._state.larger.get(answer.name, (b"", self._now))[1]
            self._state.larger[answer.name] = seen.note, since
        else:
            self._hold_against(answer.name, reader, seen.note, seen.checkpoint)

    def _compare_pairs(self, answers: Sequence[Answer]) -> None:
        """Hold what the witnesses show against each other, where no tiles are needed: at equal sizes."""
        by_size: dict[int, tuple[str, Witnessed]] = {}
        for answer in answers:
            if (seen := answer.witnessed) is None:
                continue
            other, first = by_size.setdefault(seen.checkpoint.size, (answer.name, seen))
            if first.checkpoint.root != seen.checkpoint.root:
                how = f"the first cosigned by witness {other}, the second by witness {answer.name}"
                detail = f"the log shows witnesses {other} and {answer.name} two trees"
                shown = Misbehaviour("split-view", first.note, seen.note, how)
                self._tell("split-view", f"witnesses {other} and {answer.name}", detail, shown)

    def _hold_against(self, name: str, reader: LogReader, note: bytes, seen: Checkpoint) -> None:
        how = f"cosigned by witness {name}, then shown {self.made.at} at {self._m.location}"
        try:
            proof = fork(reader, note, seen, how)
        except StoreUnavailable:
            raise
        except LogError as exc:
            detail = f"want a tree that begins with what the witness cosigned, got: {exc}"
            self._tell(
                "no-consistency", f"witness {name}", detail, unproven(reader, note, exc, how), lasts=False
            )
            return
        if proof is not None:
            self._tell(
                "split-view", f"witness {name}", "the log shows this witness another tree than us", proof
            )
        else:
            self.made.said.append(f"witness {name} has seen the same log, up to {seen.size} entries")

    def _check_witness_itself(self, name: str, note: bytes, seen: Checkpoint, cosigned_s: int) -> None:
        """Hold what a witness shows against what it showed before."""
        before = self._state.witnesses.get(name)
        if before is not None:
            old = parse_checkpoint(parse_note(before.note).text)
            if seen.size < old.size and cosigned_s > before.believed_s:
                detail = f"cosigned {old.size} entries, and later {seen.size}, as the largest it has seen"
                how = f"both cosigned by witness {name}, the second later"
                self._tell(
                    "witness-rollback",
                    f"witness {name}",
                    detail,
                    Misbehaviour("rollback", before.note, note, how),
                )
            if cosigned_s <= before.believed_s:
                return
        self._state.witnesses[name] = Seen(note, cosigned_s, self._now)

    def _check_larger(self, reader: LogReader, checkpoint: Checkpoint) -> None:
        """Come back to trees that were larger than we were shown, when a witness had seen them."""
        for name, (note, since) in list(self._state.larger.items()):
            larger = parse_checkpoint(parse_note(note).text)
            if larger.size <= checkpoint.size:
                del self._state.larger[name]
                self._hold_against(name, reader, note, larger)
            elif self._now - since >= HELD_BACK_S:
                detail = f"want the {larger.size} entries that the witness has seen, got {checkpoint.size}"
                how = f"the larger seen by witness {name} since {format_s(since)}"
                shown = Misbehaviour("held-back", note, reader.checkpoint_note, how)
                self._tell("held-back", f"witness {name}", detail, shown, lasts=False)
            else:
                self.made.told.append(
                    f"witness {name} has seen {larger.size} entries, we are shown {checkpoint.size} (as yet)"
                )

    def _check_age(self, note: bytes, checkpoint: Checkpoint) -> None:
        try:
            times = self._policy.cosigned_times(note)
        except SignatureRejected:  # told as policy-rejected
            times = {}
        believed = {name: time_s for name, time_s in times.items() if not self._is_ahead(name, time_s)}
        cosigned_s = quorum_time(self._policy, believed)
        if cosigned_s is None:
            if checkpoint != self._state.checkpoint:
                return
            what, age_s = "seen first", self._now - self._state.changed_s
        else:
            what, age_s = "cosigned last", self._now - cosigned_s
        self.made.checkpoint_age_s = max(0.0, age_s)
        if age_s > self._m.max_age_s:
            detail = f"want one {what} within {self._m.max_age_s:.0f} s, got {age_s:.0f} s ago"
            self._find("stale-checkpoint", "checkpoint", detail)

    def _is_ahead(self, name: str, cosigned_s: int) -> bool:
        """Tell, and say, whether a witness cosigned at a time that our clock is far from."""
        if cosigned_s <= self._now + AHEAD_S:
            return False
        detail = f"cosigned at {format_s(cosigned_s)}, more than {AHEAD_S:.0f} s ahead of our clock"
        self._find("witness-ahead", f"witness {name}", detail)
        return True

    def _find(self, kind: str, where: str, detail: str) -> None:
        """Tell what is so now, and may pass."""
        self._add(Finding(kind, where, detail, is_lasting=False))

    def _tell(self, kind: str, where: str, detail: str, proof: Misbehaviour, *, lasts: bool = True) -> None:
        """Tell what two signed checkpoints show, and keep both in a file.

        A hostile log can open and close findings as often as it likes: of those that prove nothing a
        thousand files are kept.
        """
        finding = Finding(kind, where, detail, is_lasting=lasts)
        kept = self._state.book.evidence_of(finding)
        if kept is None and (kind == "split-view" or self._n_evidence() < MAX_EVIDENCE):
            data = proof.format()
            path = self._m.evidence / f"misbehaviour-{sha256(data).hexdigest()[:16]}.json"
            write_whole(path, data)
            kept = str(path)
        self._add(replace(finding, evidence=kept))

    def _n_evidence(self) -> int:
        return sum(1 for _ in self._m.evidence.glob("misbehaviour-*.json"))

    def _add(self, finding: Finding) -> None:
        self._found.append(finding)
        self._state.book.add(finding, self.made.at)


def format_s(posix_s: float) -> str:
    """Write a POSIX time as RFC 3339 in UTC, to the second.

    Examples
    --------
    >>> format_s(0)
    '1970-01-01T00:00:00Z'
    """
    try:
        return datetime.fromtimestamp(posix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{posix_s:.0f} s"
