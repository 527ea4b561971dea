"""The bytes of a text file, decompressed, in bounded memory."""

import zlib
from collections.abc import Iterator
from io import BufferedReader

from veracity.feeds.errors import CorruptFile
from veracity.feeds.file_info import Compression

_CHUNK = 8 * 1024 * 1024
_MEMBER_CHUNK = 64 * 1024  # of gzip: what follows a member is copied, and there may be many


class TextStream:
    """The file's bytes, decompressed. ``truncated`` is right once they are all read."""

    def __init__(self, name: str, compression: Compression, source: BufferedReader) -> None:
        self._name, self._compression, self._source = name, compression, source
        self.truncated = False

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, at most 8 MiB at a time; ``CorruptFile`` if gzip breaks in its middle."""
        if self._compression == "none":
            while chunk := self._source.read(_CHUNK):
                yield chunk
        else:
            yield from self._inflated()

    def _inflated(self) -> Iterator[bytes]:
        """Inflate members one after another; zero bytes after the last are padding (as gzip has it)."""
        raw, at_start, n_members = b"", True, 0
        inflater = zlib.decompressobj(wbits=31)
        while True:
            raw = raw or self._source.read(_MEMBER_CHUNK)
            if at_start and n_members:
                raw = raw.lstrip(b"\0") if raw[:1] == b"\0" else raw
                if not raw:
                    if not (raw := self._source.read(_MEMBER_CHUNK)):
                        return
                    continue
            if not raw:
                self.truncated = True
                if rest := inflater.flush():
                    yield rest
                return
            try:
                chunk = inflater.decompress(raw, _CHUNK)
            except zlib.error as exc:
                raise CorruptFile(f"{self._name}: want a gzip stream, got: {exc}") from exc
            at_start = False
            raw = inflater.unconsumed_tail
            if chunk:
                yield chunk
            if inflater.eof:
                raw, at_start, n_members = inflater.unused_data, True, n_members + 1
                inflater = zlib.decompressobj(wbits=31)
