"""What is asked of an officer: a change of what serves, as one document to show, to sign and to give in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from veracity.home.models.gate_errors import MalformedRequest
from veracity.provenance.approvals import Request, read_request
from veracity.provenance.errors import MalformedApproval
from veracity.provenance.fields import Fields
from veracity.provenance.statements import Release
from veracity.provenance.statements.release import MAX_REPORTS, asked_release
from veracity.provenance.statements.words import NAME, SYSTEM_NAME, Action, Stage, read_digests


@dataclass(frozen=True)
class ReleaseRequest:
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
    def of(cls, asked: Mapping[str, Any]) -> "ReleaseRequest":
        """Read the document; MalformedRequest if it is none."""
        fields = Fields(dict(asked), "request", MalformedRequest)
        request = cls(
            system=fields.matching("system", NAME, SYSTEM_NAME),
            action=cast(Action, fields.choice("action", get_args(Action))),
            model_sha256=fields.sha256("model"),
            stage=cast(Stage, fields.choice("stage", get_args(Stage))),
            card_sha256=fields.sha256("card"),
            reports=read_digests(fields, "reports", MAX_REPORTS),
            replaces=fields.optional("replaces", fields.count),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        return request

    @classmethod
    def of_release(
        cls, said: Release, action: Action | None = None, replaces: int | None = None
    ) -> "ReleaseRequest":
        """Return what was asked for a release that was said; or for another change of the same model."""
        return cls(
            said.system,
            action or said.action,
            said.model_sha256,
            said.stage,
            said.card_sha256,
            said.reports,
            said.replaces if action is None else replaces,
            said.simulated,
        )

    @classmethod
    def parse(cls, text: bytes) -> "ReleaseRequest":
        """Read the bytes of a request's file; MalformedRequest if they are none for a release."""
        try:
            request = read_request(text)
        except MalformedApproval as exc:
            raise MalformedRequest(str(exc)) from exc
        if request.action != "release":
            raise MalformedRequest(f"request: want one for a release, got one for {request.action}")
        return cls.of(request.asked)

    @property
    def asked(self) -> dict[str, Any]:
        """What the officer sees and signs the digest of."""
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
        """Write the request's file."""
        return Request("release", self.system, self.asked).format()

    @property
    def sha256(self) -> str:
        """What an approval names."""
        return Request("release", self.system, self.asked).subject_sha256
