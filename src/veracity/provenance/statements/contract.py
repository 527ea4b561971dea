"""``contract``: from here on a feed is held to these bytes of YAML."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from veracity.provenance.statements.enrol import AGENCY_NAME
from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "contract"
SignatureRule = Literal["required", "optional"]


@dataclass(frozen=True)
class SealedContract:
    """A contract by digest, and what a verifier without a YAML reader must know of it.

    ``agency`` is whose keys may sign deliveries (None: anybody enrolled); ``signature`` says
    whether a file without a signed delivery may come in at all.
    """

    feed: str
    version: str
    sha256: str
    agency: str | None
    signature: SignatureRule
    simulated: bool

    @classmethod
    def from_statement(cls, statement: Statement) -> "SealedContract":
        """Read a statement; MalformedStatement if it is no ``contract``."""
        fields = predicate_of(statement, _KIND)
        contract = cls(
            feed=fields.matching("feed", FEED_NAME, FEED),
            version=fields.text("version", 64),
            sha256=fields.sha256("sha256"),
            agency=fields.optional("agency", lambda n: fields.matching(n, AGENCY_NAME, "an agency's name")),
            signature=cast(SignatureRule, fields.choice("signature", ("required", "optional"))),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        check_subjects(statement, contract.to_statement())
        return contract

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the YAML file."""
        predicate: dict[str, Any] = {
            "feed": self.feed,
            "version": self.version,
            "sha256": self.sha256,
            "agency": self.agency,
            "signature": self.signature,
            "simulated": self.simulated,
        }
        return Statement(_KIND, (Subject(SHA256, self.sha256, f"{self.feed}.yaml"),), predicate)
