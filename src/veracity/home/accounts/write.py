"""A write over the network: what is known of a request that may have changed something.

Each fact is a name in a line of the journal, a column of the table that the line waits in and, but for the
answer's, one of the table of intents: they are all read off ``Write``.
"""

from dataclasses import dataclass, fields

from veracity.provenance.fields import Fields
from veracity.provenance.statements.access import WAYS

MAX_PATH = 400


@dataclass(frozen=True)
class Write:
    """One write: who, how it was proved, what and when. ``status`` is what was answered.

    ``body_sha256`` is of the request's body as it came; the path is without what follows ``?``.
    """

    at: str
    account: str
    came_by: str
    credential: str
    method: str
    path: str
    status: int
    body_sha256: str


FACTS = fields(Write)
ASKED = tuple(fact for fact in FACTS if fact.name != "status")  #: known before there is an answer


def read_write(said: Fields) -> Write:
    """Read what a line says of a write, as ``said`` refuses what is malformed."""
    return Write(
        at=said.time("at"),
        account=said.text("account", 64),
        came_by=said.choice("came_by", WAYS),
        credential=said.text("credential", 64),
        method=said.text("method", 16),
        path=said.text("path", MAX_PATH),
        status=said.count("status"),
        body_sha256=said.sha256("body_sha256"),
    )
