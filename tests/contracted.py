"""Rows that a renderer made, judged by the contract of their feed."""

from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from veracity.data.contract import Contract, parse_contract
from veracity.home.check import CheckReport, check_file


def contract_of(kind: str) -> Contract:
    """Read a contract that comes with the package."""
    return parse_contract((files("veracity.feeds") / "contracts" / f"{kind}.yaml").read_bytes())


def judged(kind: str, rows: Sequence[bytes], folder: Path, now: datetime) -> CheckReport:
    """Give the verdicts of a kind's contract on some rows that arrive at ``now``."""
    path = folder / f"{kind}.ndjson"
    path.write_bytes(b"".join(row + b"\n" for row in rows))
    return check_file(contract_of(kind), path, lambda: now)
