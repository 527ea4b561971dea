"""The keys of a file that its sender protected are taken into the vault; then it is ingested like any.

Or it never is: then its keys can be forgotten.

The file is read whole first: everything in it that the contract does not keep in clear is a token, and
each token opens with the key that came for its record, in its own field. No other key is used: a token
of somebody else's record, copied into a file, would be shown and erased with the copy.
"""

from pathlib import Path

from veracity.data.contract import Contract
from veracity.data.personal.checking import ProtectionCheck, RecordTokens
from veracity.data.personal.protect import ProtectedRecord
from veracity.data.personal.token import OTHER, WHOLE, RecordKey, name_of, open_token, parse_name
from veracity.data.reexecution import text_format
from veracity.errors import Malformed, Rejected
from veracity.feeds.errors import UnknownFileKind
from veracity.feeds.file_info import FileInfo, inspect, open_file
from veracity.feeds.files import iter_parts
from veracity.home.clock import format_time
from veracity.home.erasures import read_erased
from veracity.home.errors import BadName, MalformedKeys, NothingPersonal
from veracity.home.home import Writer
from veracity.home.key_file import KeyFile
from veracity.home.persons import opened_vault, personal_contract
from veracity.home.protection import RECORDS_AT_ONCE, forget, forget_unfinished
from veracity.home.vault import Access, Vault, VaultFile
from veracity.provenance.statements.checks import check_person


def take_keys(home: Writer, feed: str, path: Path, keys: Path) -> int | None:
    """Take the keys of a protected file into the vault; return how many; None if it was taken before.

    Raises
    ------
    MalformedKeys
        If the keys are not of this file, or lack one that it needs.
    Unprotected
        If something in the file is in clear that must not be.
    TokenRejected
        If a value was not encrypted with the key that came for its record.
    """
    contract, info = personal_contract(home, feed), inspect(path)
    if info.kind == "parquet" or info.compression != "none":
        raise UnknownFileKind(f"{info.name}: want a protected csv or ndjson file, got another kind")
    with open_file(keys) as opened, home.make_vault() as vault:
        read = KeyFile(opened, keys.name)
        got = (read.head.feed, read.head.sha256, read.head.n_bytes)
        if got != (feed, info.sha256, info.n_bytes):
            raise MalformedKeys(
                f"{keys.name}: want the keys of {feed} file {info.sha256[:16]},"
                f" got those of {read.head.feed} file {read.head.sha256[:16]}"
            )
        forget_unfinished(home, vault)
        if vault.file_by_digest(feed, info.sha256) is not None:
            return None
        file = vault.begin_taken(feed, info.name, "csv" if info.kind == "csv" else "ndjson")
        try:
            n = _take(vault, file, info, read, _Opener(contract), _erased(home, feed))
        except (Malformed, Rejected):
            vault.forget(file)
            raise
        vault.finish(file, info.sha256, info.n_bytes)
        return n


def forget_file(home: Writer, feed: str, name: str, by: str, why: str) -> VaultFile:
    """Destroy the keys of a file of which nothing is in the log; ``name`` is its name or its digest.

    Who decided that and why is kept in the vault before.

    Raises
    ------
    NothingPersonal
        If the vault has no such file.
    BadName
        If it has more than one of that name.
    """
    check_person(by, why)
    with opened_vault(home) as vault:
        found = [f for f in vault.named(feed, name) if not home.index.parts(feed, str(f.sha256))]
        if not found:
            raise NothingPersonal(
                f"file: want one of {feed} whose keys are here and that is not in the log, got {name[:100]!r}"
            )
        if len(found) > 1:
            digests = ", ".join(str(f.sha256) for f in found)
            raise BadName(f"file: want one, got {len(found)} of that name: give the digest ({digests})")
        vault.note_access(Access(format_time(home.clock()), "forget", feed, found[0].name, by, why))
        forget(home, vault, found[0])
        return found[0]


def _take(
    vault: Vault, file: VaultFile, info: FileInfo, keys: KeyFile, opener: "_Opener", erased: set[bytes]
) -> int:
    check, n = ProtectionCheck(opener.contract, info.kind), 0
    for part in iter_parts(info, text_format(opener.contract, info.kind), RECORDS_AT_ONCE):
        found = check.part(part.data, part.ends)
        came = dict(keys.up_to(part.first_record + part.n_records))
        names = {key.name for key in came.values()}
        known = vault.known(names) | (names & erased)
        if known or len(names) < len(came):
            n_old = len(known) + len(came) - len(names)
            raise MalformedKeys(f"keys: want names that are new here, got {n_old} that are not")
        records = opener.part(part.first_record, found, came)
        vault.add(file, records)
        n += len(records)
    return n


def _erased(home: Writer, feed: str) -> set[bytes]:
    """Return the names of the records that were erased: they stay in the log, and are nobody's again."""
    lists = [read_erased(home, feed, p["records"]["sha256"]) for _, p in home.index.predicates("erase", feed)]
    return {parse_name(name) for rows in lists for name in rows["name"].to_list()}


class _Opener:
    """Opens the tokens of one file, part after part, each with the key that came for its record."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._fields = (*(f.name for f in contract.personal), OTHER, WHOLE)
        self._whole: tuple[int, RecordKey] | None = None  # the last record, if it was encrypted whole

    def part(
        self, first: int, found: list[RecordTokens], came: dict[int, RecordKey]
    ) -> list[ProtectedRecord]:
        """Return the records of a part that have a key, with their values."""
        values: dict[int, list[tuple[str, str]]] = {}
        for one in found:
            record = first + one.record
            opened = self._opened(record, one, self._key(record, one, came.get(record)))
            values[record] = [(f, text) for f, text in opened if f not in (OTHER, WHOLE)]
        if unused := came.keys() - values.keys():
            raise MalformedKeys(f"keys: want none for record {min(unused)}, which has no token, got one")
        return [ProtectedRecord(record, key, tuple(values[record])) for record, key in came.items()]

    def _key(self, record: int, found: RecordTokens, came: RecordKey | None) -> RecordKey:
        """Return the key of a record: its own, or that of the over-long one that goes on in it."""
        before, self._whole = self._whole, None
        key = came
        if key is None and found.whole and before is not None and before[0] == record - 1:
            key = before[1]
        if key is None:
            raise MalformedKeys(f"keys: want one for record {record}, got none")
        if found.whole:
            self._whole = record, key
        return key

    def _opened(self, record: int, found: RecordTokens, key: RecordKey) -> list[tuple[str, str]]:
        opened = []
        for token in found.tokens:
            if name_of(token) != key.name:
                raise MalformedKeys(f"keys: want the one that record {record} names, got another")
            field, plain = open_token(token, self.contract.feed, self._fields, key.key)
            opened.append((field, plain.decode("utf-8", "replace")))
        return opened
