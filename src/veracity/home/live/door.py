"""The door: who may send what. Every message is let in whole or turned away with a reason that is counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from veracity.data.bodies import cut_body
from veracity.data.contract import Contract
from veracity.data.errors import MalformedBody
from veracity.data.text import RECORD_BYTES
from veracity.home.home import Home
from veracity.home.live.arrivals import Admitted, Arrival, Turned
from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.rates import Buckets
from veracity.home.live.verifying import Claim, Verify, verify_here
from veracity.provenance.agencies import Agencies, Authority
from veracity.provenance.errors import ExpiredKey, MalformedMessage, RevokedKey, UnknownKey
from veracity.provenance.messages import Message, parse_message, records_root, signed_text

ADMITTED_BYTES = 64 * 1024 * 1024  #: of records let in at once; the message that goes over it is the last
_RECORD_COSTS = 64  # bytes of memory that a record takes beside its own


@dataclass(frozen=True)
class _Gate:
    """One feed as it stands: its contract, and how full its devices' buckets are."""

    contract: Contract
    limits: Limits
    devices: Buckets
    whole: Buckets


class _Away(Exception):
    """A message is turned away. Never leaves this module."""

    def __init__(self, reason: str, detail: str, n_records: int = 1) -> None:
        super().__init__(detail)
        self.reason, self.n_records = reason, n_records


def kind_of(contract: Contract) -> Literal["csv", "ndjson"]:
    """Return how the records of a feed's messages are written."""
    return "csv" if contract.kind == "csv" else "ndjson"


class Door:
    """The feeds and the keys as they are in the log; make it anew when they have changed.

    Parameters
    ----------
    limits
        What the feeds take; the defaults where none are given.
    """

    def __init__(self, home: Home, limits: LimitsByFeed | None = None) -> None:
        self._limits = limits or LimitsByFeed()
        self._gates: dict[str, _Gate] = {}
        self._agencies = Agencies()
        self._size = 0
        self.renew(home)

    def renew(self, home: Home) -> None:
        """Take up contracts and keys as they are now; what devices have used of their rates stays."""
        gates = {}
        for name, feed in home.feeds().items():
            before, limits = self._gates.get(name), self._limits.of(name)
            gates[name] = _Gate(
                feed.contract,
                limits,
                before.devices if before else Buckets(limits.device),
                before.whole if before else Buckets(limits.feed),
            )
        self._gates = gates
        self._agencies, self._size = home.agencies(), home.index.size

    def knows(self, feed: str) -> bool:
        """Tell whether there is such a feed."""
        return feed in self._gates

    def admit(
        self, arrivals: Sequence[Arrival], now: datetime, verify: Verify = verify_here
    ) -> list[Admitted | Turned]:
        """Let each message in, or turn it away; in order, and as many as there is room for at once.

        At least the first is answered. What is compressed shows its size only when it is not any more: a
        message of 300 bytes may be one of a mebibyte.

        ``now`` is when its batch will have been received: keys and rates are asked as of then.
        """
        made: list[Admitted | Turned] = []
        claims: list[Claim] = []
        at: list[int] = []
        room = ADMITTED_BYTES
        for arrival in arrivals:
            if room <= 0:
                break
            try:
                message, claim = self._admit(arrival, now)
            except _Away as away:
                made.append(Turned(arrival, away.reason, str(away)[:300], away.n_records))
                continue
            if claim is not None:
                claims.append(claim)
                at.append(len(made))
            made.append(message)
            room -= sum(map(len, message.records)) + _RECORD_COSTS * len(message.records)
        for place, claim, holds in zip(at, claims, verify(claims), strict=True):
            unproven = made[place]
            if not holds and isinstance(unproven, Admitted):
                said = f"signature: want one of key {claim.key.keyid[:16]} of {unproven.sender}, got another"
                made[place] = Turned(unproven.arrival, "signature", said, len(unproven.records))
        return made

    def claims(self, arrivals: Sequence[Arrival], now: datetime) -> list[Claim]:
        """Return the signatures that ``admit`` will ask about, as far as the door knows by now.

        No message is let in and no rate used. Of each device there are at most as many as it may send at
        once, so that who sends too much cannot make us verify it all.
        """
        found = []
        n_of = Counter[tuple[str, str]]()
        for arrival in arrivals:
            sender = arrival.feed, arrival.device
            try:
                gate = self._gate(arrival)
                n_of[sender] += 1
                if n_of[sender] <= gate.limits.device.burst:
                    found.append(self._read(arrival, gate, now)[1])
            except _Away:
                continue
        return [claim for claim in found if claim is not None]

    def _gate(self, arrival: Arrival) -> _Gate:
        gate = self._gates.get(arrival.feed)
        if gate is None:
            raise _Away("unknown-feed", f"feed: want one that was added, got {arrival.feed!r}")
        n_bytes, most = len(arrival.payload), gate.limits.max_bytes
        if n_bytes > most:
            raise _Away("too-large", f"message: want at most {most} bytes, got {n_bytes}")
        return gate

    def _admit(self, arrival: Arrival, now: datetime) -> tuple[Admitted, Claim | None]:
        gate = self._gate(arrival)
        at_s = arrival.arrived_at.timestamp()
        if not (gate.devices.take(arrival.device, at_s) and gate.whole.take("", at_s)):
            rate = gate.limits.device
            raise _Away("rate", f"{arrival.device}: want at most {rate.per_s:g} messages a second, got more")
        return self._read(arrival, gate, now)

    def _read(self, arrival: Arrival, gate: _Gate, now: datetime) -> tuple[Admitted, Claim | None]:
        """Read a message, and find whose it says it is."""
        limits = gate.limits
        _check_live(gate.contract)
        message = _parsed(arrival.payload)
        records = _cut(message.body, gate.contract)
        n = len(records)
        if n > limits.max_records:
            raise _Away("too-many-records", f"message: want at most {limits.max_records} records, got {n}", n)
        if (longest := max(map(len, records))) >= RECORD_BYTES:  # with its line end
            raise _Away("too-long", f"record: want fewer than {RECORD_BYTES} bytes, got {longest}", n)
        sender, claim = self._sender(arrival, message, records, gate.contract, now)
        admitted = Admitted(arrival, arrival.id, sender, tuple(records), message.keyid, message.signature)
        return admitted, claim

    def _sender(
        self, arrival: Arrival, message: Message, records: list[bytes], contract: Contract, now: datetime
    ) -> tuple[str, Claim | None]:
        """Return whose message it is, and the signature that says so, not verified yet."""
        n = len(records)
        if message.keyid is None or message.signature is None:
            if contract.signature == "required":
                raise _Away("unsigned", f"{contract.feed}: want signed messages, got a bare one", n)
            return arrival.device, None
        try:
            authority = self._agencies.authority(message.keyid, self._size, now)
            _check_device(authority, arrival.device, contract, n)
        except UnknownKey as exc:
            raise _Away("unknown-key", str(exc), n) from exc
        except RevokedKey as exc:
            raise _Away("revoked-key", str(exc), n) from exc
        except ExpiredKey as exc:
            raise _Away("expired-key", str(exc), n) from exc
        text = signed_text(contract.feed, authority.name, n, records_root(records))
        return authority.name, Claim(authority.key, message.signature, text)


