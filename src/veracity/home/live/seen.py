"""Which messages came before: the newest few million, exactly, in some 16 bytes each."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

LIMIT = 4_194_304
_YOUNG = 16_384

_Ids = npt.NDArray[np.uint64]  # (n, 2), sorted by the first column


class Seen:
    """A set of message ids that forgets the oldest.

    Of ``limit`` ids at least the newest half is known, and never more than all. The young are in a set;
    then they are sorted into arrays, each at least twice as long as the one after it.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._half = max(limit // 2, 1)
        self._young: set[str] = set()
        self._now: list[_Ids] = []
        self._before: list[_Ids] = []

    def __len__(self) -> int:
        return len(self._young) + sum(len(a) for a in (*self._now, *self._before))

    def known(self, ids: Sequence[str]) -> list[bool]:
        """Tell for each id whether it was added and is not forgotten."""
        found = np.fromiter((i in self._young for i in ids), np.bool_, len(ids))
        arrays = [*self._now, *self._before]
        if arrays and ids:
            wanted = _numbers(ids)
            for array in arrays:
                found |= _held(array, wanted)
        return [bool(f) for f in found]

    def add(self, ids: Iterable[str]) -> None:
        """Remember ids."""
        self._young.update(ids)
        if len(self._young) < _YOUNG:
            return
        fresh = _sorted(_numbers(list(self._young)))
        self._young.clear()
        while self._now and len(self._now[-1]) < 2 * len(fresh):
            fresh = _sorted(np.concatenate((self._now.pop(), fresh)))
        self._now.append(fresh)
        if sum(len(a) for a in self._now) >= self._half:
            self._before, self._now = self._now, []


def _numbers(ids: Sequence[str]) -> _Ids:
    return np.frombuffer(bytes.fromhex("".join(ids)), ">u8").reshape(-1, 2).astype(np.uint64)


def _sorted(ids: _Ids) -> _Ids:
    return ids[np.argsort(ids[:, 0], kind="stable")]


def _held(array: _Ids, wanted: _Ids) -> npt.NDArray[np.bool_]:
    """Tell which of some ids an array holds. Two ids that share their first half are looked at in turn."""
    at = np.searchsorted(array[:, 0], wanted[:, 0])
    found = np.zeros(len(wanted), np.bool_)
    while True:
        inside = at < len(array)
        row = array[np.where(inside, at, 0)]
        same = inside & (row[:, 0] == wanted[:, 0])
        found |= same & (row[:, 1] == wanted[:, 1])
        if not np.any(same & ~found):
            return found
        at = at + 1
