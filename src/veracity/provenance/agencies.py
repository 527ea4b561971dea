"""Who may sign what: the state of keys, folded from ``enrol`` statements in the log's order.

Rules
-----
- Entry 0 of a log is the operator's enrolment, signed by the very key it enrols.
- An agency's key comes (``enrol``) by the operator's signature, and is replaced (``rotate``) by the
  operator's or the old key's. It goes (``revoke``) by that of the operator or of a key of the agency.
- A device is named ``<agency>/<device>`` and counts for its agency. Its keys come, are replaced and
  go by the signature of the operator or of a key of the agency; never by its own.
- An officer is named ``officer/<name>``, with the person's name as people read it and the duties. An
  officer's key comes and goes by the operator's signature, and is replaced by the operator's or the old
  key's, for the same person and the same duties. One name is one person's. It signs approvals.
- A key is enrolled once, for one name and role, and never comes back.
- The operator's last key can be rotated, not revoked.

A key's authority begins with the entry that enrols it and ends with the one that rotates or
revokes it. Within that, times narrow it: nothing counts that was received after the key expired, or
at or after the ``as_of`` of a revocation, though the log has it before that entry. A revocation takes
back the keys that the revoked key itself brought from that time on. It may come again, also for a key
that was replaced, to name an earlier time. An operator's key ends at the entry alone: who has it
states the times.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from veracity.provenance.dsse import Envelope, verify
from veracity.provenance.errors import (
    ApprovedLater,
    ApproverDiffers,
    DutyMissing,
    EnrolmentRejected,
    ExpiredKey,
    NotAnOfficer,
    RevokedKey,
    UnknownKey,
)
from veracity.provenance.fields import format_utc
from veracity.provenance.keys import PublicKey
from veracity.provenance.statements.approve import Approve
from veracity.provenance.statements.enrol import DEVICE_NAME, Action, Duty, Enrol, Role
from veracity.provenance.statements.statement import parse_statement

AHEAD = timedelta(minutes=5)  #: an officer's clock may be ahead of the city's by so much


@dataclass(frozen=True)
class Authority:
    """One key, whose it is, and what of it counts.

    Attributes
    ----------
    name, role
        Who signs with it: the operator, an agency, or a device as ``<agency>/<device>``.
    enrolled_at, ended_at, ended_by
        The entries of the log between which it counts (both included), and how it ended.
    expires
        From when on nothing received counts.
    void_from, voided_at
        The same by a revocation as of a time, and the entry that says so.
    person, duties
        Of an officer: the name shown, and what may be approved.
    """

    name: str
    role: Role
    key: PublicKey
    enrolled_at: int
    expires: datetime | None = None
    ended_at: int | None = None
    ended_by: Action | None = None
    void_from: datetime | None = None
    voided_at: int | None = None
    person: str | None = None
    duties: tuple[Duty, ...] = ()

    @property
    def agency(self) -> str:
        """The agency it counts for: of a device, the one it belongs to."""
        return self.name.partition("/")[0] if self.role == "device" else self.name

    def holds_at(self, index: int) -> bool:
        """Say whether the key counts for a statement at log index ``index``, by the log's order."""
        return self.enrolled_at <= index and (self.ended_at is None or index <= self.ended_at)

    def check_time(self, received: datetime) -> None:
        """Return if the key counts for what was received at a time, else raise ExpiredKey or RevokedKey."""
        who = f"key {self.key.keyid[:16]} of {self.name}"
        if self.expires is not None and received >= self.expires:
            raise ExpiredKey(
                f"{who}: want what was received before it expired at {format_utc(self.expires)},"
                f" got {format_utc(received)}"
            )
        if self.void_from is not None and received >= self.void_from:
            raise RevokedKey(
                f"{who}: want what was received before {format_utc(self.void_from)}, as of which entry"
                f" {self.voided_at} revoked it, got {format_utc(received)}"
            )


@dataclass(frozen=True)
class Change:
    """One ``enrol`` entry: whose key it is about, and by whose it was signed (key IDs)."""

    index: int
    action: Action
    name: str
    keyid: str
    signer: str
    since: datetime | None


