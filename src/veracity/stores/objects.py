"""Object stores behind the log's ``Objects`` door, through ``obstore``."""

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from veracity.log.errors import ObjectMissing, StoreUnavailable

_COPY_BYTES = 8 * 1024 * 1024
_UNNAMEABLE = re.compile(r"[\x00-\x1f\x7f]|#[0-9]*(/|$)")


@contextmanager
def translated(action: str, path: str) -> Iterator[None]:
    """Turn the errors of obstore and of the system into ours, with one line each."""
    try:
        yield
    except FileNotFoundError as exc:
        raise ObjectMissing(f"{action} {path}: want an object, got none") from exc
    except OSError as exc:
        raise StoreUnavailable(f"{action} {path}: {exc.strerror or _first_line(exc)}") from exc
    except (BaseError, ValueError) as exc:
        raise StoreUnavailable(f"{action} {path}: {_first_line(exc)}") from exc


def _first_line(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0]


@contextmanager
def writing(path: str) -> Iterator[None]:
    """As ``translated``; a folder or a bucket that is not there while writing is no missing object."""
    try:
        with translated("write", path):
            yield
    except ObjectMissing as exc:
        raise StoreUnavailable(f"write {path}: want its folder, got none") from exc


class StoredObjects:
    """Objects in any obstore store whose puts are durable when they return (S3; memory, for tests).

    Safe to share between threads.

    Parameters
    ----------
    store
        The store; its own options bound the time of a request and how often it is tried.
    n_parallel
        How many requests ``put_many`` has under way at once.
    max_bytes
        The largest object that ``get`` reads into memory; None for any.
    headers
        With what headers the store itself serves an object of that path; None where it serves nobody.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        n_parallel: int = 16,
        max_bytes: int | None = None,
        headers: Callable[[str], dict[str, str]] | None = None,
    ) -> None:
        self._store = store
        self._n_parallel = n_parallel
        self._max_bytes = max_bytes
        self._headers = headers

    def put(self, path: str, data: bytes) -> None:
        """Write one object; durable when it returns."""
        self.put_many([(path, data)])

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write objects; all durable when it returns. On an error some may be written, none is under way."""
        if len(items) < 2:
            for path, data in items:
                self._put_one(path, data)
            return
        with ThreadPoolExecutor(min(self._n_parallel, len(items))) as pool:
            writes = [pool.submit(self._put_one, path, data) for path, data in items]
            try:
                for write in writes:
                    write.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _put_one(self, path: str, data: bytes) -> None:
        headers = self._headers(path) if self._headers else None
        with writing(path):
            obstore.put(self._store, path, data, attributes=headers)

    def put_file(self, path: str, source: Path, sha256: str) -> None:
        """Copy a local file of any size into one object, in bounded memory; durable when it returns.

        Raises
        ------
        StoreUnavailable
            Also if what was read of the file has another digest than ``sha256``: nothing is stored.
        """
        with writing(path), source.open("rb") as given:
            obstore.put(self._store, path, _compared(given, path, sha256))

    def sync(self, path: str) -> None:
        """Make durable an object that another library wrote: here every write already is."""

    def get(self, path: str) -> bytes:
        """Return an object's content, or raise ObjectMissing."""
        with translated("read", path):
            found = obstore.get(self._store, path)
            if self._max_bytes is not None and found.meta["size"] > self._max_bytes:
                raise StoreUnavailable(
                    f"read {path}: want at most {self._max_bytes} bytes, got {found.meta['size']}"
                )
            return bytes(found.bytes())

    def fetch(self, path: str, target: Path) -> None:
        """Copy an object of any size into a local file, in bounded memory; ObjectMissing if there is none."""
        with translated("read", path):
            found = obstore.get(self._store, path)
            with target.open("wb") as out:
                for chunk in found:
                    out.write(chunk)

    def get_range(self, path: str, start: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``start``; StoreUnavailable if it has fewer."""
        if length == 0:
            return b""
        with translated("read", path):
            data = bytes(obstore.get_range(self._store, path, start=start, length=length))
        if len(data) != length:
            raise StoreUnavailable(f"read {path}: want {length} bytes from {start}, got {len(data)}")
        return data

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the paths below the folder ``prefix`` ("" for all), in no promised order."""
        with translated("list", prefix or "store"):
            for chunk in obstore.list(self._store, prefix or None):
                for meta in chunk:
                    yield meta["path"]

    def delete(self, path: str) -> None:
        """Remove an object; no error if it is not there."""
        with suppress(ObjectMissing), translated("delete", path):
            obstore.delete(self._store, path)

    def exists(self, path: str) -> bool:
        """Say whether an object is stored under ``path``."""
        try:
            self.size(path)
        except ObjectMissing:
            return False
        return True

    def size(self, path: str) -> int:
        """Return an object's size in bytes, or raise ObjectMissing."""
        with translated("look up", path):
            return obstore.head(self._store, path)["size"]


class LocalObjects(StoredObjects):
    """Objects as files below ``root``.

    obstore cannot fsync, so writing is done here: each file is written beside its place, under
    a name ``<name>#<digits>`` that obstore never lists, made durable, renamed, and then its
    folder is made durable. A reader sees the old or the new content, whole.

    Parameters
    ----------
    root
        The directory; made if it is not there, unless ``read_only``.
    durable
        Whether to fsync. Only benchmarks turn it off.
    read_only
        Never write; the directory must be there.

    Raises
    ------
    StoreUnavailable
        If the directory cannot be opened.
    """

    options = None  #: what other libraries must be told to read the objects: nothing

    def __init__(self, root: Path, *, durable: bool = True, read_only: bool = False) -> None:
        self.root = root
        self.durable = durable
        self.read_only = read_only
        self._synced: set[Path] = set()  # folders whose names this process knows to be on disk
        try:
            with translated("open", str(root)):
                if not read_only:
                    self._sync_folders(_make_folders(root))
                super().__init__(LocalStore(root, automatic_cleanup=True))
        except ObjectMissing as exc:
            raise StoreUnavailable(f"open {root}: want a directory, got none") from exc

    def uri(self, path: str) -> str:
        """Return the name of an object for other libraries."""
        return str(self.root / path)

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write objects; all durable when it returns. On an error some may be in place, none half."""
        if self.read_only:
            raise StoreUnavailable(
                f"write {items[0][0] if items else ''}: want a writable store, got read-only"
            )
        staged: list[tuple[str, Path, Path]] = []
        folders: set[Path] = set()
        try:
            for path, data in items:
                with writing(path):
                    target = self.root / _checked(path)
                    folders |= self._folders_to(target)
                    beside = target.with_name(f"{target.name}#{secrets.randbits(63)}")
                    staged.append((path, beside, target))
                    _write_file(beside, data, durable=self.durable)
            # Folders are opened before the renames, so that an error of the sync cannot be missed.
            with ExitStack() as stack, writing(items[0][0] if items else ""):
                handles = [_open_folder(stack, folder) for folder in sorted(folders)] if self.durable else []
                for _, beside, target in staged:
                    beside.replace(target)
                for handle in handles:
                    os.fsync(handle)
            self._remember(folders)
        except BaseException:  # a Ctrl-C too must leave nothing half-written
            for _, beside, _ in staged:
                with suppress(OSError):
                    beside.unlink(missing_ok=True)
            raise

    def put_file(self, path: str, source: Path, sha256: str) -> None:
        """Copy a local file of that digest into one object; durable when it returns."""
        if self.read_only:
            raise StoreUnavailable(f"write {path}: want a writable store, got read-only")
        with writing(path):
            target = self.root / _checked(path)
            folders = self._folders_to(target)
            beside = target.with_name(f"{target.name}#{secrets.randbits(63)}")
            try:
                with source.open("rb") as given, beside.open("xb") as out:
                    for chunk in _compared(given, path, sha256):
                        out.write(chunk)
                    out.flush()
                    if self.durable:
                        os.fsync(out.fileno())
                beside.replace(target)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
            self._sync_folders(folders)
            self._remember(folders)

    def sync(self, path: str) -> None:
        """Fsync an object that another library wrote, and its folder."""
        if not self.durable:
            return
        with translated("sync", path), ExitStack() as stack:
            target = self.root / _checked(path)
            handle = os.open(target, os.O_RDONLY)
            stack.callback(os.close, handle)
            os.fsync(handle)
            os.fsync(_open_folder(stack, target.parent))

    def delete(self, path: str) -> None:
        """Remove an object; no error if it is not there. Not made durable: it may come back after a crash."""
        if self.read_only:
            raise StoreUnavailable(f"delete {path}: want a writable store, got read-only")
        super().delete(path)

    def _folders_to(self, target: Path) -> set[Path]:
        """Make the folder of a file; return those to sync so that its whole path survives a power cut.

        A folder that is there may have been made by a process that was killed before it could sync
        it. So the way to each is synced by every process, the first time it writes there.
        """
        folder = target.parent
        folders = _make_folders(folder) | {folder}
        while folder != self.root and folder not in self._synced:
            folder = folder.parent
            folders.add(folder)
        return folders

    def _remember(self, folders: set[Path]) -> None:
        self._synced |= {folder for folder in folders if folder.parent in folders}

    def _sync_folders(self, folders: set[Path]) -> None:
        if self.durable:
            with ExitStack() as stack:
                for folder in folders:
                    os.fsync(_open_folder(stack, folder))


def _checked(path: str) -> str:
    """Return ``path`` if obstore would name the same file by it."""
    if any(part in ("", ".", "..") for part in path.split("/")) or _UNNAMEABLE.search(path):
        raise ValueError(f"object path: want names joined by '/', got {path[:80]!r}")
    return path


def _make_folders(folder: Path) -> set[Path]:
    """Make a folder and its parents; return the folders that gained one."""
    gained: set[Path] = set()
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        gained.add(new.parent)
    return gained


def _open_folder(stack: ExitStack, folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, handle)
    return handle


def _compared(given: BufferedReader, path: str, sha256: str) -> Iterator[bytes]:
    """Yield a file's bytes; ``StoreUnavailable`` at their end if they have another digest."""
    digest = hashlib.sha256()
    while chunk := given.read(_COPY_BYTES):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise StoreUnavailable(f"write {path}: want the file of sha256 {sha256[:12]}, got one changed since")


def _write_file(path: Path, data: bytes, *, durable: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)
