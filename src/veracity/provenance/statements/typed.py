"""From a statement of any kind to its typed form."""

from veracity.provenance.statements.access import Access
from veracity.provenance.statements.account import Account
from veracity.provenance.statements.approve import Approve
from veracity.provenance.statements.assure import Assure
from veracity.provenance.statements.calibrate import Calibrate
from veracity.provenance.statements.certify import Certify
from veracity.provenance.statements.contract import SealedContract
from veracity.provenance.statements.decide import Decide
from veracity.provenance.statements.delivery import Delivery
from veracity.provenance.statements.enrol import Enrol
from veracity.provenance.statements.erase import Erase
from veracity.provenance.statements.incident import Incident
from veracity.provenance.statements.ingest import Ingest
from veracity.provenance.statements.outcome import Outcome
from veracity.provenance.statements.override import Override
from veracity.provenance.statements.reject import Reject
from veracity.provenance.statements.release import Release
from veracity.provenance.statements.statement import Statement
from veracity.provenance.statements.train import Train
from veracity.provenance.statements.transform import Transform
from veracity.provenance.statements.withdraw import Withdraw

Typed = (
    Enrol
    | SealedContract
    | Delivery
    | Ingest
    | Transform
    | Certify
    | Account
    | Calibrate
    | Withdraw
    | Reject
    | Erase
    | Train
    | Assure
    | Approve
    | Release
    | Decide
    | Override
    | Outcome
    | Incident
    | Access
)

_FORMS: dict[str, type[Typed]] = {
    "enrol": Enrol,
    "contract": SealedContract,
    "delivery": Delivery,
    "ingest": Ingest,
    "transform": Transform,
    "certify": Certify,
    "account": Account,
    "calibrate": Calibrate,
    "withdraw": Withdraw,
    "reject": Reject,
    "erase": Erase,
    "train": Train,
    "assure": Assure,
    "approve": Approve,
    "release": Release,
    "decide": Decide,
    "override": Override,
    "outcome": Outcome,
    "incident": Incident,
    "access": Access,
}


def typed(statement: Statement) -> Typed | None:
    """Return the typed form, or None for a kind that has none yet.

    Raises
    ------
    MalformedStatement
        If the predicate is not what its kind says it is.
    """
    form = _FORMS.get(statement.kind)
    return None if form is None else form.from_statement(statement)