class Agencies:
    """The keys of one log. ``add`` takes its ``enrol`` entries in order; others are not its business.

    Every error is a Rejected or a Malformed, and leaves the state as it was.
    """

    def __init__(self) -> None:
        self._keys: dict[str, Authority] = {}
        self._changes: list[Change] = []

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
        UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected
            If its signature does not count.
        MalformedStatement
            If it is no ``enrol`` statement.
        """
        enrol = Enrol.from_statement(parse_statement(envelope.payload))
        last = self._changes[-1].index if self._changes else -1
        if index <= last or (last < 0 and index != 0):
            want = "the operator's enrolment at 0 first" if last < 0 else f"above {last}"
            raise EnrolmentRejected(f"log index: want {want}, got {index}")
        if index == 0:
            signer = self._add_operator(enrol, envelope)
        else:
            signer = self.signer(envelope, index)
            _check_in_time(enrol, signer)
            self._change(index, enrol, signer)
        by, keyid = signer.key.keyid, enrol.key.keyid
        self._changes.append(Change(index, enrol.action, enrol.agency, keyid, by, enrol.since))
        return enrol

    def authority(self, keyid: str, at_index: int, received: datetime | None = None) -> Authority:
        """Return whose key it is, if it counts for a statement at log index ``at_index``.

        With the time it was ``received``, expiry and revocations as of a time count too.

        Raises
        ------
        UnknownKey
            If it was not enrolled by then.
        RevokedKey, ExpiredKey
            If it had been revoked or replaced, or had expired.
        """
        found = self._keys.get(keyid)
        if found is None or found.enrolled_at > at_index:
            raise UnknownKey(f"key {keyid[:16]}: want one enrolled before entry {at_index}, got none such")
        if not found.holds_at(at_index):
            verb = "replaced" if found.ended_by == "rotate" else "revoked"
            raise RevokedKey(
                f"key {keyid[:16]} of {found.name}: want one that counts at entry {at_index},"
                f" got one {verb} at {found.ended_at}"
            )
        if received is not None:
            found.check_time(received)
        return found

    def signer(self, envelope: Envelope, at_index: int, received: datetime | None = None) -> Authority:
        """Verify an envelope for log index ``at_index`` and return whose signature counts.

        The first signature by an enrolled key decides; signatures of keys never enrolled are
        ignored while another is there.

        Raises
        ------
        UnknownKey, RevokedKey, ExpiredKey
            As ``authority`` does.
        EnvelopeRejected
            If the signature fails.
        """
        hints = [line.keyid for line in envelope.signatures]
        keyid = next((hint for hint in hints if hint in self._keys), hints[0])
        authority = self.authority(keyid, at_index, received)
        verify(envelope, [authority.key])
        return authority

    def check_officer(self, envelope: Envelope, duty: Duty, at_index: int, received: datetime) -> Authority:
        """Check an approval for the statement at a log index, and return the officer who signed it.

        ``received`` is the time of that statement, by its own word: what the key and the approval are
        held against. What is approved is for the statement to compare.

        Raises
        ------
        NotAnOfficer, DutyMissing
            If it was signed by another, or by an officer without the duty.
        ApproverDiffers
            If it names another person than the one enrolled with the key.
        ApprovedLater
            If it dates itself more than ``AHEAD`` after ``received``.
        UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected, MalformedStatement
            As ``signer`` does, or if it is no approval.
        """
        officer = self.signer(envelope, at_index, received)
        if officer.role != "officer":
            raise NotAnOfficer(f"approval: want an officer's signature, got {officer.role} {officer.name}'s")
        approve = Approve.of(envelope)
        if approve.by != officer.person:
            raise ApproverDiffers(
                f"approval by: want {officer.person}, as {officer.name} is enrolled, got {approve.by}"
            )
        if duty not in officer.duties:
            duties = ", ".join(officer.duties)
            raise DutyMissing(f"approval: want an officer with duty {duty}, got {officer.name} with {duties}")
        if datetime.fromisoformat(approve.approved_at) > received + AHEAD:
            raise ApprovedLater(
                f"approved_at: want a time not after {format_utc(received)}, got {approve.approved_at}"
            )
        return officer

    @property
    def operator(self) -> str:
        """The operator's name; UnknownKey before entry 0 was taken in."""
        for authority in self._keys.values():
            return authority.name
        raise UnknownKey("operator: want the enrolment at entry 0, got none yet")

    def enrolled(self, name: str | None = None) -> list[Authority]:
        """Return every key ever enrolled, or those of one name, oldest first."""
        return [a for a in self._keys.values() if name is None or a.name == name]

    def active(self, name: str) -> list[Authority]:
        """Return the keys of one name that have not ended, oldest first."""
        return [a for a in self.enrolled(name) if a.ended_at is None]

    def rests_on(self, keyids: Iterable[str]) -> set[int]:
        """Return the ``enrol`` entries that keys rest on, entry 0 included.

        Those of a key's own name and its agency's up to its enrolment, and what the keys that signed
        them rest on in turn.
        """
        wanted, done = {0}, set[str]()
        todo = [keyid for keyid in keyids if keyid in self._keys]
        while todo:
            keyid = todo.pop()
            if keyid in done:
                continue
            done.add(keyid)
            key = self._keys[keyid]
            for change in self._changes:
                if change.index <= key.enrolled_at and change.name in (key.name, key.agency):
                    wanted.add(change.index)
                    todo.append(change.signer)
        return wanted

    def revocations(self, entries: Iterable[int], after: int) -> tuple[set[int], set[int]]:
        """Return the revocations after a log index of the keys that ``enrol`` entries brought.

        Returns
        -------
        revocations, rest_on
            Those entries, and all that their signers' keys rest on.
        """
        wanted = set(entries)
        brought = {c.keyid for c in self._changes if c.index in wanted}
        found = [c for c in self._changes if c.action == "revoke" and c.index > after and c.keyid in brought]
        return {c.index for c in found}, self.rests_on(c.signer for c in found) if found else set()

    def _add_operator(self, enrol: Enrol, envelope: Envelope) -> Authority:
        if (enrol.action, enrol.role) != ("enrol", "operator"):
            raise EnrolmentRejected(f"entry 0: want enrol operator, got {enrol.action} {enrol.role}")
        verify(envelope, [enrol.key])
        return self._take(enrol, 0)

    def _take(self, enrol: Enrol, index: int) -> Authority:
        authority = Authority(
            enrol.agency,
            enrol.role,
            enrol.key,
            index,
            enrol.until,
            person=enrol.person,
            duties=enrol.duties,
        )
        self._keys[enrol.key.keyid] = authority
        return authority

    def _change(self, index: int, enrol: Enrol, signer: Authority) -> None:
        if enrol.action == "revoke":
            self._revoke(index, enrol, signer)
            return
        keyid = enrol.key.keyid
        if keyid in self._keys:
            raise EnrolmentRejected(
                f"key {keyid[:16]}: want one never enrolled, got one of {self._keys[keyid].name}"
            )
        if enrol.action == "rotate":
            old = self._current(enrol, enrol.replaces or "", index)
            if not _may_rotate(signer, old):
                raise EnrolmentRejected(
                    f"rotate: want the signature of {_who_may(old)} or, but for a device, the old key's,"
                    f" got {signer.name}'s"
                )
            self._keys[old.key.keyid] = replace(old, ended_at=index, ended_by="rotate")
        else:
            self._check_comes(enrol, signer)
        self._take(enrol, index)

    def _check_comes(self, enrol: Enrol, signer: Authority) -> None:
        """Check that a key may come under this name, by this signature."""
        by_agency = enrol.role == "device" and signer.role == "agency"
        if signer.role != "operator" and not (by_agency and _agency_of(enrol.agency) == signer.name):
            raise EnrolmentRejected(f"enrol: want the operator's signature, got {signer.name}'s")
        if (enrol.role == "operator") != (enrol.agency == self.operator):
            raise EnrolmentRejected(
                f"enrol: want role operator for {self.operator} only, got {enrol.role} {enrol.agency}"
            )
        if other := next((a for a in self.enrolled(enrol.agency) if a.role != enrol.role), None):
            raise EnrolmentRejected(f"enrol: want role {other.role} for {other.name}, got {enrol.role}")
        if other := next((a for a in self.enrolled(enrol.agency) if a.person != enrol.person), None):
            raise EnrolmentRejected(f"enrol: want person {other.person} for {other.name}, got {enrol.person}")
        if enrol.role == "device":
            agency = _agency_of(enrol.agency)
            if not DEVICE_NAME.fullmatch(enrol.agency) or not any(
                a.role == "agency" for a in self.enrolled(agency)
            ):
                raise EnrolmentRejected(
                    f"enrol: want a device as <agency>/<device> of an agency enrolled, got {enrol.agency}"
                )

    def _revoke(self, index: int, enrol: Enrol, signer: Authority) -> None:
        old = self._keys.get(enrol.key.keyid)
        since = enrol.since if enrol.role != "operator" else None
        if old is None or old.ended_at is None or since is None:
            old = self._current(enrol, enrol.key.keyid, index)
        _check_named(enrol, old)
        if signer.role != "operator" and not _is_of_agency(signer, old):
            raise EnrolmentRejected(f"revoke: want the signature of {_who_may(old)}, got {signer.name}'s")
        if old.void_from is not None and since is not None and since >= old.void_from:
            raise EnrolmentRejected(
                f"revoke: want a time before {format_utc(old.void_from)}, as of which the key is revoked,"
                f" got {format_utc(since)}"
            )
        if old.role == "operator" and len(self.active(old.name)) == 1:
            raise EnrolmentRejected(
                "revoke: want an operator's key to remain, got the last (rotate it instead)"
            )
        self._end(old, index, since)

    def _end(self, old: Authority, index: int, since: datetime | None) -> None:
        """End a key at an entry, and what it signed from a time on; with it the keys it brought since."""
        todo = [old]
        while todo:
            key = todo.pop()
            if key.ended_at is None:
                key = replace(key, ended_at=index, ended_by="revoke")
            if since is not None:
                key = replace(key, void_from=since, voided_at=index)
            self._keys[key.key.keyid] = key
            todo += [self._keys[keyid] for keyid in self._brought(key, since)]

    def _brought(self, key: Authority, since: datetime | None) -> set[str]:
        """Return the keys that came by a key's signature from a time on and count from then on still."""
        came = [c for c in self._changes if c.action != "revoke" and c.signer == key.key.keyid]
        return {
            c.keyid
            for c in came
            if since is not None and (c.since is None or c.since >= since)
            if (void := self._keys[c.keyid].void_from) is None or void > since
        }

    def _current(self, enrol: Enrol, keyid: str, index: int) -> Authority:
        """Return the key that ends: enrolled, not ended, and of the agency and role that are named."""
        old = self.authority(keyid, index)
        _check_named(enrol, old)
        return old


