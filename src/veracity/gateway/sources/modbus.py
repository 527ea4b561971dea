"""Modbus TCP: registers of a meter or a controller, read every so many seconds.

Registers are big-endian words of 16 bits. A value of several words has its high word first
(``words: big``) or last (``little``): devices differ, their manual says.
"""

import math
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from veracity.gateway.errors import MalformedReading, MissingExtra, SourceFault
from veracity.gateway.fields import number, text, whole
from veracity.gateway.inlet import Inlet
from veracity.gateway.readings import Stamp, parse_stamp
from veracity.gateway.sources.polling import poll
from veracity.provenance.fields import Fields

MAX_REGISTERS = 128
TIMEOUT_S = 3.0
_TYPES = {  # name -> (struct code, words)
    "int16": ("h", 1),
    "uint16": ("H", 1),
    "int32": ("i", 2),
    "uint32": ("I", 2),
    "int64": ("q", 4),
    "uint64": ("Q", 4),
    "float32": ("f", 2),
    "float64": ("d", 4),
}


@dataclass(frozen=True)
class Register:
    """One field: where its words are, and what they mean: ``value = raw * scale + offset``."""

    name: str
    table: str
    address: int
    type: str
    scale: Decimal
    offset: Decimal
    words: str

    @property
    def n_words(self) -> int:
        """How many registers it takes."""
        return _TYPES[self.type][1]

    def value(self, words: Sequence[int]) -> int | float | None:
        """Return the value of its words; None for what is no number, as devices say of a broken sensor.

        >>> Register("t", "input", 0, "int16", Decimal("0.1"), Decimal(0), "big").value([65531])
        -0.5
        """
        ordered = words if self.words == "big" else list(reversed(words))
        raw: int | float
        (raw,) = struct.unpack(">" + _TYPES[self.type][0], struct.pack(f">{len(ordered)}H", *ordered))
        if not math.isfinite(raw):
            return None
        if self.type == "float32":
            raw = _shortest(raw)
        scaled = Decimal(str(raw)) * self.scale + self.offset
        return int(scaled) if scaled == scaled.to_integral_value() else float(scaled)


def _shortest(value: float) -> float:
    """Return the number of fewest digits that is the same in 32 bits: what the device meant to say.

    >>> _shortest(struct.unpack("f", struct.pack("f", 2.35))[0])
    2.35
    """
    same = (float(f"{value:.{digits}g}") for digits in range(6, 10))
    return next(number for number in same if struct.pack("f", number) == struct.pack("f", value))


@dataclass(frozen=True)
class ModbusTcp:
    """A unit at an address, and its registers."""

    name: str
    feed: str
    host: str
    port: int
    unit: int
    every_s: float
    registers: tuple[Register, ...]
    stamp: Stamp

    def run(self, inlet: Inlet, stop: threading.Event) -> None:
        """Read until told to stop; one connection for as long as it holds."""
        client = self._client()
        try:
            if not client.connect():
                raise SourceFault(f"modbus {self.host}:{self.port}: want a connection, got none")
            poll(lambda now_ns: [self._record(client, now_ns)], self.every_s, inlet, stop)
        finally:
            client.close()

    def _client(self) -> Any:
        try:
            from pymodbus.client import ModbusTcpClient
        except ImportError as exc:
            raise MissingExtra("pymodbus: want it installed for Modbus, got none") from exc
        return ModbusTcpClient(self.host, port=self.port, timeout=TIMEOUT_S, retries=1)

    def _record(self, client: Any, now_ns: int) -> bytes:
        values = {r.name: r.value(self._words(client, r)) for r in self.registers}
        return self.stamp.record(values, now_ns)

    def _words(self, client: Any, register: Register) -> list[int]:
        from pymodbus.exceptions import ModbusException

        read = client.read_input_registers if register.table == "input" else client.read_holding_registers
        try:
            answer = read(register.address, count=register.n_words, device_id=self.unit)
        except (ModbusException, OSError) as exc:
            raise SourceFault(f"modbus {self.host}:{self.port}: want {register.name}, got: {exc}") from exc
        if answer.isError():
            raise SourceFault(f"modbus {self.host}:{self.port}: want {register.name}, got {answer}")
        if len(answer.registers) != register.n_words:
            raise MalformedReading(
                f"modbus {register.name}: want {register.n_words} words, got {len(answer.registers)}"
            )
        return list(answer.registers)


def parse_modbus(name: str, feed: str, fields: Fields, base: Path) -> ModbusTcp:  # noqa: ARG001 - as others
    """Read ``host``, ``port``, ``unit``, ``every_s``, ``registers`` and the stamp."""
    registers = tuple(_parse_register(item) for item in fields.objects("registers", MAX_REGISTERS))
    if not registers or len({r.name for r in registers}) != len(registers):
        raise fields.fail("registers", "one or more, each of another name", len(registers))
    return ModbusTcp(
        name,
        feed,
        fields.text("host", 253),
        whole(fields, "port", 1, 65_535, 502),
        whole(fields, "unit", 0, 255, 1),
        number(fields, "every_s", 0.05, 86_400, 10),
        registers,
        parse_stamp(fields),
    )


def _parse_register(fields: Fields) -> Register:
    register = Register(
        fields.text("name", 128),
        fields.choice("table", ("holding", "input")) if "table" in fields else "holding",
        whole(fields, "address", 0, 65_535),
        fields.choice("type", _TYPES) if "type" in fields else "uint16",
        Decimal(str(number(fields, "scale", -1e12, 1e12, 1))),
        Decimal(str(number(fields, "offset", -1e12, 1e12, 0))),
        text(fields, "words", "big"),
    )
    if register.words not in ("big", "little"):
        raise fields.fail("words", "big or little", register.words)
    fields.done()
    return register
