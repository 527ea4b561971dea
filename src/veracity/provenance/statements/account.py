"""``account``: what each device sent in an hour, and what became of every record of it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    ROWS,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "account"


@dataclass(frozen=True)
class Sums:
    """Where every record went that was sent: ``sent == accepted + quarantined + refused + duplicate``.

    ``messages`` counts messages; the others are records, headers and blank lines left out. ``refused``
    are those turned away at the door and those that could not be read or that a rule refused.
    """

    messages: int
    sent: int
    accepted: int
    quarantined: int
    refused: int
    duplicate: int

    @classmethod
    def read(cls, fields: Fields) -> "Sums":
        """Read the JSON object."""
        names = ("messages", "sent", "accepted", "quarantined", "refused", "duplicate")
        sums = cls(*(fields.count(name) for name in names))
        fields.done()
        return sums

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Account:
    """One hour of one feed, by device, over the live batches received in it.

    Attributes
    ----------
    hour
        When it begins, by the city's clock: batches count by their time of receipt.
    batches
        The first and the last live batch received in it.
    sums
        Over all devices.
    reasons
        Records turned away at the door, by reason.
    devices
        The kept rows, one for each device that sent.
    """

    feed: str
    hour: str
    batches: tuple[int, int]
    sums: Sums
    devices: RowsDigest
    engine: str
    simulated: bool
    reasons: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.hour.endswith(":00:00Z"):
            raise MalformedStatement(f"account.hour: want a whole hour, got {self.hour!r}")
        s = self.sums
        if s.sent != s.accepted + s.quarantined + s.refused + s.duplicate:
            raise MalformedStatement(
                f"account.sums: want sent = accepted + quarantined + refused + duplicate, got {s.sent}"
                f" = {s.accepted} + {s.quarantined} + {s.refused} + {s.duplicate}"
            )
        if sum(self.reasons.values()) > s.refused:
            raise MalformedStatement(
                f"account.reasons: want at most {s.refused}, got {sum(self.reasons.values())}"
            )
        if self.devices.rows == 0:
            raise MalformedStatement("account.devices: want a device that sent, got none")

    @classmethod
    def from_statement(cls, statement: Statement) -> "Account":
        """Read a statement; MalformedStatement if it is no ``account``, or contradicts itself."""
        fields = predicate_of(statement, _KIND)
        account = cls(
            feed=fields.matching("feed", FEED_NAME, FEED),
            hour=fields.time("hour"),
            batches=fields.span("batches", "batch"),
            sums=Sums.read(fields.object("sums")),
            devices=RowsDigest.read(fields.object("devices")),
            engine=fields.text("engine", 128),
            simulated=fields.flag("simulated"),
            reasons=fields.tally("reasons"),
        )
        fields.done()
        check_subjects(statement, account.to_statement())
        return account

    def to_statement(self) -> Statement:
        """Return the statement; its subject are the devices' rows."""
        predicate: dict[str, Any] = {
            "feed": self.feed,
            "hour": self.hour,
            "batches": {"first": self.batches[0], "last": self.batches[1]},
            "sums": self.sums.to_object(),
            "reasons": self.reasons,
            "devices": self.devices.to_object(),
            "simulated": self.simulated,
            "engine": self.engine,
        }
        name = f"devices of {self.feed} in the hour from {self.hour}"
        subject = Subject(ROWS, self.devices.sha256, name)
        return Statement(_KIND, (subject,), predicate)
