"""A sealed city to attack, and what an insider who can write its files does to it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from run_cli import Here
from small_city import AGENCY, ORIGIN, PANEL, clock, csv, key, ndjson, new_city, parquet
from veracity.data.evidence import format_pages, parse_pages
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.panels import build_and_say
from veracity.log.append import Log
from veracity.log.notes import Signer
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.statements import Ingest, format_statement, parse_statement
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects

TABLE = "store/tables/rain"
LOG = Signer(ORIGIN, key("log").seed)
AUDITOR = "whoever audits the city"
READER = "whoever was given the receipt"
MONITOR = "a monitor that has looked before"


def sealed_city(folder: Path) -> Path:
    """Make a city of five signed batches (three of text, one CSV, one Parquet) and a panel."""
    root = new_city(folder / "city", signature="required")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    files = [
        ndjson(folder / "a.ndjson", 0, 300),
        csv(folder / "b.csv", 300, 100),
        parquet(folder / "c.parquet", 400, 100),
    ]
    with open_writer(root, clock) as home:
        ingest(home, "rain", files, sign=key(AGENCY), records_per_part=128)
        build_and_say(home, folder / "panel.yaml")
    return root


def table_file(root: Path, batch: int) -> Path:
    return next((root / TABLE).glob(f"{batch:08d}-*.parquet"))


def evidence(root: Path, batch: int, suffix: str) -> Path:
    home = Home.open(root, clock)
    row = home.index.batch("rain", batch)
    assert row is not None
    path = root / "store" / home.evidence("rain").path(row.file_sha256, f"{row.part}.{suffix}")
    home.close()
    return path


def another_digit(page: bytes) -> bytes:
    """Change one digit of a page of readings."""
    at = page.index(b'"rain": ') + 8
    return page[:at] + b"%d" % ((page[at] - 48 + 1) % 10) + page[at + 1 :]


def change_page(path: Path, change: Callable[[bytes], bytes] = another_digit) -> None:
    """Change the first stored page, compress it anew and make the index of frames fit."""
    beside = path.with_suffix(".pages")
    pages, lengths = parse_pages(beside.read_bytes(), "pages")
    body = path.read_bytes()
    text = zstandard.ZstdDecompressor().decompress(body[: lengths[0]])
    frame = zstandard.ZstdCompressor(level=1).compress(change(text))
    path.write_bytes(frame + body[lengths[0] :])
    beside.write_bytes(format_pages(pages, [len(frame), *lengths[1:]]))


def rewrite_log(root: Path, signer: Signer) -> None:
    """Put a log of the same length in place of the city's, one ingest statement in it told otherwise."""
    home = Home.open(root, clock)
    entries = list(home.reader().entries())
    home.close()
    stated = Ingest.from_statement(parse_statement(open_envelope(entries[4]).payload))
    lie = replace(stated, received_at="2026-09-01T00:00:00.000000Z")
    entries[4] = sign_envelope(format_statement(lie.to_statement()), [key("operator")])
    shutil.rmtree(root / "store" / "log")
    with Database(root.parent / "other.db") as database:
        Log.open(LocalObjects(root / "store" / "log"), SqlLogState(database), signer).append(entries)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The city as it should be."""
    return sealed_city(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def city(sealed: Path, tmp_path: Path) -> Path:
    """A copy to attack."""
    return Path(shutil.copytree(sealed, tmp_path / "city"))


def receipt_of(here: Here, city: Path, record: str = "1:3") -> Path:
    """Make the receipt of a record, as its reader has it."""
    path = city.parent / "receipt.json"
    done = here("receipt", "rain", "--record", record, "-o", path, "--home", city)
    assert done.code == 0, done
    return path


def more(city: Path, first: int = 500) -> None:
    """Take one more batch in."""
    file = ndjson(city.parent / f"{first}.ndjson", first, 40)
    with open_writer(city, clock) as home:
        ingest(home, "rain", [file], sign=key(AGENCY))


def monitored(here: Here, city: Path) -> list[str | Path]:
    """Let a monitor look at the log once; return the command with which it looks again."""
    policy = shutil.copy(city / "trust.policy", city.parent / "their.policy")
    command: list[str | Path] = ["monitor", "follow", city / "store" / "log", "--policy", policy]
    command += ["--state", city.parent / "monitor.json", "--once"]
    done = here(*command)
    assert done.code == 0, done
    return command


def appended(city: Path, entry: bytes) -> None:
    """Append an entry with the log's own key."""
    with open_writer(city, clock) as home:
        home.append(entry)


def stated(city: Path, index: int = 4) -> Ingest:
    """Return what an entry of the log says of a batch."""
    home = Home.open(city, clock)
    entry = home.reader().entry(index)
    home.close()
    return Ingest.from_statement(parse_statement(open_envelope(entry).payload))
