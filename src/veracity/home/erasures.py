"""Erasing: the keys of a person's records are destroyed, and an ``erase`` statement says so.

The order of its writes:

1. the list of the records, under its digest;
2. the keys and all that a guess could be tested with, destroyed in the vault, and in the same
   transaction the signed statement put aside;
3. the statement, into the log.

Whoever opens the home next finds a statement put aside, and says it. So no statement ever speaks of
keys that are still there, and no key is gone without one.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.data.personal.pseudonym import normal
from veracity.data.personal.token import parse_name
from veracity.home.clock import format_time, parse_time
from veracity.home.errors import DeliveryInterrupted, FileWaiting, NothingPersonal
from veracity.home.home import Home, Writer
from veracity.home.persons import (
    PersonalRecord,
    check_field,
    having,
    opened_vault,
    personal_contract,
    placed,
    record_tokens,
    waiting_files,
)
from veracity.home.protection import forget_unfinished
from veracity.home.tables import read_parquet
from veracity.home.vault import Held, Vault
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import Erase, Ground, RowsDigest, format_statement
from veracity.provenance.statements.checks import MAX_BATCHES, check_person

SCHEMA = {"_batch": pl.Int64(), "_record": pl.Int64(), "name": pl.String()}
RETENTION = "retention rule"


@dataclass(frozen=True)
class Erasure:
    """What was erased, or would be: ``entries`` are the statements' places in the log, none if dry.

    ``others`` were found by the value's pseudonym, have another value, and are left.
    """

    feed: str
    records: tuple[PersonalRecord, ...]
    by: str
    why: str
    ground: Ground
    simulated: bool
    entries: tuple[int, ...]
    others: tuple[PersonalRecord, ...] = ()


def erase_value(
    home: Writer, feed: str, field: str, value: str, by: str, why: str, ground: Ground = "request"
) -> Erasure:
    """Erase every record in which a personal field has a value, however it was written."""
    contract = _checked(home, feed, by, why)
    with opened_vault(home) as vault:
        forget_unfinished(home, vault)
        found = _with_value(vault, contract, field, value, by, why)
        held, others = having(home, vault, feed, found, field, value)
        return replace(_erase(home, vault, contract, held, by, why, ground), others=others)


def try_erase_value(
    home: Home, feed: str, field: str, value: str, by: str, why: str, ground: Ground = "request"
) -> Erasure:
    """Tell what ``erase_value`` would erase; nothing is written."""
    contract = _checked(home, feed, by, why)
    with opened_vault(home) as vault:
        found = _with_value(vault, contract, field, value, by, why)
        held, others = having(home, vault, feed, found, field, value)
        return replace(_would_erase(home, vault, contract, held, by, why, ground), others=others)


def erase_records(
    home: Writer,
    feed: str,
    places: Sequence[tuple[int, int]],
    by: str,
    why: str,
    ground: Ground = "request",
) -> Erasure:
    """Erase records by batch and number."""
    contract = _checked(home, feed, by, why)
    with opened_vault(home) as vault:
        held = _at_places(home, vault, feed, places)
        return _erase(home, vault, contract, held, by, why, ground)


def try_erase_records(
    home: Home, feed: str, places: Sequence[tuple[int, int]], by: str, why: str, ground: Ground = "request"
) -> Erasure:
    """Tell what ``erase_records`` would erase; nothing is written."""
    contract = _checked(home, feed, by, why)
    with opened_vault(home) as vault:
        held = _at_places(home, vault, feed, places)
        return _would_erase(home, vault, contract, held, by, why, ground)


def retain(home: Writer, feed: str, by: str = RETENTION) -> Erasure | None:
    """Erase what a feed's contract does not keep any longer; None if nothing is so old."""
    contract = personal_contract(home, feed)
    with opened_vault(home) as vault:
        held = _outlived(home, vault, contract)
        return _erase(home, vault, contract, held, by, _rule(contract), "retention") if held else None


def try_retain(home: Home, feed: str, by: str = RETENTION) -> Erasure | None:
    """Tell what ``retain`` would erase; nothing is written."""
    contract = personal_contract(home, feed)
    with opened_vault(home) as vault:
        held = _outlived(home, vault, contract)
        return _would_erase(home, vault, contract, held, by, _rule(contract), "retention") if held else None


def retained_feeds(home: Home) -> list[str]:
    """Return the feeds whose contract says how long personal values are kept."""
    return [name for name, feed in home.feeds().items() if feed.contract.retention_s is not None]


def erased_path(feed: str, sha256: str) -> str:
    """Return where the list of an erasure's records is kept."""
    return f"erased/{feed}/{sha256}.parquet"


def read_erased(home: Home, feed: str, sha256: str) -> pl.DataFrame:
    """Read the list of an erasure's records; ``TableMismatch`` if it is gone, or another."""
    path = erased_path(feed, sha256)
    rows = read_parquet(home.objects, path)
    if dict(rows.schema) != SCHEMA or frame_digest(rows) != sha256:
        raise TableMismatch(f"{path}: want the list of digest {sha256[:16]}, got another")
    return rows