def _check_named(enrol: Enrol, old: Authority) -> None:
    if (old.name, old.role) != (enrol.agency, enrol.role):
        raise EnrolmentRejected(
            f"{enrol.action}: want a key of {enrol.role} {enrol.agency}, got {old.role} {old.name}'s"
        )
    if (old.person, old.duties) != (enrol.person, enrol.duties):
        raise EnrolmentRejected(
            f"{enrol.action}: want {old.person} with {', '.join(old.duties)}, as enrolled,"
            f" got {enrol.person} with {', '.join(enrol.duties)}"
        )


def _check_in_time(enrol: Enrol, signer: Authority) -> None:
    """Raise if the key that signed a change had expired; the operator's may still be replaced by itself."""
    if signer.expires is None or (signer.role == "operator" and enrol.replaces == signer.key.keyid):
        return
    if enrol.since is None:
        raise EnrolmentRejected(f"{enrol.action}: want as_of, as the signer's key expires, got none")
    if enrol.since >= signer.expires:
        signer.check_time(enrol.since)


def _is_of_agency(signer: Authority, old: Authority) -> bool:
    """Say whether a key is one of the agency that another belongs to, and no device's."""
    return signer.role == "agency" and signer.agency == old.agency


def _may_rotate(signer: Authority, old: Authority) -> bool:
    if old.role == "device":
        return signer.role == "operator" or _is_of_agency(signer, old)
    return signer.role == "operator" or signer.key == old.key


def _who_may(old: Authority) -> str:
    return "the operator" if old.role in ("operator", "officer") else f"the operator or {old.agency}"


def _agency_of(device: str) -> str:
    return device.partition("/")[0]
