"""The door: who may send what. Every message is let in whole or turned away with a reason that is counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from veracity.data.contract import Contract
from veracity.home.home import Home
from veracity.home.live.arrivals import Admitted, Arrival, Turned
from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.origins import Origin
from veracity.home.live.rates import Buckets
from veracity.home.live.reading import Away, read_message
from veracity.home.live.room import Room
from veracity.home.live.verifying import Claim, Verify, verify_here
from veracity.provenance.agencies import Agencies, Authority
from veracity.provenance.errors import ExpiredKey, RevokedKey, UnknownKey
from veracity.provenance.messages import records_root, signed_text


@dataclass(frozen=True)
class _Gate:
    """One feed as it stands: its contract, and how full its devices' buckets are."""

    contract: Contract
    limits: Limits
    devices: Buckets
    whole: Buckets
    not_live: str | None  #: why the feed is not taken live


@dataclass(frozen=True)
class Ahead:
    """What was found of messages before their turn came.

    Attributes
    ----------
    read
        What is in each, by its place, and the digest of the contract that it was read by.
    holds
        Whether a signature is what it says it is.
    """

    read: Mapping[Origin, tuple[str, Admitted]] = field(default_factory=dict)
    holds: Mapping[Claim, bool] = field(default_factory=dict)


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
        self._n_looked_at = Counter[tuple[str, str]]()  # of each device, since the last turn
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
                _why_not_live(feed.contract),
            )
        self._gates = gates
        self._agencies, self._size = home.agencies(), home.index.size

    def knows(self, feed: str) -> bool:
        """Tell whether there is such a feed."""
        return feed in self._gates

    def admit(
        self,
        arrivals: Sequence[Arrival],
        now: datetime,
        verify: Verify = verify_here,
        ahead: Ahead | None = None,
    ) -> list[Admitted | Turned]:
        """Let each message in, or turn it away; in order, and only as many as one batch has room for.

        ``now`` is when their batches will have been received: keys are asked as of then. ``ahead`` is what
        ``look_ahead`` found of them.
        """
        self._n_looked_at = Counter()
        read = {} if ahead is None else ahead.read
        room = Room()
        made: list[Admitted | Turned] = []
        claims: list[Claim] = []
        at: list[int] = []
        for arrival in arrivals:
            if room.is_full:
                break
            try:
                message, claim = self._admit(arrival, now, read)
            except Away as away:
                made.append(Turned(arrival, away.reason, str(away)[:300], away.n_records))
                continue
            if claim is not None:
                claims.append(claim)
                at.append(len(made))
            made.append(message)
            room.take(message)
        for place, claim, holds in zip(at, claims, verify(claims), strict=True):
            unproven = made[place]
            if not holds and isinstance(unproven, Admitted):
                said = f"signature: want one of key {claim.key.keyid[:16]} of {unproven.sender}, got another"
                made[place] = Turned(unproven.arrival, "signature", said, unproven.n_records)
        return made

    def look_ahead(self, arrivals: Sequence[Arrival], now: datetime, verify: Verify = verify_here) -> Ahead:
        """Read messages and verify their signatures, as far as the door knows whose they may be by now.

        No message is let in and no rate used. Between two turns there are at most as many of each device
        as it may send at once, so that who sends too much cannot make us verify it all. Another thread
        than that of ``admit`` may ask.
        """
        n_of = self._n_looked_at
        read: dict[Origin, tuple[str, Admitted]] = {}
        claims: dict[Claim, None] = {}
        for arrival in arrivals:
            sender = arrival.feed, arrival.device
            try:
                gate = self._gate(arrival)
                n_of[sender] += 1
                if n_of[sender] > gate.limits.device.burst:
                    continue
                message = _read(arrival, gate)
                if arrival.origin is not None:
                    read[arrival.origin] = gate.contract.sha256, message
                claim = self._sender(message, gate.contract, now)[1]
            except Away:
                continue
            if claim is not None:
                claims[claim] = None
        asked = list(claims)
        return Ahead(read, dict(zip(asked, verify(asked), strict=True)))

    def _gate(self, arrival: Arrival) -> _Gate:
        gate = self._gates.get(arrival.feed)
        if gate is None:
            raise Away("unknown-feed", f"feed: want one that was added, got {arrival.feed!r}")
        n_bytes, most = len(arrival.payload), gate.limits.max_bytes
        if n_bytes > most:
            raise Away("too-large", f"message: want at most {most} bytes, got {n_bytes}")
        return gate

    def _admit(
        self, arrival: Arrival, now: datetime, read: Mapping[Origin, tuple[str, Admitted]]
    ) -> tuple[Admitted, Claim | None]:
        gate = self._gate(arrival)
        if not arrival.is_again:  # else it was within its rate before
            _check_rate(gate, arrival)
        known = None if arrival.origin is None else read.get(arrival.origin)
        is_same = known is not None and known[0] == gate.contract.sha256 and _is_of(known[1], arrival)
        message = known[1] if known is not None and is_same else _read(arrival, gate)
        sender, claim = self._sender(message, gate.contract, now)
        return replace(message, arrival=arrival, sender=sender), claim

    def _sender(self, message: Admitted, contract: Contract, now: datetime) -> tuple[str, Claim | None]:
        """Return whose message it is, and the signature that says so, not verified yet."""
        n, arrival = message.n_records, message.arrival
        if message.keyid is None or message.signature is None:
            if contract.signature == "required":
                raise Away("unsigned", f"{contract.feed}: want signed messages, got a bare one", n)
            return arrival.device, None
        try:
            authority = self._agencies.authority(message.keyid, self._size, now)
            _check_device(authority, arrival.device, contract, n)
        except UnknownKey as exc:
            raise Away("unknown-key", str(exc), n) from exc
        except RevokedKey as exc:
            raise Away("revoked-key", str(exc), n) from exc
        except ExpiredKey as exc:
            raise Away("expired-key", str(exc), n) from exc
        root = records_root(message.records)
        text = signed_text(contract.feed, authority.name, len(message.records), root)
        return authority.name, Claim(authority.key, message.signature, text)


