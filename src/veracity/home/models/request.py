"""What is asked of an officer: a change of what serves, as one document to show, to sign and to give in."""

from dataclasses import dataclass
from typing import Any, cast, get_args

from veracity.canonical import canonical_json
from veracity.home.models.gate_errors import MalformedRequest
from veracity.provenance.fields import Fields
from veracity.provenance.statements.release import MAX_REPORTS, asked_release, release_sha256
from veracity.provenance.statements.words import (
    NAME,
    SYSTEM_NAME,
    Action,
    Stage,
)
from veracity.provenance.statements.words import read_digests as _read_digests
from veracity.provenance.strictjson import parse_json

MAX_REQUEST_BYTES = 65_536


@dataclass(frozen=True)
class Request:
    """A change of what serves; the words are those of ``Release``."""

    system: str
    action: Action
    model_sha256: str
    stage: Stage
    card_sha256: str
    reports: tuple[str, ...]
    replaces: int | None
    simulated: bool

    @classmethod
    def of(cls, document: Any) -> "Request":
        """Read the document; MalformedRequest if it is none."""
        fields = Fields(document, "request", MalformedRequest)
        request = cls(
            system=fields.matching("system", NAME, SYSTEM_NAME),
            action=cast(Action, fields.choice("action", get_args(Action))),
            model_sha256=fields.sha256("model"),
            stage=cast(Stage, fields.choice("stage", get_args(Stage))),
            card_sha256=fields.sha256("card"),
            reports=_read_digests(fields, "reports", MAX_REPORTS),
            replaces=fields.optional("replaces", fields.count),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        return request

    @classmethod
    def parse(cls, text: bytes) -> "Request":
        """Read the bytes of a file; MalformedRequest if they are no request."""
        return cls.of(parse_json(text, "request", MAX_REQUEST_BYTES, MalformedRequest))

    def to_document(self) -> dict[str, Any]:
        """Return the document."""
        return asked_release(
            self.system,
            self.action,
            self.model_sha256,
            self.stage,
            self.card_sha256,
            self.reports,
            self.replaces,
            simulated=self.simulated,
        )

    def format(self) -> bytes:
        """Write it as canonical JSON: what its digest is of."""
        return canonical_json(self.to_document())

    @property
    def sha256(self) -> str:
        """What an approval names."""
        return release_sha256(self.to_document())
