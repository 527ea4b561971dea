"""Trust policies (C2SP tlog-policy): which log to believe, and which witnesses must agree.

This small text file is all that a verifier has to trust. Names are opaque bytes in the
format; they are held as ``str`` with ``surrogateescape``, so that nothing is lost.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.cosignatures import cosignature_time
from veracity.log.errors import MalformedKey, MalformedPolicy, PolicyRejected, SignatureRejected
from veracity.log.notes import NoteVerifier, Signature, Verifier, open_note, parse_note
from veracity.log.text import parse_decimal
from veracity.log.witness_keys import WitnessVerifier, parse_witness_vkey

MAX_POLICY_BYTES = 262_144
MAX_DEFINITIONS = 1024  #: of each of logs, witnesses and groups


@dataclass(frozen=True)
class Group:
    """A set of witnesses or groups of which ``threshold`` must have cosigned."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """A checkpoint that met the policy, and who said so (names of the policy file)."""

    checkpoint: Checkpoint
    log: Verifier
    witnesses: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Logs believed, witnesses known, and the quorum (None: no witness needed)."""

    logs: tuple[Verifier, ...]
    witnesses: Mapping[str, WitnessVerifier]
    groups: Mapping[str, Group]
    quorum: str | None
    urls: Mapping[str, str]  #: vkey -> URL, where the file gives one

    def check(self, note: bytes) -> Accepted:
        """Accept a checkpoint note signed by a known log and cosigned by the quorum.

        A cosignature of time 0 does not count: its witness makes no claim that the tree is the
        largest it has seen. It signs any part of a tree so.

        Raises
        ------
        PolicyRejected
            If no known log signed it, a known key's signature fails, or the quorum is not met.
        MalformedNote, MalformedCheckpoint
            If it is not a checkpoint at all.
        """
        parsed = parse_note(note)
        checkpoint = parse_checkpoint(parsed.text)
        log = next((v for v in self.logs if v.name == checkpoint.origin), None)
        if log is None:
            known = ", ".join(sorted(v.name for v in self.logs)) or "no log"
            raise PolicyRejected(f"origin: want {known}, got {checkpoint.origin[:80]!r}")
        verifiers: list[NoteVerifier] = [v for v in self.logs if v.name == checkpoint.origin]
        try:
            opened = open_note(note, verifiers + list(self.witnesses.values()))
        except SignatureRejected as exc:
            raise PolicyRejected(f"checkpoint of {checkpoint.origin}: {exc}") from exc
        signed = [v for v in self.logs if v.name == checkpoint.origin and opened.is_signed_by(v)]
        if not signed:
            raise PolicyRejected(f"checkpoint: want a signature of {checkpoint.origin}, got none")
        cosigned = tuple(self._times(parsed.signatures))
        if not self.is_quorum(cosigned):
            got = ", ".join(cosigned) or "none"
            raise PolicyRejected(f"quorum {self.quorum}: want its cosignatures, got {got}")
        return Accepted(checkpoint, signed[0], cosigned)

    @property
    def asks_witnesses(self) -> bool:
        """Whether a log of this policy has witnesses to ask before it publishes."""
        return self.quorum is not None or any(v.format() in self.urls for v in self.witnesses.values())

    def cosigned_times(self, note: bytes) -> dict[str, int]:
        """Return when (POSIX seconds) each witness that cosigned a note last did so, by its name here.

        Raises
        ------
        SignatureRejected, MalformedNote
            If the line of a witness does not verify, or it is no note.
        """
        signatures = parse_note(note).signatures
        known = {(v.name, v.key_id) for v in self.witnesses.values()}
        if not any((s.name, s.key_id) in known for s in signatures):
            return {}
        open_note(note, list(self.witnesses.values()))
        return self._times(signatures)

    def _times(self, verified: Sequence[Signature]) -> dict[str, int]:
        times = {}
        for name, v in self.witnesses.items():
            own = (s for s in verified if (s.name, s.key_id) == (v.name, v.key_id))
            if newest_s := max((cosignature_time(s.payload) for s in own), default=0):
                times[name] = newest_s
        return times

    def is_quorum(self, cosigned: Collection[str]) -> bool:
        """Say whether these witnesses, by their names in the policy, are enough."""
        return self.quorum is None or self.quorum in self._met_by(cosigned)

    def _met_by(self, cosigned: Collection[str]) -> set[str]:
        """Return the names of the witnesses and groups that have cosigned. A group's members precede it."""
        met = set(cosigned)
        for name, group in self.groups.items():
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(name)
        return met


def policy_for(log: Verifier) -> Policy:
    """Return the policy that believes one log and asks for no witness."""
    return Policy((log,), {}, {}, None, {})


