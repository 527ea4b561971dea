"""Play the built-in city end to end: enrol, ingest, seal, align, prove, tamper, notice.

Everything is simulated, keys included: they are made from the seed, so that one seed gives one
log to the byte. A city's real keys come from ``veracity init``.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from veracity.apps import find
from veracity.city import AGENCIES, FEEDS, contracts, panel
from veracity.city.archive import DAYS_PER_FILE, archive
from veracity.city.caught import Said, is_caught, strays
from veracity.city.clock import STEP
from veracity.city.faults import Fault
from veracity.city.ground import lay_ground
from veracity.city.learning import EVERY, Learned, forecast, prove, settle, teach
from veracity.city.twin import Delivery, Twin
from veracity.data.text import RECORDS_PER_PAGE
from veracity.errors import VeracityError
from veracity.feeds.file_info import inspect
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.deliveries import sign_file, write_sidecar
from veracity.home.directory import open_directory
from veracity.home.enrolments import add_agency
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import FileReport, ingest
from veracity.home.models import publishing
from veracity.home.models.decisions import read_decisions
from veracity.home.models.gate import load_for_service
from veracity.home.models.registry import model_folder
from veracity.home.panels import BuiltPanel, build_and_say
from veracity.home.receipts import find_record, make_receipt
from veracity.home.tables import quarantine_rows
from veracity.home.verdicts import flagged_rows
from veracity.provenance.keys import SigningKey
from veracity.provenance.publishing_keys import PublishingKey
from veracity.provenance.receipts import Receipt, format_receipt, parse_receipt
from veracity.verifying import verify

ORIGIN = "danang.example/simulated-twin"
START = datetime(2026, 9, 14, 17, tzinfo=UTC)  # midnight in Da Nang
QUARTER = timedelta(minutes=15)  # after the hour, when its batches are in
WEEKS = 4  # of air before that, for models to learn from

SYSTEM = "environment"  # the app that is trained, released and run: any would do

Say = Callable[[str], None]


@dataclass
class Notice:
    """One byte changed, and who noticed."""

    what: str
    who: str
    noticed: bool
    said: str


@dataclass
class DemoReport:
    """What was played and what came of it. All numbers are of simulated data.

    ``reasons`` are of rows in quarantine, ``flags`` of accepted ones; ``strays`` are flags that no planted
    fault explains; ``planted`` says of each fault whether it was caught: ``caught_now``.
    """

    seed: int
    home: str | None
    simulated: bool = True
    deliveries: int = 0
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    refused: int = 0
    late: int = 0
    flagged: int = 0
    rejected: int = 0
    replays: int = 0
    archived: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    strays: dict[str, int] = field(default_factory=dict)
    planted: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    records_per_s: float = 0.0
    log_size: int = 0
    checkpoint: str = ""
    panel_rows: int = 0
    panel_digest: str = ""
    receipt_bytes: int = 0
    receipt_row: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, str]] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    learned: Learned = field(default_factory=Learned)
    forecast_steps: list[dict[str, str]] = field(default_factory=list)

    @property
    def all_noticed(self) -> bool:
        """Whether every change was noticed."""
        return all(n.noticed for n in self.notices)


class SetClock:
    """A clock that stands where it was set: the simulated city's."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time it was set to."""
        return self.now


