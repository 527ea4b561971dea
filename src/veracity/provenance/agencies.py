"""Who may sign what: the state of keys, folded from ``enrol`` statements in the log's order.

Rules
-----
- Entry 0 of a log is the operator's enrolment, signed by the very key it enrols.
- Keys come (``enrol``) by the operator's signature, and are replaced (``rotate``) by the
  operator's or the old key's. They go (``revoke``) by the signature of the operator or of a key of
  the same agency.
- A key is enrolled once, for one agency and role, and never comes back.
- The operator's last key can be rotated, not revoked.

What counts is the position in the log. A key's authority begins with the entry that enrols it
and ends with the one that rotates or revokes it: what it signed before stays valid.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from veracity.provenance.dsse import Envelope, verify
from veracity.provenance.errors import EnrolmentRejected, RevokedKey, UnknownKey
from veracity.provenance.keys import PublicKey
from veracity.provenance.statements.enrol import Action, Enrol, Role
from veracity.provenance.statements.statement import parse_statement


@dataclass(frozen=True)
class Authority:
    """One key, whose it is, and between which entries of the log it counts (both included)."""

    agency: str
    role: Role
    key: PublicKey
    enrolled_at: int
    ended_at: int | None = None
    ended_by: Action | None = None

    def holds_at(self, index: int) -> bool:
        """Say whether the key counts for a statement at log index ``index``."""
        return self.enrolled_at <= index and (self.ended_at is None or index <= self.ended_at)


class Agencies:
    """The keys of one log. ``add`` takes its ``enrol`` entries in order; others are not its business.

    Every error is a Rejected or a Malformed, and leaves the state as it was.
    """

    def __init__(self) -> None:
        self._keys: dict[str, Authority] = {}
        self._last = -1

    @classmethod
    def fold(cls, entries: Iterable[tuple[int, Envelope]]) -> "Agencies":
        """Return the state after the ``enrol`` entries given as (log index, envelope), in order."""
        agencies = cls()
        for index, envelope in entries:
            agencies.add(index, envelope)
        return agencies

    def add(self, index: int, envelope: Envelope) -> Enrol:
        """Take in the ``enrol`` statement at a log index.

        Raises
        ------
        EnrolmentRejected
            If it comes out of order, contradicts the log or was signed by one who may not.
        UnknownKey, RevokedKey, EnvelopeRejected
            If its signature does not count.
        MalformedStatement
            If it is no ``enrol`` statement.
        """
        enrol = Enrol.from_statement(parse_statement(envelope.payload))
        if index <= self._last or (self._last < 0 and index != 0):
            want = "the operator's enrolment at 0 first" if self._last < 0 else f"above {self._last}"
            raise EnrolmentRejected(f"log index: want {want}, got {index}")
        if index == 0:
            self._add_operator(enrol, envelope)
        else:
            self._change(index, enrol, self.signer(envelope, index))
        self._last = index
        return enrol

    def authority(self, keyid: str, at_index: int) -> Authority:
        """Return whose key it is, if it counts for a statement at log index ``at_index``.

        Raises
        ------
        UnknownKey
            If it was not enrolled by then.
        RevokedKey
            If it had been revoked or replaced.
        """
        found = self._keys.get(keyid)
        if found is None or found.enrolled_at > at_index:
            raise UnknownKey(f"key {keyid[:16]}: want one enrolled before entry {at_index}, got none such")
        if not found.holds_at(at_index):
            verb = "replaced" if found.ended_by == "rotate" else "revoked"
            raise RevokedKey(
                f"key {keyid[:16]} of {found.agency}: want one that counts at entry {at_index},"
                f" got one {verb} at {found.ended_at}"
            )
        return found

    def signer(self, envelope: Envelope, at_index: int) -> Authority:
        """Verify an envelope for log index ``at_index`` and return whose signature counts.

        The first signature by an enrolled key decides; signatures of keys never enrolled are
        ignored while another is there.

        Raises
        ------
        UnknownKey, RevokedKey
            As ``authority`` does.
        EnvelopeRejected
            If the signature fails.
        """
        hints = [line.keyid for line in envelope.signatures]
        keyid = next((hint for hint in hints if hint in self._keys), hints[0])
        authority = self.authority(keyid, at_index)
        verify(envelope, [authority.key])
        return authority

    @property
    def operator(self) -> str:
        """The operator's name; UnknownKey before entry 0 was taken in."""
        for authority in self._keys.values():
            return authority.agency
        raise UnknownKey("operator: want the enrolment at entry 0, got none yet")

    def enrolled(self, agency: str | None = None) -> list[Authority]:
        """Return every key ever enrolled, or an agency's, oldest first."""
        return [a for a in self._keys.values() if agency is None or a.agency == agency]

    def active(self, agency: str) -> list[Authority]:
        """Return an agency's keys that have not ended, oldest first."""
        return [a for a in self.enrolled(agency) if a.ended_at is None]

    def _add_operator(self, enrol: Enrol, envelope: Envelope) -> None:
        if (enrol.action, enrol.role) != ("enrol", "operator"):
            raise EnrolmentRejected(f"entry 0: want enrol operator, got {enrol.action} {enrol.role}")
        verify(envelope, [enrol.key])
        self._keys[enrol.key.keyid] = Authority(enrol.agency, enrol.role, enrol.key, 0)

    def _change(self, index: int, enrol: Enrol, signer: Authority) -> None:
        if enrol.action == "revoke":
            self._revoke(index, enrol, signer)
            return
        keyid = enrol.key.keyid
        if keyid in self._keys:
            raise EnrolmentRejected(
                f"key {keyid[:16]}: want one never enrolled, got one of {self._keys[keyid].agency}"
            )
        if enrol.action == "rotate":
            old = self._current(enrol, enrol.replaces or "", index)
            if signer.role != "operator" and signer.key != old.key:
                raise EnrolmentRejected(
                    f"rotate: want the operator's or the old key's signature, got {signer.agency}'s"
                )
            self._end(old, index, "rotate")
        else:
            if signer.role != "operator":
                raise EnrolmentRejected(f"enrol: want the operator's signature, got {signer.agency}'s")
            if (enrol.role == "operator") != (enrol.agency == self.operator):
                raise EnrolmentRejected(
                    f"enrol: want role operator for {self.operator} only, got {enrol.role} {enrol.agency}"
                )
        self._keys[keyid] = Authority(enrol.agency, enrol.role, enrol.key, index)

    def _revoke(self, index: int, enrol: Enrol, signer: Authority) -> None:
        old = self._current(enrol, enrol.key.keyid, index)
        if signer.role != "operator" and signer.agency != old.agency:
            raise EnrolmentRejected(
                f"revoke: want the signature of the operator or {old.agency}, got {signer.agency}'s"
            )
        if old.role == "operator" and len(self.active(old.agency)) == 1:
            raise EnrolmentRejected(
                "revoke: want an operator's key to remain, got the last (rotate it instead)"
            )
        self._end(old, index, "revoke")

    def _current(self, enrol: Enrol, keyid: str, index: int) -> Authority:
        """Return the key that ends: enrolled, not ended, and of the agency and role that are named."""
        old = self.authority(keyid, index)
        if (old.agency, old.role) != (enrol.agency, enrol.role):
            raise EnrolmentRejected(
                f"{enrol.action}: want a key of {enrol.role} {enrol.agency}, got {old.role} {old.agency}'s"
            )
        return old

    def _end(self, old: Authority, index: int, action: Action) -> None:
        self._keys[old.key.keyid] = replace(old, ended_at=index, ended_by=action)