def format_policy(policy: Policy) -> str:
    """Write a policy as text; ``parse_policy`` gives it back."""

    def with_url(vkey: str) -> str:
        return f"{vkey} {policy.urls[vkey]}" if vkey in policy.urls else vkey

    lines = [f"log {with_url(log.format())}" for log in policy.logs]
    lines += [f"witness {name} {with_url(v.format())}" for name, v in policy.witnesses.items()]
    lines += [f"group {name} {g.threshold} {' '.join(g.members)}" for name, g in policy.groups.items()]
    lines.append(f"quorum {policy.quorum or 'none'}")
    return "".join(f"{line}\n" for line in lines)


def parse_policy(text: str | bytes) -> Policy:
    """Parse a policy file.

    Raises
    ------
    MalformedPolicy
        With the number of the line that is wrong.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    if len(data) > MAX_POLICY_BYTES:
        raise MalformedPolicy(f"policy: want at most {MAX_POLICY_BYTES} bytes, got {len(data)}")
    if any((byte < 0x20 and byte not in b"\t\n") or byte == 0x7F for byte in data):
        raise MalformedPolicy("policy: want no control character but tab and newline, got one")
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if lines.pop():
        raise MalformedPolicy("policy: want lines that end in a newline, got an unfinished last line")
    reading = _Reading()
    for number, line in enumerate(lines, 1):
        words = line.replace("\t", " ").strip(" ").split(" ")
        words = [word for word in words if word]
        if words and not words[0].startswith("#"):
            try:
                reading.read(words)
            except (MalformedPolicy, MalformedKey) as exc:
                raise MalformedPolicy(f"policy line {number}: {str(exc)[:200]}") from exc
    return reading.finish()


class _Reading:
    """The state of reading one policy file, line by line."""

    def __init__(self) -> None:
        self.logs: list[Verifier] = []
        self.witnesses: dict[str, WitnessVerifier] = {}
        self.groups: dict[str, Group] = {}
        self.urls: dict[str, str] = {}
        self.member_of: dict[str, str] = {}
        self.quorums: list[str] = []

    def read(self, words: list[str]) -> None:
        keyword, values = words[0], words[1:]
        if max(len(self.logs), len(self.witnesses), len(self.groups)) >= MAX_DEFINITIONS:
            raise MalformedPolicy(f"definitions: want at most {MAX_DEFINITIONS} of a kind, got more")
        if keyword == "log" and len(values) in (1, 2):
            self._read_log(*values)
        elif keyword == "witness" and len(values) in (2, 3):
            self._read_witness(*values)
        elif keyword == "group" and len(values) >= 3:
            self._read_group(values[0], values[1], tuple(values[2:]))
        elif keyword == "quorum" and len(values) == 1:
            self._read_quorum(values[0])
        else:
            raise MalformedPolicy(
                f"want log, witness, group or quorum with its values, got {' '.join(words)[:60]!r}"
            )

    def _read_log(self, vkey: str, url: str | None = None) -> None:
        verifier = Verifier.parse(vkey)
        if any(v.public_key == verifier.public_key for v in self.logs):
            raise MalformedPolicy(f"log {verifier.name}: want each public key once, got it twice")
        self.logs.append(verifier)
        if url is not None:
            self.urls[vkey] = url

    def _read_witness(self, name: str, vkey: str, url: str | None = None) -> None:
        self._define(name)
        verifier = parse_witness_vkey(vkey)
        if any(v.public_key == verifier.public_key for v in self.witnesses.values()):
            raise MalformedPolicy(f"witness {name}: want each public key once, got it twice")
        self.witnesses[name] = verifier
        if url is not None:
            self.urls[vkey] = url

    def _read_group(self, name: str, rule: str, members: tuple[str, ...]) -> None:
        self._define(name)
        if len(set(members)) < len(members):
            raise MalformedPolicy(f"group {name}: want each member once, got {' '.join(members)[:80]!r}")
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise MalformedPolicy(f"group {name}: want members defined above, got {member!r}")
            if member in self.member_of:
                raise MalformedPolicy(
                    f"group {name}: want members of no other, got {member!r} of {self.member_of[member]!r}"
                )
            self.member_of[member] = name
        numbers = {"any": 1, "all": len(members)}
        threshold = numbers[rule] if rule in numbers else parse_decimal("threshold", rule, MalformedPolicy)
        if not 1 <= threshold <= len(members):
            raise MalformedPolicy(f"group {name}: want a threshold of 1 to {len(members)}, got {threshold}")
        self.groups[name] = Group(threshold, members)

    def _read_quorum(self, name: str) -> None:
        if name != "none" and name not in self.witnesses and name not in self.groups:
            raise MalformedPolicy(f"quorum: want a name defined above or none, got {name!r}")
        self.quorums.append(name)
        if len(self.quorums) > 1:
            raise MalformedPolicy("quorum: want exactly one line, got a second")

    def _define(self, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise MalformedPolicy(f"name: want one that is free, got {name!r}")

    def finish(self) -> Policy:
        if not self.quorums:
            raise MalformedPolicy("quorum: want exactly one line, got none")
        quorum = None if self.quorums[0] == "none" else self.quorums[0]
        return Policy(tuple(self.logs), self.witnesses, self.groups, quorum, self.urls)
