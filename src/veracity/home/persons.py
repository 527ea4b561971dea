"""A person's data: found by keyed pseudonym, shown to who holds the vault, and both put on record there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from veracity.data.contract import Contract
from veracity.data.personal.pseudonym import normal
from veracity.data.personal.token import (
    OTHER,
    TOKEN,
    WHOLE,
    TokenRejected,
    format_name,
    open_token,
    parse_name,
)
from veracity.home.clock import format_time
from veracity.home.errors import NothingPersonal, RecordNotFound, VaultUnusable
from veracity.home.home import Home
from veracity.home.index import is_whole_file_refusal
from veracity.home.receipts import proven_record
from veracity.home.vault import Access, Held, Vault
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Ingest, parse_statement
from veracity.provenance.statements.checks import check_person


@dataclass(frozen=True)
class PersonalRecord:
    """A record with personal values whose key the vault has: where it came in, and its name."""

    batch: int
    record: int
    name: str


@dataclass(frozen=True)
class WaitingFile:
    """A file whose keys the vault has and that is not in the log, or not wholly: some records of it."""

    name: str
    sha256: str
    n_parts: int  #: of the file, in the log
    n_records: int  #: those of the records asked for that are in none of these parts


@dataclass(frozen=True)
class FoundRecords:
    """The records with a value: those in the log, and how many more in files that are not there yet."""

    records: tuple[PersonalRecord, ...]
    waiting: tuple[WaitingFile, ...]


@dataclass(frozen=True)
class ShownValue:
    """One decrypted value. ``field`` is the contract's, or ``*other`` and ``*record`` for the rest."""

    field: str
    value: str


@contextmanager
def opened_vault(home: Home) -> Iterator[Vault]:
    """Open a home's vault; ``VaultUnusable`` if it has none."""
    vault = home.vault()
    if vault is None:
        raise VaultUnusable(f"vault: want {home.directory.vault}, got none")
    with vault:
        yield vault


def personal_contract(home: Home, feed: str) -> Contract:
    """Return a feed's contract; ``NothingPersonal`` if it has no personal field."""
    contract = home.feed(feed).contract
    if not contract.personal:
        raise NothingPersonal(f"feed {feed}: want one with personal fields, got one without")
    return contract


def find(home: Home, feed: str, field: str, value: str, by: str, why: str) -> FoundRecords:
    """Return the records in which a personal field has a value, however it was written.

    That somebody looked is kept in the vault; the value is not.

    Raises
    ------
    NothingPersonal
        If the field is not personal.
    MalformedStatement
        If ``by`` or ``why`` is no line of text.
    """
    check_person(by, why)
    check_field(personal_contract(home, feed), field)
    with opened_vault(home) as vault:
        held = vault.find(feed, field, value)
        found = placed(home, feed, held)
        waiting = [file for file in waiting_files(home, vault, feed, held) if file.n_records]
        _note(home, vault, "find", feed, found, by, why, waiting)
    return FoundRecords(tuple(found), tuple(waiting))


def show(home: Home, feed: str, batch: int, record: int, by: str, why: str) -> list[ShownValue]:
    """Decrypt the personal values of one record, for who holds the vault and its key.

    That somebody looked is kept in the vault before anything is shown.

    Raises
    ------
    NothingPersonal
        If the record has none, or they are erased.
    """
    check_person(by, why)
    contract = personal_contract(home, feed)
    tokens = record_tokens(home, feed, batch, record)
    fields = [f.name for f in contract.personal]
    with opened_vault(home) as vault:
        keys = {name: vault.key(name) for name in {parse_name(token[4:26]) for token in tokens}}
        if not any(keys.values()):
            got = "only such whose keys are destroyed" if tokens else "none"
            raise NothingPersonal(
                f"record {batch}:{record}: want personal values that can be read, got {got}"
            )
        looked = [PersonalRecord(batch, record, format_name(name)) for name in sorted(keys)]
        _note(home, vault, "show", feed, looked, by, why)
        shown = []
        for token in tokens:
            key = keys[parse_name(token[4:26])]
            if key is not None:
                field, plain = open_token(token, feed, (*fields, OTHER, WHOLE), key)
                shown.append(ShownValue(field, plain.decode("utf-8", "replace")))
    return shown


def accesses(home: Home) -> list[Access]:
    """Return who looked at whose data, when and why."""
    with opened_vault(home) as vault:
        return vault.accesses()


