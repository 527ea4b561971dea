"""From a statement of any kind to its typed form."""

from veracity.provenance.statements.calibrate import Calibrate
from veracity.provenance.statements.certify import Certify
from veracity.provenance.statements.contract import SealedContract
from veracity.provenance.statements.delivery import Delivery
from veracity.provenance.statements.enrol import Enrol
from veracity.provenance.statements.erase import Erase
from veracity.provenance.statements.ingest import Ingest
from veracity.provenance.statements.reject import Reject
from veracity.provenance.statements.statement import Statement
from veracity.provenance.statements.transform import Transform
from veracity.provenance.statements.withdraw import Withdraw

Typed = (
    Enrol | SealedContract | Delivery | Ingest | Transform | Certify | Calibrate | Withdraw | Reject | Erase
)

_FORMS: dict[str, type[Typed]] = {
    "enrol": Enrol,
    "contract": SealedContract,
    "delivery": Delivery,
    "ingest": Ingest,
    "transform": Transform,
    "certify": Certify,
    "calibrate": Calibrate,
    "withdraw": Withdraw,
    "reject": Reject,
    "erase": Erase,
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