def play(root: Path, seed: int, say: Say) -> DemoReport:
    """Play the city in an empty directory, telling each stage to ``say``.

    The directory is left as a home whose data are untouched: what was changed to see who
    notices is changed back.
    """
    report = DemoReport(seed, str(root))
    twin = Twin(seed, START)
    clock = SetClock(START - timedelta(days=DAYS_PER_FILE * WEEKS))
    say("a small twin of Da Nang: 20 air stations, 12 rivers and rain gauges, 40 roads, two days, one storm")
    keys = {a.name: _key(seed, a.name) for a in AGENCIES}
    init(root, ORIGIN, clock, CityKeys(_seed(seed, "log"), _key(seed, "operator")))
    lay_ground(root, seed, clock())
    with open_writer(root, clock) as home, tempfile.TemporaryDirectory(prefix="veracity-demo-") as inbox:
        _enrol(home, keys)
        say(f"enrolled {len(keys)} agencies and their feeds; each signs what it sends")
        _ingest_archive(home, twin, clock, keys, Path(inbox), report)
        say(f"ingested {report.archived:,} readings of air from the {WEEKS} weeks before, a file a week")
        clock.now = START + timedelta(minutes=6)
        PublishingKey.from_seed(_seed(seed, "publishing")).write(home.directory.keys / publishing.FILE)
        report.learned = teach(home, find, SYSTEM, _key(seed, "officer"), seed)
        say(f"trained a model of air on {WEEKS - 1} weeks, tested it on the last, and released it")
        _ingest_all(home, twin, clock, keys, Path(inbox), report)
        say(f"ingested {report.deliveries} deliveries; every six hours forecast what was not known yet")
        settle(home, find(SYSTEM), report.learned)
        _compare(home, twin, report)
        definition = Path(inbox) / "panel.yaml"
        first = (START + STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
        definition.write_text(panel().read_text().replace("{every: 5m}", f"{{every: 5m, start: {first}}}"))
        built = build_and_say(home, definition)
        _note_panel(report, built)
        report.log_size = home.log.size
        report.checkpoint = home.log.checkpoint_note.decode()
    say(f"built the panel {built.statement.name}: {report.panel_rows:,} rows")
    _prove(root, clock, report)
    _prove_forecast(root, clock, report)
    say("made a receipt for one number and one for a forecast, and verified both by trust.policy alone")
    _tamper(root, clock, report)
    say("changed one byte here and there to see who notices, and changed it back")
    return report


def _enrol(home: Writer, keys: dict[str, SigningKey]) -> None:
    for agency in AGENCIES:
        add_agency(home, agency.name, keys[agency.name].public)
    with tempfile.TemporaryDirectory(prefix="veracity-demo-") as folder:
        for name, source in contracts().items():
            path = Path(folder) / f"{name}.yaml"
            path.write_bytes(source.read_bytes())
            add_feed(home, path)


def _ingest_archive(
    home: Writer, twin: Twin, clock: SetClock, keys: dict[str, SigningKey], inbox: Path, report: DemoReport
) -> None:
    for number, delivery in enumerate(archive(twin, WEEKS)):
        clock.now = delivery.received_at
        path = _deliver(home, delivery, keys, keys[delivery.agency], inbox / f"archive-{number}")
        for done in ingest(home, delivery.feed, [path]):
            report.archived += done.accepted


def _ingest_all(
    home: Writer, twin: Twin, clock: SetClock, keys: dict[str, SigningKey], inbox: Path, report: DemoReport
) -> None:
    deliveries = list(twin.deliveries())
    forger = _key(twin.seed, "somebody else")
    start = time.perf_counter()
    app, due = find(SYSTEM), START + EVERY
    for number, delivery in enumerate(deliveries):
        if delivery.received_at >= due + QUARTER:
            clock.now = due + QUARTER
            forecast(home, app, report.learned, clock.now)
            due += EVERY
        path = _deliver(home, delivery, keys, forger, inbox / str(number))
        clock.now = delivery.received_at
        for done in ingest(home, delivery.feed, [path]):
            _count(report, done)
    report.deliveries = len(deliveries)
    report.seconds = time.perf_counter() - start
    report.records_per_s = report.received / report.seconds


def _deliver(
    home: Home, delivery: Delivery, keys: dict[str, SigningKey], forger: SigningKey, folder: Path
) -> Path:
    """Write a delivery and its signature as a gateway would."""
    folder.mkdir()
    path = folder / delivery.name
    path.write_bytes(delivery.payload)
    if delivery.signing != "none":
        agency = keys[delivery.agency]
        key = forger if delivery.signing == "forged" else agency
        envelope = sign_file(inspect(path), home.feed(delivery.feed).contract, key)
        # The forger claims the agency's key and signs with his own.
        claimed = tuple(replace(line, keyid=agency.public.keyid) for line in envelope.signatures)
        write_sidecar(replace(envelope, signatures=claimed), path)
    return path


def _count(report: DemoReport, done: FileReport) -> None:
    report.replays += done.outcome == "replay"
    report.rejected += done.outcome == "refused"
    for name in ("received", "accepted", "quarantined", "refused", "late"):
        setattr(report, name, getattr(report, name) + getattr(done, name))
    for code, n in done.refusals.items():
        report.refusals[code] = report.refusals.get(code, 0) + n


def _compare(home: Home, twin: Twin, report: DemoReport) -> None:
    """Set what the rules said against what was planted."""
    said = _said(home, report)
    report.flagged = said.flags.select("feed", "station", "observed_at").n_unique()
    report.flags, report.reasons = _tally(said.flags), _tally(said.aside)
    report.strays = _tally(strays(twin.truth, said))
    report.planted = [{**_fault(f), "caught_now": is_caught(f, said)} for f in twin.truth]


def _said(home: Home, report: DemoReport) -> Said:
    flags, aside = [], []
    for feed in FEEDS:
        of_feed = pl.lit(feed).alias("feed")
        told = pl.col("reasons").alias("reason")
        names = ("station", "observed_at")
        live = flagged_rows(home, feed).filter(pl.col("observed_at") > START)
        flags.append(live.select(of_feed, *names, told).explode("reason"))
        aside.append(quarantine_rows(home, feed).select(of_feed, "station", told).explode("reason"))
    every, out = pl.concat(flags).collect(), pl.concat(aside).collect()
    return Said(every, out, report.refusals, report.rejected, report.replays)


def _tally(rows: pl.DataFrame) -> dict[str, int]:
    counts = rows["reason"].value_counts().sort("count", "reason", descending=[True, False])
    return dict(counts.iter_rows())


def _note_panel(report: DemoReport, built: BuiltPanel) -> None:
    report.panel_rows, report.panel_digest = built.frame.height, built.statement.output.sha256


def _fault(fault: Fault) -> dict[str, Any]:
    document = asdict(fault)
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in document.items()}


