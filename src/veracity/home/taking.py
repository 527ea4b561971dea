"""The keys of a file that its sender protected are taken into the vault; then it is ingested like any.

Or it never is: then its keys can be forgotten.

The file is read whole first: everything in it that the contract does not keep in clear is a token, and
each token opens with the key that came for its record, in its own field.
"""

from pathlib import Path

import numpy as np

from veracity.data.contract import Contract
from veracity.data.personal.checking import ProtectionCheck
from veracity.data.personal.protect import ProtectedRecord
from veracity.data.personal.token import OTHER, TOKEN, WHOLE, RecordKey, name_of, open_token
from veracity.data.reexecution import text_format
from veracity.errors import Malformed, Rejected
from veracity.feeds.errors import UnknownFileKind
from veracity.feeds.file_info import FileInfo, inspect, open_file
from veracity.feeds.files import TextPart, iter_parts
from veracity.home.clock import format_time
from veracity.home.errors import BadName, MalformedKeys, NothingPersonal
from veracity.home.home import Writer
from veracity.home.key_file import KeyFile
from veracity.home.persons import opened_vault, personal_contract
from veracity.home.protection import RECORDS_AT_ONCE, forget, forget_unfinished
from veracity.home.vault import Access, Vault, VaultFile
from veracity.provenance.statements.checks import check_person


def take_keys(home: Writer, feed: str, path: Path, keys: Path) -> int:
    """Take the keys of a protected file into the vault; return how many; 0 if they are there already.

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
            return 0
        file = vault.begin_taken(feed, info.name, "csv" if info.kind == "csv" else "ndjson")
        try:
            n = _take(vault, file, contract, info, read)
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


def _take(vault: Vault, file: VaultFile, contract: Contract, info: FileInfo, keys: KeyFile) -> int:
    check = ProtectionCheck(contract, info.kind)
    fields = (*(f.name for f in contract.personal), OTHER, WHOLE)
    n = 0
    for part in iter_parts(info, text_format(contract, info.kind), RECORDS_AT_ONCE):
        check.part(part.data, part.ends)
        came = dict(keys.up_to(part.first_record + part.n_records))
        known = vault.known(key.name for key in came.values())
        if known:
            raise MalformedKeys(f"keys: want names that are new here, got {len(known)} that are not")
        records = _opened(vault, contract.feed, fields, part, came)
        vault.add(file, records)
        n += len(records)
    return n


def _opened(
    vault: Vault, feed: str, fields: tuple[str, ...], part: TextPart, came: dict[int, RecordKey]
) -> list[ProtectedRecord]:
    """Open every token of a part with the key that came for it; return the records with their values."""
    by_name = {key.name: key.key for key in came.values()}
    values: dict[bytes, list[tuple[str, str]]] = {key.name: [] for key in came.values()}
    text = part.data.decode("latin-1")
    for match in TOKEN.finditer(text):
        name = name_of(match.group())
        key = by_name.get(name) or vault.key(name)  # a header that stands in the file again has its first key
        if key is None:
            record = part.first_record + int(np.searchsorted(part.ends, match.start(), side="right"))
            raise MalformedKeys(f"keys: want one for record {record}, got none")
        field, plain = open_token(match.group(), feed, fields, key)
        if field not in (OTHER, WHOLE) and name in values:
            values[name].append((field, plain.decode("utf-8", "replace")))
    return [ProtectedRecord(record, key, tuple(values[key.name])) for record, key in came.items()]
