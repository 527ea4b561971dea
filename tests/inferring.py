"""Propose a contract from a small file."""

from dataclasses import dataclass
from pathlib import Path

from veracity.data.contract import Contract, check_units, parse_contract
from veracity.data.infer.propose import infer_contract
from veracity.feeds.sample import RECORDS, sample_files
from veracity.home.check import CheckReport, check_file


@dataclass(frozen=True)
class Proposed:
    """A contract that was proposed, its text, and what it makes of the file it came from."""

    text: str
    contract: Contract
    report: CheckReport

    def why(self, name: str) -> str:
        """Return the comment above a property, unwrapped."""
        before = self.text.split(f"      - name: {name}\n")[0].splitlines()
        lines: list[str] = []
        for line in reversed(before):
            if not line.lstrip().startswith("#"):
                break
            lines.insert(0, line.strip().removeprefix("#").strip())
        return " ".join(lines)

    @property
    def comments(self) -> str:
        """All comments, unwrapped."""
        lines = [
            x.strip().removeprefix("#").strip() for x in self.text.splitlines() if x.strip().startswith("#")
        ]
        return " ".join(lines)


def propose(path: Path, records: int = RECORDS, feed: str | None = None, zone: str | None = None) -> Proposed:
    """Infer from a file; the proposal must be a contract, with real units, and the same each time."""
    text = infer_contract(sample_files([path], records), feed, zone)
    assert text == infer_contract(sample_files([path], records), feed, zone)
    contract = parse_contract(text)
    check_units(contract)
    return Proposed(text.decode(), contract, check_file(contract, path))


def propose_csv(folder: Path, text: str, name: str = "feed.csv") -> Proposed:
    """Write a CSV file and infer from it."""
    (folder / name).write_text(text, encoding="utf-8")
    return propose(folder / name)
