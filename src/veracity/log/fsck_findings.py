"""One fault of a stored log."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is wrong with one file.

    ``code`` is missing, mismatch, leftover, unpublished (which is no fault), extension-lines,
    duplicate-signature, gave-up, or the code of the error that reading raised; ``position`` the index
    of the entry (in a bundle) or of the hash at its level (in a tile), of a file cut short or too long
    that of the first entry or hash that should not be there or is not; None where the whole file is meant.
    """

    path: str
    code: str
    position: int | None
    detail: str

    def __str__(self) -> str:
        at = "" if self.position is None else f" at {self.position}"
        return f"{self.path}{at}: {self.code}: {self.detail}"
