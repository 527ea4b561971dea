"""What a statement says of one batch: its file, its place there, its evidence, counts and rows."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

from veracity.provenance.fields import Fields
from veracity.provenance.statements.file import FileDigest

FileKind = Literal["csv", "ndjson", "parquet"]
Compression = Literal["none", "gzip"]
EvidenceForm = Literal["received", "rendered"]


@dataclass(frozen=True)
class ReceivedFile:
    """The file a batch came from, whole, as received."""

    digest: FileDigest
    kind: FileKind
    compression: Compression = "none"

    @classmethod
    def read(cls, fields: Fields) -> "ReceivedFile":
        """Read the JSON object."""
        digest = FileDigest.read(fields)
        kind = cast(FileKind, fields.choice("kind", get_args(FileKind)))
        compression = cast(Compression, fields.choice("compression", get_args(Compression)))
        fields.done()
        return cls(digest, kind, compression)

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {**self.digest.to_object(), "kind": self.kind, "compression": self.compression}


@dataclass(frozen=True)
class Part:
    """Which part of the file the batch is: record ``first_record`` of the file and those after it."""

    index: int
    first_record: int
    n_records: int
    last: bool

    @classmethod
    def read(cls, fields: Fields) -> "Part":
        """Read the JSON object."""
        part = cls(
            index=fields.count("index"),
            first_record=fields.count("first_record"),
            n_records=fields.count("n_records"),
            last=fields.flag("last"),
        )
        fields.done()
        return part

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Evidence:
    """The tree over the batch's pages: its root (hex) and how the pages were cut.

    ``form`` is ``received`` where the pages are the (decompressed) bytes of the file, in order,
    and ``rendered`` where they are its rows written as canonical NDJSON.
    """

    root: str
    n_pages: int
    records_per_page: int
    form: EvidenceForm

    @classmethod
    def read(cls, fields: Fields) -> "Evidence":
        """Read the JSON object."""
        evidence = cls(
            root=fields.sha256("root"),
            n_pages=fields.count("n_pages"),
            records_per_page=fields.count("records_per_page", 1),
            form=cast(EvidenceForm, fields.choice("form", get_args(EvidenceForm))),
        )
        fields.done()
        return evidence

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Counts:
    """Where every record went: ``received == accepted + quarantined + refused``.

    Headers and blank records are not received data; ``blank`` counts the latter. A record of a
    wide file counts once for each row it holds.
    """

    received: int
    accepted: int
    quarantined: int
    refused: int
    blank: int = 0

    @classmethod
    def read(cls, fields: Fields) -> "Counts":
        """Read the JSON object."""
        names = ("received", "accepted", "quarantined", "refused", "blank")
        counts = cls(*(fields.count(name) for name in names))
        fields.done()
        return counts

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class RowsDigest:
    """Some rows: how many, and the digest of their values (hex)."""

    rows: int
    sha256: str

    @classmethod
    def read(cls, fields: Fields) -> "RowsDigest":
        """Read the JSON object."""
        rows = cls(fields.count("rows"), fields.sha256("sha256"))
        fields.done()
        return rows

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class TableVersion:
    """The rows a batch added, and the version of the table that first holds them."""

    rows: int
    version: int
    sha256: str

    @classmethod
    def read(cls, fields: Fields) -> "TableVersion":
        """Read the JSON object."""
        table = cls(fields.count("rows"), fields.count("version"), fields.sha256("sha256"))
        fields.done()
        return table

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)