def _read(arrival: Arrival, gate: _Gate) -> Admitted:
    if gate.not_live is not None:
        raise Away("not-live", gate.not_live)
    return read_message(arrival, gate.contract, gate.limits.max_records)


def _is_of(message: Admitted, arrival: Arrival) -> bool:
    """Tell whether a message is what came: a broker that lost its newest may give their places to others."""
    first = message.arrival
    return (first.payload, first.feed, first.device) == (arrival.payload, arrival.feed, arrival.device)


def _check_rate(gate: _Gate, arrival: Arrival) -> None:
    """Raise if a device, or else all of a feed together, sends more than it may."""
    at_s, limits = arrival.arrived_at.timestamp(), gate.limits
    if not gate.devices.take(arrival.device, at_s):
        who, rate = arrival.device, limits.device
    elif not gate.whole.take("", at_s):
        who, rate = arrival.feed, limits.feed
    else:
        return
    raise Away("rate", f"{who}: want at most {rate.per_s:g} messages a second, got more")


def _why_not_live(contract: Contract) -> str | None:
    """Say why a feed is not taken live, if it is not."""
    if contract.personal:
        return f"{contract.feed}: want a feed without personal fields, got one with some"
    if contract.time is None and not contract.key:
        return f"{contract.feed}: want a key or an event time to tell a reading from the same sent again"
    return None


def _check_device(authority: Authority, device: str, contract: Contract, n: int) -> None:
    """Raise unless a key is that of the device whose topic the message came on, and of the feed's agency."""
    name = authority.name.rpartition("/")[2]
    if authority.role not in ("device", "agency") or name != device:
        raise Away("foreign-device", f"signer: want {device}, got {authority.role} {authority.name}", n)
    if contract.agency not in (None, authority.agency):
        raise Away("foreign-device", f"signer: want one of {contract.agency}, got {authority.name}", n)
