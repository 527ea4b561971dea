"""A file on its way into a feed with personal fields: protected first, then taken in like any other.

What is cut, sealed and cleaned is the protected file, in the home's staging until all of it is in the
log. The plain file stays where it is, and nothing of it is kept but what the vault holds under keys.

A crash leaves either a file whose protection was cut short, which the next one forgets, keys and all;
or a whole protected file, with which the same plain file goes on.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from veracity.data.contract import Contract
from veracity.data.personal.protect import ProtectedRecord, Protector
from veracity.data.personal.token import IN_TEXT, parse_name
from veracity.data.reexecution import text_format
from veracity.errors import Malformed, Rejected
from veracity.feeds.errors import UnknownFileKind
from veracity.feeds.file_info import FileInfo, FileKind, inspect
from veracity.feeds.files import iter_parts
from veracity.home.deliveries import sidecar
from veracity.home.directory import usable
from veracity.home.errors import KeysMissing, SignedInClear, StateBehind, TokenMisplaced
from veracity.home.home import Writer
from veracity.home.vault import Vault, VaultFile
from veracity.provenance.secret_files import sync_directory

RECORDS_AT_ONCE = 65_536  # a part of protection: records, keys and pseudonyms are in memory together


@contextmanager
def protected(home: Writer, contract: Contract, info: FileInfo) -> Iterator[FileInfo]:
    """Yield what to take in for a file: itself, or its protected form where the feed has personal fields.

    Raises
    ------
    UnknownFileKind, SignedInClear, KeysMissing, TokenMisplaced, WrongFile
        Before anything of the file is kept.
    StateBehind
        If part of the file is in the log, and its protected form, which must go on, is gone.
    """
    if not contract.personal:
        yield info
        return
    with home.make_vault() as vault:
        forget_unfinished(home, vault)
        if vault.file_by_digest(contract.feed, info.sha256) is not None:
            _check_places(home, vault, contract, info)
            yield info  # its sender protected it, and handed the keys over
            return
        if os.path.lexists(sidecar(info.path)):
            raise SignedInClear(
                f"{info.name}: want no signature beside a file with personal values in clear (its digest"
                f" could be tested with guesses), got {sidecar(info.path).name}: protect it, then sign that"
            )
        file = _staged(home, vault, contract, info)
        path = home.directory.staging / file.name
        try:
            yield _as_info(path, file)
        except (Malformed, Rejected):
            _tidy(home, vault, file)
            raise
        _tidy(home, vault, file)


def _check_places(home: Writer, vault: Vault, contract: Contract, info: FileInfo) -> None:
    """Raise ``TokenMisplaced`` unless every token of a file belongs to the record that it stands in first.

    What is in the log whole stays as it is: keys of it may be destroyed.
    """
    parts = home.index.parts(contract.feed, info.sha256)
    if parts and parts[-1].is_last:
        return
    for part in iter_parts(info, text_format(contract, info.kind), RECORDS_AT_ONCE):
        first: dict[bytes, int] = {}
        for match in IN_TEXT.finditer(part.data):
            first.setdefault(parse_name(match.group(1).decode()), match.start())
        held = {h.name: h for h in vault.held(contract.feed, first)}
        for name, at in first.items():
            record = part.first_record + int(np.searchsorted(part.ends, at, side="right"))
            one = held.get(name)
            goes_on = one is not None and one.record < part.first_record  # a header again, a long record
            if one is None or one.sha256 != info.sha256 or not (goes_on or one.record == record):
                raise TokenMisplaced(
                    f"{info.name}: want in record {record} a token of its own,"
                    " got one of another record or file"
                )


def _staged(home: Writer, vault: Vault, contract: Contract, info: FileInfo) -> VaultFile:
    """Return the protected form of a file: made before, or now."""
    file = vault.file_of(contract.feed, info.sha256)
    if file is not None and not (home.directory.staging / file.name).exists():
        parts = home.index.parts(contract.feed, str(file.sha256))
        if parts and not parts[-1].is_last:
            raise StateBehind(
                f"{info.name}: want staging/{file.name}, of which {len(parts)} parts are in the log,"
                " got no file: restore it from a backup"
            )
        if not parts:
            forget(home, vault, file)
            file = None
    return file or _protect(home, vault, contract, info)


def _protect(home: Writer, vault: Vault, contract: Contract, info: FileInfo) -> VaultFile:
    """Write the protected form of a file into staging, its keys into the vault before it."""
    file = vault.begin(contract.feed, info.sha256, "csv" if info.kind == "csv" else "ndjson")
    folder = home.directory.staging
    path, beside = folder / file.name, folder / (file.name + ".part")
    try:
        with usable(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            with beside.open("wb") as out:
                sha256, n_bytes = write_protected(contract, info, out, lambda some: vault.add(file, some))
            beside.replace(path)
            sync_directory(folder)
    except (Malformed, Rejected):
        forget(home, vault, file)
        raise
    return vault.finish(file, sha256, n_bytes)


def write_protected(
    contract: Contract, info: FileInfo, out: BinaryIO, keep: Callable[[Sequence[ProtectedRecord]], None]
) -> tuple[str, int]:
    """Write the protected form of a file, durably; return its digest and size.

    ``keep`` takes the keys of some records before what they open is written.

    Raises
    ------
    UnknownFileKind
        If it is a Parquet file.
    KeysMissing
        If it is a protected file itself.
    """
    if info.kind == "parquet":
        raise UnknownFileKind(f"{info.name}: want csv or ndjson for a feed with personal fields, got parquet")
    digest, n_bytes = hashlib.sha256(), 0
    protector = Protector(contract, info.kind, secrets.token_bytes)
    for part in iter_parts(info, text_format(contract, info.kind), RECORDS_AT_ONCE):
        if part.index == 0:
            _check_plain(info, part.data)
        made = protector.part(part.data, part.ends, continued=part.continued, truncated=part.truncated)
        keep(made.records)
        out.write(made.data)
        digest.update(made.data)
        n_bytes += len(made.data)
    out.flush()
    os.fsync(out.fileno())
    return digest.hexdigest(), n_bytes


def _check_plain(info: FileInfo, data: bytes) -> None:
    """Tell a file that is protected already from one in clear, by most of its first lines."""
    lines = data[:65_536].splitlines()[:20][-19:]
    if lines and 2 * sum(IN_TEXT.search(line) is not None for line in lines) > len(lines):
        raise KeysMissing(
            f"{info.name}: want a file in clear, or the keys of a protected one first"
            " (veracity personal take), got one that is protected"
        )


def _as_info(path: Path, file: VaultFile) -> FileInfo:
    """Return the protected file as found; one that is in the log whole needs not be there."""
    sha256, n_bytes = str(file.sha256), int(file.n_bytes or 0)
    if not path.exists():
        kind: FileKind = "csv" if file.kind == "csv" else "ndjson"
        return FileInfo(path, kind, "none", n_bytes, sha256, (0, 0, n_bytes, 0, 0))
    info = inspect(path)
    if info.sha256 != sha256:
        raise StateBehind(f"staging/{file.name}: want sha256 {sha256[:16]}, got {info.sha256[:16]}")
    return replace(info, path=path)


def _tidy(home: Writer, vault: Vault, file: VaultFile) -> None:
    """After a file: what is in the log whole leaves staging, what came to nothing leaves the vault too."""
    parts = home.index.parts(file.feed, str(file.sha256))
    if not parts:
        forget(home, vault, file)
    elif parts[-1].is_last:
        _unstage(home, file)


def forget_unfinished(home: Writer, vault: Vault) -> None:
    """Forget the files whose protection was cut short: nobody has seen anything of them."""
    for stale in vault.unfinished():
        forget(home, vault, stale)


def forget(home: Writer, vault: Vault, file: VaultFile) -> None:
    """Destroy all that is kept of a file of which nothing went into the log."""
    _unstage(home, file)
    vault.forget(file)


def _unstage(home: Writer, file: VaultFile) -> None:
    with usable(home.directory.staging):
        for name in (file.name, file.name + ".part"):
            (home.directory.staging / name).unlink(missing_ok=True)
