"""Verifying many signatures, here or in processes of their own: it is most of the work at the door.

A process is asked and answers in frames over its standard input and output, and nothing else passes::

    question   uint32 n, then n times: 32 bytes key, 64 bytes signature, uint32 length, that many bytes
    answer     n bytes, 1 where the signature holds

All numbers are little-endian. A process that ends is not started again: what it was asked is verified
here, and so is everything after it.
"""

import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from veracity.provenance.errors import EnvelopeRejected
from veracity.provenance.keys import PublicKey

_FEW = 64  # not worth the way
_HEAD = struct.Struct("<32s64sI")
_COUNT = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Claim:
    """That a signature of a text is a key's."""

    key: PublicKey
    signature: bytes
    text: bytes


Verify = Callable[[Sequence[Claim]], list[bool]]  #: says of each claim, in order, whether it holds


def verify_here(claims: Sequence[Claim]) -> list[bool]:
    """Verify one after the other, some 0.15 CPU ms each."""
    return [_holds(c.key, c.signature, c.text) for c in claims]


def _holds(key: PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        key.verify(signature, text)
    except EnvelopeRejected:
        return False
    return True


class Verifiers:
    """Some processes that verify at the same time. To be closed after use."""

    def __init__(self, n: int) -> None:
        command = [sys.executable, "-m", "veracity.home.live.verifying"]
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            for _ in range(n)
        ]
        self._threads = ThreadPoolExecutor(n) if n else None
        self._asking = threading.Lock()  # a process is asked one thing at a time

    def __call__(self, claims: Sequence[Claim]) -> list[bool]:
        """Say of each claim whether it holds; any thread may ask."""
        with self._asking:
            return self._shared_out(claims)

    def _shared_out(self, claims: Sequence[Claim]) -> list[bool]:
        alive = [p for p in self._processes if p.poll() is None]
        if len(claims) < _FEW or not alive or self._threads is None:
            return verify_here(claims)
        size = -(-len(claims) // len(alive))
        shares = [claims[i : i + size] for i in range(0, len(claims), size)]
        asked = [self._threads.submit(_ask, p, s) for p, s in zip(alive, shares, strict=False)]
        return [holds for answer in asked for holds in answer.result()]

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.kill()
            process.wait()
        if self._threads is not None:
            self._threads.shutdown()


def _ask(process: subprocess.Popen[bytes], claims: Sequence[Claim]) -> list[bool]:
    assert process.stdin is not None, "a pipe"
    assert process.stdout is not None, "a pipe"
    parts = [_COUNT.pack(len(claims))]
    for c in claims:
        parts += (_HEAD.pack(c.key.raw, c.signature.ljust(64, b"\0")[:64], len(c.text)), c.text)
    try:
        process.stdin.write(b"".join(parts))
        process.stdin.flush()
        answer = process.stdout.read(len(claims))
    except OSError:
        answer = b""
    if len(answer) != len(claims):
        process.kill()
        return verify_here(claims)
    return [a == 1 and len(c.signature) == 64 for a, c in zip(answer, claims, strict=True)]


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions."""
    keys: dict[bytes, PublicKey] = {}
    while len(head := questions.read(_COUNT.size)) == _COUNT.size:
        holds = bytearray()
        for _ in range(_COUNT.unpack(head)[0]):
            raw, signature, length = _HEAD.unpack(questions.read(_HEAD.size))
            if len(keys) > 100_000:
                keys.clear()
            key = keys.setdefault(raw, PublicKey(raw))
            holds.append(_holds(key, signature, questions.read(length)))
        answers.write(holds)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