def _crest(home: Home) -> tuple[int, int]:
    """Return where the highest river stage of the flood is kept."""
    rows = home.table("hydrology").scan().select("_batch", "_record", "stage_m").drop_nulls()
    top = rows.sort("stage_m", "_batch", "_record", descending=[True, False, False]).head(1).collect()
    return int(top["_batch"][0]), int(top["_record"][0])


def _prove(root: Path, clock: SetClock, report: DemoReport) -> None:
    home = Home.open(root, clock)
    receipt = make_receipt(home, "hydrology", find_record(home, "hydrology", *_crest(home)))
    home.close()
    body = format_receipt(receipt)
    (root / "receipt.json").write_bytes(body)
    checked = verify(root / "receipt.json", root / "trust.policy")
    report.receipt_bytes, report.receipt_row = len(body), dict(receipt.row or {})
    report.steps = [{"name": s.name, "detail": s.detail} for s in checked.steps]
    report.not_checked = list(checked.not_checked)


def _prove_forecast(root: Path, clock: SetClock, report: DemoReport) -> None:
    home = Home.open(root, clock)
    receipt = prove(home, report.learned, START + timedelta(days=2))
    home.close()
    (root / "forecast-receipt.json").write_bytes(format_receipt(receipt))
    checked = verify(root / "forecast-receipt.json", root / "trust.policy")
    report.forecast_steps = [{"name": s.name, "detail": s.detail} for s in checked.steps]