def _check_live(contract: Contract) -> None:
    if contract.personal:
        raise _Away("not-live", f"{contract.feed}: want a feed without personal fields, got one with some")
    if contract.time is None and not contract.key:
        raise _Away(
            "not-live",
            f"{contract.feed}: want a key or an event time to tell a reading from the same sent again",
        )


def _parsed(payload: bytes) -> Message:
    try:
        return parse_message(payload)
    except MalformedMessage as exc:
        raise _Away("malformed-message", str(exc)) from exc


def _cut(body: bytes, contract: Contract) -> list[bytes]:
    kind = kind_of(contract)
    try:
        records = cut_body(body, kind, contract.separator)
    except MalformedBody as exc:
        raise _Away("malformed-body", str(exc)) from exc
    if kind == "csv":
        names = {cell.strip(' "') for cell in records[0].decode("utf-8", "replace").split(contract.separator)}
        if not names & contract.source_names:
            raise _Away("no-header", "body: want the columns' names in the first line of CSV, got none")
    return records


def _check_device(authority: Authority, device: str, contract: Contract, n: int) -> None:
    """Raise unless a key is that of the device whose topic the message came on, and of the feed's agency."""
    name = authority.name.rpartition("/")[2]
    if authority.role not in ("device", "agency") or name != device:
        raise _Away("foreign-device", f"signer: want {device}, got {authority.role} {authority.name}", n)
    if contract.agency not in (None, authority.agency):
        raise _Away("foreign-device", f"signer: want one of {contract.agency}, got {authority.name}", n)