def erased_at(home: Home, feed: str, batch: int, record: int) -> int | None:
    """Return the log entry that says that a record was erased; None if none does."""
    for idx, predicate in home.index.predicates("erase", feed):
        if batch in predicate["batches"]:
            rows = read_erased(home, feed, predicate["records"]["sha256"])
            if rows.filter((pl.col("_batch") == batch) & (pl.col("_record") == record)).height:
                return idx
    return None


def _checked(home: Home, feed: str, by: str, why: str) -> Contract:
    check_person(by, why)
    return personal_contract(home, feed)


def _with_value(vault: Vault, contract: Contract, field: str, value: str, by: str, why: str) -> list[Held]:
    """Find by value; who decides and why go into the log for ever, and must not say the value again."""
    check_field(contract, field)
    wanted = normal(value)
    for name, text in (("by", by), ("why", why)):
        if wanted and wanted in normal(text):
            raise MalformedStatement(f"{name}: want a text without the value that is to be erased, got it")
    return vault.find(contract.feed, field, value)


def _at_places(home: Home, vault: Vault, feed: str, places: Sequence[tuple[int, int]]) -> list[Held]:
    names = {parse_name(t[4:26]) for place in places for t in record_tokens(home, feed, *place)}
    return vault.held(feed, names)


def _outlived(home: Home, vault: Vault, contract: Contract) -> list[Held]:
    """Return the records that came in longer ago than the contract in force keeps personal values."""
    if contract.retention_s is None:
        raise NothingPersonal(f"feed {contract.feed}: want a contract with a retention, got one without")
    before = home.clock() - timedelta(seconds=contract.retention_s)
    held: list[Held] = []
    for _, predicate in home.index.predicates("ingest", contract.feed):
        received: datetime = parse_time("received_at", predicate["received_at"])
        if received < before:
            part = predicate["part"]
            sha256 = str(predicate["file"]["sha256"])
            held += vault.held_between(contract.feed, sha256, part["first_record"], part["n_records"])
    return held


def _rule(contract: Contract) -> str:
    days = (contract.retention_s or 0) / 86_400
    return f"contract {contract.version} keeps personal values for {days:g} days after their receipt"


def _would_erase(
    home: Home, vault: Vault, contract: Contract, held: Sequence[Held], by: str, why: str, ground: Ground
) -> Erasure:
    records = _known(home, vault, contract, held)
    return Erasure(contract.feed, tuple(records), by, why, ground, contract.simulated, ())


def _erase(
    home: Writer, vault: Vault, contract: Contract, held: Sequence[Held], by: str, why: str, ground: Ground
) -> Erasure:
    records = _known(home, vault, contract, held)
    entries = []
    for some in _by_batches(records):
        rows = pl.DataFrame([(r.batch, r.record, r.name) for r in some], schema=SCHEMA, orient="row")
        digest = frame_digest(rows)
        said = Erase(
            feed=contract.feed,
            erased_at=format_time(home.clock()),
            by=by,
            why=why,
            ground=ground,
            batches=tuple(rows["_batch"].unique().sort().to_list()),
            records=RowsDigest(rows.height, digest),
            simulated=contract.simulated,
        )
        entry = sign_envelope(format_statement(said.to_statement()), [home.operator])
        body = io.BytesIO()
        rows.write_parquet(body, compression="zstd", compression_level=1)
        home.objects.put(erased_path(contract.feed, digest), body.getvalue())
        vault.destroy([parse_name(r.name) for r in some], entry)
        entries.append(home.finish_erasure(vault, entry))
    return Erasure(contract.feed, tuple(records), by, why, ground, contract.simulated, tuple(entries))


def _known(home: Home, vault: Vault, contract: Contract, held: Sequence[Held]) -> list[PersonalRecord]:
    """Return where the records came in.

    Raises
    ------
    NothingPersonal
        If there are none.
    DeliveryInterrupted
        If a file of theirs is not wholly in the log: once a key is gone, it could not go on.
    FileWaiting
        If a file of theirs is not in the log at all: no statement could say which of its records were
        erased, and with their keys left it could be taken in and read afterwards.
    """
    for file in waiting_files(home, vault, contract.feed, held):
        if file.n_parts:
            raise DeliveryInterrupted(
                f"erase: want all parts of file {file.sha256[:16]} ({file.name}) in the log first,"
                f" got {file.n_parts}: ingest it again with --resume"
            )
        raise FileWaiting(
            f"erase: want {file.name} in the log first, since the vault has the keys of {file.n_records} such"
            " records of it, got nothing of it there: ingest it, or destroy all its keys"
            f" (veracity personal forget {contract.feed} {file.name})"
        )
    records = placed(home, contract.feed, held)
    if not records:
        raise NothingPersonal(f"erase: want records of {contract.feed} whose keys are there, got none")
    return records


def _by_batches(records: Sequence[PersonalRecord]) -> Iterator[list[PersonalRecord]]:
    """Yield the records in runs of as many batches as one statement can be about."""
    batches = sorted({r.batch for r in records})
    for at in range(0, len(batches), MAX_BATCHES):
        some = set(batches[at : at + MAX_BATCHES])
        yield [r for r in records if r.batch in some]