def check_field(contract: Contract, field: str) -> None:
    """Raise ``NothingPersonal`` unless a field of the contract is personal."""
    names = [f.name for f in contract.personal]
    if field not in names:
        raise NothingPersonal(f"field: want a personal one ({', '.join(names)}), got {field[:60]!r}")


def placed(home: Home, feed: str, held: Sequence[Held]) -> list[PersonalRecord]:
    """Return records by batch and number, in order; those of files not in the log yet are left out."""
    spans: dict[str, list[tuple[int, int, int]]] = {}
    found = []
    for one in held:
        if one.sha256 not in spans:
            spans[one.sha256] = _spans(home, feed, one.sha256)
        for batch, first, n in spans[one.sha256]:
            if first <= one.record < first + n:
                found.append(PersonalRecord(batch, one.record - first, format_name(one.name)))
    return sorted(found, key=lambda r: (r.batch, r.record))


def waiting_files(home: Home, vault: Vault, feed: str, held: Sequence[Held]) -> list[WaitingFile]:
    """Return those files of some records that are not in the log, or not wholly."""
    waiting = []
    for sha256 in sorted({h.sha256 for h in held}):
        parts = home.index.parts(feed, sha256)
        file = vault.file_by_digest(feed, sha256)
        if file is not None and not (parts and parts[-1].is_last):
            n_in_log = sum(n for _, _, n in _spans(home, feed, sha256))
            later = [h for h in held if h.sha256 == sha256 and h.record >= n_in_log]
            waiting.append(WaitingFile(file.name, sha256, len(parts), len(later)))
    return waiting


def having(
    home: Home, vault: Vault, feed: str, held: Sequence[Held], field: str, value: str
) -> tuple[list[Held], tuple[PersonalRecord, ...]]:
    """Part records found by pseudonym into those whose decrypted text is the value, and the others.

    Of files that are not in the log yet there is no evidence to read: their records pass.
    """
    wanted = normal(value)
    others = tuple(
        place
        for place in placed(home, feed, held)
        if wanted not in map(normal, _texts(home, vault, feed, place, field))
    )
    names = {parse_name(place.name) for place in others}
    return [one for one in held if one.name not in names], others


def _texts(home: Home, vault: Vault, feed: str, place: PersonalRecord, field: str) -> Iterator[str]:
    """Yield the texts of a personal field in a record whose key the vault has."""
    name = parse_name(place.name)
    key = vault.key(name)
    for token in record_tokens(home, feed, place.batch, place.record):
        if key is not None and parse_name(token[4:26]) == name:
            with suppress(TokenRejected):  # of another field
                yield open_token(token, feed, (field,), key)[1].decode("utf-8", "replace")


def record_tokens(home: Home, feed: str, batch: int, record: int) -> list[str]:
    """Return the tokens in a record as it is kept in evidence, in order.

    Raises
    ------
    RecordNotFound
        If the batch has no such record, or nothing of it was kept.
    """
    row = home.index.batch(feed, batch)
    predicate = None if row is None else home.index.predicate(row.idx)
    if row is None or predicate is None or is_whole_file_refusal(predicate):
        raise RecordNotFound(f"record: want one of a batch of {feed} that was kept, got {batch}:{record}")
    ingest = Ingest.from_statement(parse_statement(open_envelope(home.reader().entry(row.idx)).payload))
    if not 0 <= record < ingest.part.n_records:
        raise RecordNotFound(f"record: want one below {ingest.part.n_records}, got {batch}:{record}")
    proven = proven_record(home, home.contract(ingest.contract_sha256), ingest, record)
    (page,) = proven.pages
    data = page.content[proven.offset : proven.offset + proven.length]
    return [m.group() for m in TOKEN.finditer(data.decode("latin-1"))]


def _spans(home: Home, feed: str, sha256: str) -> list[tuple[int, int, int]]:
    """Return (batch, first record, number of records) of the parts of a file in the log."""
    said = [home.index.predicate(row.idx) for row in home.index.parts(feed, sha256)]
    return [(p["batch"], p["part"]["first_record"], p["part"]["n_records"]) for p in said]


def _note(
    home: Home,
    vault: Vault,
    what: str,
    feed: str,
    found: Sequence[PersonalRecord],
    by: str,
    why: str,
    waiting: Sequence[WaitingFile] = (),
) -> None:
    places = " ".join(f"{r.batch}:{r.record}" for r in found[:100])
    more = f" and {len(found) - 100} more" if len(found) > 100 else ""
    more += "".join(f" and {f.n_records} of {f.name}" for f in waiting)
    vault.note_access(Access(format_time(home.clock()), what, feed, (places + more).strip(), by, why))
