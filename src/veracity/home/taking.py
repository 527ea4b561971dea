"""The keys of a file that its sender protected are taken into the vault; then it is ingested like any.

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
from veracity.home.errors import MalformedKeys
from veracity.home.home import Writer
from veracity.home.key_file import KeyFile
from veracity.home.persons import personal_contract
from veracity.home.protection import RECORDS_AT_ONCE
from veracity.home.vault import Vault, VaultFile


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
        for stale in vault.unfinished():
            vault.forget(stale)
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
