"""The state of logs on an object store alone: one object a log, replaced by compare-and-swap of its ETag.

The object is one line of JSON and, after it, the pending writes as they are::

    {"schema":"veracity.log-state/v1","origin":…,"nonce":…,"note":…,"previous":…}
    <pending>

A failed request leaves open whether it took effect. The nonce, new in each write, tells: what
stands there afterwards is ours or it is not.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from veracity.log.doors import LastSigned
from veracity.log.errors import StoreUnavailable
from veracity.stores.conditional import ConditionalObjects, check_conditions

MAX_STATE_BYTES = 64 * 1024 * 1024  #: over twice what one step of a log writes
_SCHEMA = "veracity.log-state/v1"
_PROBE = "conditional-writes"
_WAITS_S = (0.0, 0.2, 1.0, 4.0)


@dataclass(frozen=True)
class SignedState:
    """What the object says."""

    origin: str
    nonce: str
    signed: LastSigned

    def format(self) -> bytes:
        """Write the object."""
        header = {
            "schema": _SCHEMA,
            "origin": self.origin,
            "nonce": self.nonce,
            "note": self.signed.note.hex(),
            "previous": None if self.signed.previous is None else self.signed.previous.hex(),
        }
        return json.dumps(header, separators=(",", ":")).encode() + b"\n" + self.signed.pending

    @classmethod
    def parse(cls, data: bytes, origin: str) -> Self:
        """Read it back; ``StoreUnavailable`` for anything but the state of ``origin``."""
        line, newline, pending = data.partition(b"\n")
        try:
            header = json.loads(line)
            previous = header["previous"]
            note = bytes.fromhex(header["note"])
            previous = None if previous is None else bytes.fromhex(previous)
            found = cls(header["origin"], header["nonce"], LastSigned(note, previous, pending))
            is_state = bool(newline) and (header["schema"], found.origin) == (_SCHEMA, origin)
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise StoreUnavailable(f"state of {origin}: want {_SCHEMA}, got {type(exc).__name__}") from exc
        if not is_state or not isinstance(found.nonce, str):
            raise StoreUnavailable(f"state of {origin}: want {_SCHEMA} of that log, got another")
        return found


@dataclass(frozen=True)
class _Held:
    """What this process last saw of a log's state."""

    tag: str
    note: bytes


class ObjectState:
    """``LogState`` in conditional objects. Not safe to share between threads.

    Parameters
    ----------
    objects
        Where the states are: a folder of their own, never that of a log.
    nonce, sleep
        Randomness and waiting.
    """

    def __init__(
        self,
        objects: ConditionalObjects,
        *,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._objects = objects
        self._nonce = nonce
        self._sleep = sleep
        self._held: dict[str, _Held] = {}
        self._is_checked = False

    def close(self) -> None:
        """Forget what was read."""
        self._held.clear()

    def compare_and_swap(self, origin: str, old_note: bytes | None, new_note: bytes, pending: bytes) -> bool:
        """Replace the last signed checkpoint; see ``LogState``."""
        if not self._is_checked:
            check_conditions(self._objects, _PROBE)
            self._is_checked = True
        held = self._held.get(origin)
        if held is None or held.note != old_note:
            self.last(origin)
            held = self._held.get(origin)
        if (held.note if held else None) != old_note:
            return False
        new = SignedState(origin, self._nonce(), LastSigned(new_note, old_note, pending))
        # Until the outcome is known nothing is held: who asks next reads.
        self._held.pop(origin, None)
        tag = self._swap(new, held.tag if held else None)
        if tag is None:
            return False
        self._held[origin] = _Held(tag, new_note)
        return True

    def last(self, origin: str) -> LastSigned | None:
        """Return the last signed checkpoint, or None for a log that is new."""
        found = self._objects.read(state_path(origin))
        if found is None:
            self._held.pop(origin, None)
            return None
        signed = SignedState.parse(found.data, origin).signed
        self._held[origin] = _Held(found.tag, signed.note)
        return signed

    def _swap(self, new: SignedState, tag: str | None) -> str | None:
        """Write the state where ``tag`` stands; return its tag, or None if another stands there."""
        path, body = state_path(new.origin), new.format()
        doubt: StoreUnavailable | None = None
        for wait_s in _WAITS_S:
            self._sleep(wait_s)
            try:
                written = self._objects.replace(path, body, tag) if tag else self._objects.create(path, body)
                if written is not None:
                    return written
                found = self._objects.read(path)
            except StoreUnavailable as exc:
                # It may be there, or come later. To send it again does no harm: at most one takes effect.
                doubt = exc
                continue
            if found is not None and SignedState.parse(found.data, new.origin).nonce == new.nonce:
                return found.tag
            if (found.tag if found else None) != tag:
                if doubt is None:
                    return None
                break
        why = doubt or "refused, yet unchanged"
        raise StoreUnavailable(f"state of {new.origin}: not known whether it was written: {why}") from doubt


def state_path(origin: str) -> str:
    """Return where the state of a log is kept: by the digest, as an origin may hold anything."""
    return f"{hashlib.sha256(origin.encode()).hexdigest()}.state"
