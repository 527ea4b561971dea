"""A log of who may do what over the network: every act, and a token's; for vectors and seeds."""

from receipt_world import ENVIRONMENT, OPERATOR, World

from veracity.provenance.keys import SigningKey
from veracity.provenance.receipts import Receipt
from veracity.provenance.statements import Access, Rights, Writes

AT, LATER = "2026-09-01T04:00:00Z", "2026-11-30T04:00:00Z"
UPLOAD, TOKEN = "weather-upload", "Vx2kPq9LmA"
AGENCY = "danang-environment"

#: in the order in which they are said; a token is of a feed, and ends
ACCESS: dict[str, Access] = {
    "grant": Access(0, "grant", "operator", "command", AT, "lan", rights=Rights(("admin", "auditor"))),
    "grant-of-an-agency": Access(
        1, "grant", "lan", "session", AT, UPLOAD, rights=Rights(("publisher",), AGENCY)
    ),
    "token": Access(
        2,
        "grant",
        "lan",
        "session",
        AT,
        UPLOAD,
        TOKEN,
        Rights(("publisher",), AGENCY, ("air-quality",), LATER),
    ),
    "writes": Access(3, "writes", "operator", "command", AT, writes=Writes("c5" * 32, 0, 41)),
    "token-revoked": Access(4, "revoke", UPLOAD, "token", AT, UPLOAD, TOKEN),
    "revoke": Access(5, "revoke", "lan", "sign-in", AT, UPLOAD),
}


class AccessWorld:
    """The log; ``signer`` signs every statement of access."""

    def __init__(self, signer: SigningKey = OPERATOR) -> None:
        self.world = World()
        self.at = {name: self.world.say(said.to_statement(), signer) for name, said in ACCESS.items()}

    def receipts(self) -> dict[str, Receipt]:
        """Return a receipt of each statement."""
        return {name: self.world.statement_receipt(index) for name, index in self.at.items()}


BY_AN_AGENCY = AccessWorld(ENVIRONMENT)