def _tamper(root: Path, clock: SetClock, report: DemoReport) -> None:
    """Change one byte at a time, ask who notices, change it back."""
    store = open_directory(root).store
    home = Home.open(root, clock)
    batch, _ = _crest(home)
    row = home.index.batch("hydrology", batch)
    assert row is not None, "the crest has a batch"
    table = next((store / "tables" / "hydrology").glob(f"{batch:08d}-*.parquet"))
    page = store / home.evidence("hydrology").path(row.file_sha256, "0.zst")
    for what, path in (("one byte of a table's file", table), ("one byte of a stored page", page)):
        with _changed_byte(path):
            findings = audit(home, "hydrology").findings
            said = f"{findings[0].where}: {findings[0].what}: {findings[0].detail}" if findings else "nothing"
            report.notices.append(Notice(what, "veracity audit", bool(findings), said))
            if path is page:
                report.notices.append(_refused(what, home, batch))
    report.notices += _changed_model(home, store, report.learned)
    home.close()
    report.notices.append(_edited_receipt(root, "receipt.json", "a receipt"))
    report.notices.append(_edited_receipt(root, "forecast-receipt.json", "a forecast's receipt"))


def _changed_model(home: Home, store: Path, learned: Learned) -> Iterator[Notice]:
    """Change the model that serves, and what it said, and ask for both."""
    model = next((store / model_folder(learned.model)).glob("*.safetensors"))
    decided = next((store / "decisions" / learned.system).glob("00000000-*.parquet"))
    asked: tuple[tuple[str, Path, str, Callable[[], object]], ...] = (
        ("model's files", model, "app run", lambda: load_for_service(home, learned.system)),
        ("forecasts kept", decided, "app decisions", lambda: read_decisions(home, learned.system, 0)),
    )
    for what, path, command, ask in asked:
        with _changed_byte(path):
            yield _asked(f"one byte of the {what}", f"veracity {command}", ask)


def _refused(what: str, home: Home, batch: int) -> Notice:
    """Ask for a receipt from each page of a batch: the changed one must not get any."""
    who = "veracity receipt, asked for a record of that page,"
    row = home.index.batch("hydrology", batch)
    n_records = home.index.predicate(row.idx)["part"]["n_records"] if row else 0
    for record in range(0, n_records, RECORDS_PER_PAGE):
        try:
            make_receipt(home, "hydrology", find_record(home, "hydrology", batch, record))
        except VeracityError as exc:
            return Notice(what, who, True, str(exc))
    return Notice(what, who, False, "nothing")


def _edited_receipt(root: Path, name: str, what: str) -> Notice:
    edited = _edited(parse_receipt((root / name).read_bytes()))
    return _asked(
        f"one digit of the page in {what}", "veracity verify", lambda: verify(edited, root / "trust.policy")
    )


def _asked(what: str, who: str, ask: Callable[[], object]) -> Notice:
    """Ask for what was changed: an error of ours is the notice."""
    try:
        ask()
    except VeracityError as exc:
        return Notice(what, who, True, str(exc))
    return Notice(what, who, False, "nothing")


def _edited(receipt: Receipt) -> Receipt:
    assert receipt.record is not None, "the receipt shows a record"
    page = receipt.record.pages[0]
    at = next(i for i, byte in enumerate(page.content) if chr(byte).isdigit())
    digit = b"%d" % ((page.content[at] - 48 + 1) % 10)
    content = page.content[:at] + digit + page.content[at + 1 :]
    return replace(receipt, record=replace(receipt.record, pages=(replace(page, content=content),)))


@contextmanager
def _changed_byte(path: Path) -> Iterator[None]:
    """Flip one bit in the middle of a file, and flip it back."""
    body = path.read_bytes()
    middle = len(body) // 2
    try:
        path.write_bytes(body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])
        yield
    finally:
        path.write_bytes(body)


def _seed(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"veracity demo, simulated, not secret: {seed} {name}".encode()).digest()


def _key(seed: int, name: str) -> SigningKey:
    return SigningKey(_seed(seed, name))
