"""A serial line, or any terminal device, that sends a line of text for each reading.

It cannot be held back: a reading for which there is no room is counted as lost. Read through the
standard library's ``termios``, which every POSIX system has.
"""

import contextlib
import os
import select
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veracity.gateway.errors import SourceFault
from veracity.gateway.fields import text, whole
from veracity.gateway.inlet import Inlet
from veracity.gateway.readings import MAX_LINE_BYTES, Reader, Stamp, parse_reader, parse_stamp
from veracity.provenance.fields import Fields

_LOOP_S = 0.2
_CHUNK = 4_096
_SPEEDS = {
    int(name[1:]): value for name, value in vars(termios).items() if name[0] == "B" and name[1:].isdigit()
}
_PARITY = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}


@dataclass(frozen=True)
class SerialLine:
    """A device file and how it is set: 8 data bits, or 7; one stop bit."""

    name: str
    feed: str
    device: Path
    baud: int
    bits: int
    parity: str
    reader: Reader
    stamp: Stamp

    def run(self, inlet: Inlet, stop: threading.Event) -> None:
        """Read until told to stop."""
        lines = Lines()
        with self._opened() as handle:
            inlet.well()
            while not stop.is_set():
                if not select.select([handle], [], [], _LOOP_S)[0]:
                    continue
                for line in lines.feed(self._read(handle)):
                    records, wrong = self.reader.read(line, self.stamp, inlet.now_ns())
                    inlet.offer(records)
                    inlet.refuse(wrong)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            handle = os.open(self.device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            raise SourceFault(f"serial {self.device}: want to open it, got {exc.strerror}") from exc
        try:
            self._set(handle)
            yield handle
        finally:
            os.close(handle)

    def _set(self, handle: int) -> None:
        try:
            mode: list[Any] = termios.tcgetattr(handle)
            mode[0] = mode[1] = mode[3] = 0  # nothing is translated, echoed or obeyed
            size = termios.CS8 if self.bits == 8 else termios.CS7
            mode[2] = termios.CREAD | termios.CLOCAL | size | _PARITY[self.parity]
            mode[4] = mode[5] = _SPEEDS[self.baud]
            termios.tcsetattr(handle, termios.TCSANOW, mode)
        except termios.error as exc:
            raise SourceFault(
                f"serial {self.device}: want a terminal of {self.baud} baud, got {exc}"
            ) from exc

    def _read(self, handle: int) -> bytes:
        try:
            chunk = os.read(handle, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as exc:
            raise SourceFault(f"serial {self.device}: want a reading, got {exc.strerror}") from exc
        if not chunk:
            raise SourceFault(f"serial {self.device}: want a reading, got its end")
        return chunk


class Lines:
    """Cuts what comes in pieces into lines. The first, perhaps begun before we listened, counts as any."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_too_long = False

    def feed(self, chunk: bytes) -> list[bytes]:
        r"""Return the lines that a piece completes; of one that is too long its beginning, once.

        >>> lines = Lines()
        >>> lines.feed(b"a=1\r\nb="), lines.feed(b"2\n\n")
        ([b'a=1'], [b'b=2'])
        """
        *whole_lines, self._rest = (self._rest + chunk).split(b"\n")
        done = [line.strip(b"\r\0 ") for line in whole_lines]
        if self._is_too_long and done:
            done = done[1:]
            self._is_too_long = False
        if len(self._rest) > MAX_LINE_BYTES:
            done += [] if self._is_too_long else [self._rest]
            self._rest, self._is_too_long = b"", True
        return [line for line in done if line]


def parse_serial_line(name: str, feed: str, fields: Fields, base: Path) -> SerialLine:
    """Read ``device``, ``baud``, ``bits``, ``parity``, the reader and the stamp."""
    baud = whole(fields, "baud", 50, 4_000_000, 9_600)
    if baud not in _SPEEDS:
        raise fields.fail("baud", "a speed that this system knows, such as 9600", baud)
    parity = text(fields, "parity", "none")
    if parity not in _PARITY:
        raise fields.fail("parity", f"one of {', '.join(_PARITY)}", parity)
    return SerialLine(
        name,
        feed,
        base / fields.text("device"),
        baud,
        whole(fields, "bits", 7, 8, 8),
        parity,
        parse_reader(fields),
        parse_stamp(fields),
    )
